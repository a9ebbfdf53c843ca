// What GET /metrics tells: Prometheus' text format 0.0.4. Names that dashboards for vLLM ask for
// where they mean the same here, names of our own for the rest. Labels have few values, none of
// them a client's.
#ifndef DAEMON_GATEWAY_METRICS_H_
#define DAEMON_GATEWAY_METRICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "daemon/ipc/messages.h"

namespace daemon_gateway {

// Cumulative counts below fixed edges. Any thread.
class Histogram {
 public:
  static constexpr std::size_t kEdgesMax = 24;

  // `edges` rise, in seconds, and live for ever.
  explicit Histogram(std::span<const double> edges) : edges_(edges) {}

  void add(double seconds);
  // Lines "name_bucket{…}", "name_sum{…}", "name_count{…}"; `labels` without braces.
  void render(std::string_view name, std::string_view labels, std::string& out) const;

 private:
  std::span<const double> edges_;
  std::array<std::atomic<std::uint64_t>, kEdgesMax + 1> counts_{};  // the last: beyond all edges
  std::atomic<std::uint64_t> sum_us_ = 0;
};

class Metrics {
 public:
  Metrics();

  // ---- workers ----------------------------------------------------------------------------------

  void admitted(std::uint64_t prompt_tokens) { prompt_tokens_ += prompt_tokens; }
  void generated(std::uint64_t tokens) { generated_tokens_ += tokens; }
  void cached(std::uint64_t tokens) { cached_tokens_ += tokens; }
  // A choice came to its natural end; others are not counted.
  void finished(daemon_ipc::EventFinish finish);
  void first_token_after(double seconds) { first_token_.add(seconds); }
  void answered_after(double seconds) { answered_.add(seconds); }
  // By name_of(error); what is not in the table counts as "other".
  void refused(std::string_view code);

  // ---- event loop -------------------------------------------------------------------------------

  struct Gauges {
    std::uint64_t connections = 0;
    std::uint64_t requests_running = 0;
    std::uint64_t requests_waiting = 0;
    std::uint64_t requests_total = 0;
    std::uint64_t resumed_total = 0;
    std::uint64_t quarantined_total = 0;
    bool audit_up = false;
    double audit_failing_seconds = 0;
    std::uint64_t audit_records_total = 0;
    std::uint64_t audit_pending = 0;
  };
  void set_gauges(const Gauges& gauges);
  // What the supervisor says of GPUs, in the format of this page.
  void set_gpus(std::string text);

  // Any thread. `model` is empty while there is none.
  std::string render(std::string_view model) const;

 private:
  static constexpr std::size_t kCodesMax = 40;

  std::atomic<std::uint64_t> prompt_tokens_ = 0;
  std::atomic<std::uint64_t> generated_tokens_ = 0;
  std::atomic<std::uint64_t> cached_tokens_ = 0;
  std::atomic<std::uint64_t> stopped_ = 0;
  std::atomic<std::uint64_t> cut_ = 0;
  Histogram first_token_;
  Histogram answered_;
  std::array<std::atomic<std::uint64_t>, kCodesMax> refused_{};

  mutable std::mutex mutex_;
  Gauges gauges_;
  std::string gpus_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_METRICS_H_
