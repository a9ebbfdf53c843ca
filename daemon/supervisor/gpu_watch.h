// What follows from the facts of the health role: which verdicts are told, which GPUs no engine may
// use, and whether the engine is to be replaced. Decides nothing of a GPU itself
// (daemon/health/gpu_care.h does) and touches nothing: the supervisor carries out what it says
// (supervisor_gpus.cc).
#ifndef DAEMON_SUPERVISOR_GPU_WATCH_H_
#define DAEMON_SUPERVISOR_GPU_WATCH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/health/gpu_care.h"
#include "daemon/supervisor/gpu_records.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// A verdict, and the GPU's name for people.
struct ToldVerdict {
  daemon_health::GpuVerdict verdict;
  std::string name;

  base::Json body() const;  // of the audit record gpu.verdict
};

// Times are milliseconds of a monotonic clock, but for `unix_seconds`.
class GpuWatch {
 public:
  struct Settings {
    daemon_health::GpuCare::Limits limits;
    std::string boot;  // the kernel's boot id
    // The engine is replaced for every GPU, whatever it says that it computes on.
    bool every_gpu_concerns = false;
  };
  // `kept`: what was written down before; of a former boot where its id says so.
  GpuWatch(Settings settings, GpuRecords kept);

  // ---- what happens -----------------------------------------------------------------------------

  // A gpu_facts message. kInvalidInput: a breach.
  base::Status observe(std::string_view snapshot, std::int64_t now, std::int64_t unix_seconds);
  void tick(std::int64_t now, std::int64_t unix_seconds);

  // The engine is about to touch these GPUs, and no others (gpus_in_use). A name that the health
  // role has not said is believed: an engine that starts has heard nothing but its signed model.
  void engine_starts(std::vector<std::string> uuids, std::int64_t now, std::int64_t unix_seconds);
  // It serves; its report says on which GPUs: "gpus": [uuid, …].
  void engine_ready(const base::Json& report, std::int64_t now, std::int64_t unix_seconds);
  // What was to be drained has come to its end, or its time has.
  void drained(std::int64_t now, std::int64_t unix_seconds);
  // The engine has ended, ready or not; nothing: which says nothing of a GPU.
  void engine_ended(std::optional<daemon_health::GpuHappening> how, std::int64_t now,
                    std::int64_t unix_seconds);
  // The same of an engine whose model is on trial beside the one that serves. GPUs that both use
  // hear nothing of it: the one that serves is proof that they are well, so it is the model's
  // failure.
  void candidate_starts(const std::vector<std::string>& uuids, std::int64_t now,
                        std::int64_t unix_seconds);
  void candidate_ended(const std::vector<std::string>& uuids, daemon_health::GpuHappening how,
                       std::int64_t now, std::int64_t unix_seconds);
  // A person says that it may be used again. kNotFound: no such GPU is known.
  base::Status clear(std::string_view uuid, std::int64_t now, std::int64_t unix_seconds);

  // ---- what follows -----------------------------------------------------------------------------

  std::vector<ToldVerdict> take_verdicts() { return std::exchange(told_, {}); }

  enum class Deed : std::uint8_t { kNone, kReplaceWhenIdle, kReplaceNow };
  struct Order {
    Deed deed = Deed::kNone;
    std::string why;
  };
  // The gravest since the last call.
  Order take_order() { return std::exchange(order_, {}); }

  bool out_of_use(std::string_view uuid) const { return records_.find(uuid) != nullptr; }
  // UUIDs, in order. The version changes with them, and with nothing else.
  std::vector<std::string> excluded() const;
  std::uint64_t excluded_version() const { return excluded_version_; }
  // To be written down; nothing: as it is there.
  std::optional<GpuRecords> take_records();
  // They could not be: they are to be taken once more.
  void records_not_written() { records_due_ = true; }

  // Why there are no facts, as the health role says; empty: there are.
  const std::string& trouble() const { return trouble_; }
  // Of GPUs that are not used: "GPU-… quarantined: …"; empty: all may be.
  std::string alarm() const;
  std::optional<std::int64_t> next_deadline() const { return care_.next_deadline(); }

  base::Json report(std::int64_t now) const;  // for `redoubt status`
  std::string metrics() const;                // Prometheus' text format; gpu_watch_report.cc

  const daemon_health::GpuCare& care() const { return care_; }

 private:
  struct Count {
    std::uint64_t xids = 0;
    std::uint64_t last_xid = 0;
  };
  using Verdicts = std::vector<daemon_health::GpuVerdict>;

  void take(Verdicts verdicts, std::int64_t unix_seconds);
  void keep(const daemon_health::GpuVerdict& verdict, std::int64_t unix_seconds);
  void tell(daemon_health::GpuVerdict verdict);
  void order(const daemon_health::GpuVerdict& verdict);
  void welcome_after_boot();
  bool concerns_engine(std::string_view uuid) const;
  bool computes(std::string_view uuid) const;
  std::vector<std::string> gpus_of_engine() const;
  void happened(const std::string& uuid, daemon_health::GpuHappening what, std::int64_t now,
                std::int64_t unix_seconds);
  std::string name_of(std::string_view uuid) const;
  void count_events(const daemon_health::GpuSnapshot& snapshot);
  base::Json gpu_json(const daemon_health::GpuCare::Status& gpu, std::int64_t now) const;
  void changed() {
    ++excluded_version_;
    records_due_ = true;
  }

  Settings settings_;
  daemon_health::GpuCare care_;
  GpuRecords records_;
  std::vector<std::string> verifying_;    // out of use before this boot, and not yet proven since
  std::vector<std::string> engine_gpus_;  // of the present process
  std::vector<ToldVerdict> told_;
  Order order_;
  std::map<std::string, Count, std::less<>> counts_;
  std::uint64_t excluded_version_ = 0;
  bool records_due_ = false;
  std::string trouble_;
  std::string driver_version_;
  std::string nvml_version_;
  std::int64_t round_ms_ = 0;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_GPU_WATCH_H_
