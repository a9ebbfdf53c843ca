#include "tests/e2e/audit_mutations/sample_log.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <filesystem>

#include "daemon/audit/log/audit_log.h"
#include "hardening/base/check.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/sha256.h"

namespace audit_mutations {
namespace {

using base::Json;
using daemon_audit::AuditLog;
using daemon_audit::Report;

constexpr int kBoots = 3;
constexpr int kRequestsPerBoot = 90;
constexpr std::size_t kReportsPerBatch = 24;

template <typename T>
T must(base::Result<T> result) {
  if (!result.ok()) fmt::print(stderr, "audit_mutations: {}\n", result.error().message);
  CHECK(result.ok());
  return std::move(result).value();
}

class StandingClock final : public base::Clock {
 public:
  std::int64_t monotonic_ns() const override { return us * 1000; }
  std::int64_t unix_seconds() const override { return unix_us() / 1'000'000; }
  std::int64_t unix_us() const override { return 1'790'000'000'000'000 + us + stepped_us; }

  std::int64_t us = 1'000'000;
  std::int64_t stepped_us = 0;
};

// One appliance: a directory, and one life of its auditor after the other.
class Appliance {
 public:
  Appliance(std::string directory, const audit_test::Witness& witness)
      : directory_(std::move(directory)), witness_(witness) {
    std::filesystem::create_directories(directory_);
  }

  void open(int boot) {
    clock_.us += 5'000'000;
    log_ = must(AuditLog::open(must(base::open_file(directory_, O_RDONLY | O_DIRECTORY)),
                               {.origin = "redoubt/sample",
                                .host = "sample",
                                .boot = fmt::format("{:032x}", boot + 1),
                                .witnesses = {witness_.key()}},
                               clock_));
    writer_ = static_cast<std::uint64_t>(boot) + 10;
    number_ = 0;
  }

  void serve(int requests, const std::string& salt) {
    for (int i = 0; i < requests; ++i) {
      clock_.us += 1'500;
      const std::string id = fmt::format("req-{}-{}-{}", salt, writer_, i);
      const std::string sealed = i % 6 == 0 ? fmt::format("redoubt-sealed-1\n{:x<64}", id) : "";
      admitted(id, sealed);
      if (i % 7 == 0) say("auth.failed", Json::object({{"client", "192.0.2.9"}, {"count", i}}));
      if (batch_.size() >= kReportsPerBatch) flush();
    }
    flush();
  }

  // Admissions are in the log before their ends are said: those name the index.
  void flush() {
    must(log_->append(batch_));
    std::vector<Report> ends;
    for (std::size_t i = 0, index = log_->size() - batch_.size(); i < batch_.size(); ++i, ++index) {
      if (batch_[i].type != "request.admitted") continue;
      ends.push_back(report("request.finished",
                            Json::object({{"request", batch_[i].body.find("request")->as_string()},
                                          {"admitted", static_cast<std::uint64_t>(index)},
                                          {"outcome", "ok"}})));
    }
    clock_.us += 700;
    batch_.clear();
    if (!ends.empty()) must(log_->append(ends));
  }

  // What the witness signs and brings back.
  void cosign() {
    must(log_->publish());
    const Files files = audit_test::read_files(directory_);
    must(log_->cosign(witness_.cosign(files.at("checkpoint"), 1'790'000'200)));
  }
  void step_clock() { clock_.stepped_us -= 7'000'000; }
  void publish() { must(log_->publish()); }
  void tidy() {
    while (log_->tidy()) {
    }
  }
  void close() {
    must(log_->close());
    log_.reset();
  }
  void drop() { log_.reset(); }
  Files files() const { return audit_test::read_files(directory_); }

 private:
  Report report(std::string type, Json body) {
    Report made;
    made.writer = writer_;
    made.number = ++number_;
    made.reporter = daemon_audit::find_event_type(type)->reporter;
    made.type = std::move(type);
    made.body = std::move(body);
    return made;
  }
  void say(std::string type, Json body) {
    batch_.push_back(report(std::move(type), std::move(body)));
  }

  void admitted(const std::string& id, const std::string& sealed) {
    Json body = Json::object({{"request", id}, {"client", "192.0.2.7"}, {"model", "small"}});
    if (!sealed.empty()) {
      body.set("sealed", Json::object({{"digest", base::to_hex(provisioning::sha256(sealed))},
                                       {"bytes", static_cast<std::uint64_t>(sealed.size())}}));
    }
    Report made = report("request.admitted", std::move(body));
    made.sealed = sealed;
    batch_.push_back(std::move(made));
  }

  std::string directory_;
  const audit_test::Witness& witness_;
  StandingClock clock_;
  std::unique_ptr<AuditLog> log_;
  std::uint64_t writer_ = 0, number_ = 0;
  std::vector<Report> batch_;
};

// Boots up to `end`, each with its requests; `salt` makes one history differ from another.
void live_through(Appliance& appliance, SampleLog& sample, int begin, int end,
                  const std::string& salt) {
  for (int boot = begin; boot < end; ++boot) {
    appliance.open(boot);
    appliance.serve(kRequestsPerBoot / 2, salt + "a");
    appliance.cosign();
    sample.checkpoints.push_back(appliance.files().at("checkpoint"));
    if (boot == 1) appliance.step_clock();
    appliance.serve(kRequestsPerBoot / 2, salt + "b");
    appliance.close();
    sample.checkpoints.push_back(appliance.files().at("checkpoint"));
    sample.earlier.push_back(appliance.files());
  }
}

// The newest checkpoint of the journal, or the published one.
std::string head_of(const std::string& directory) {
  const auto report =
      must(daemon_audit::verify_log(must(base::open_file(directory, O_RDONLY | O_DIRECTORY)), {}));
  return report.head;
}

}  // namespace

SampleLog make_sample(const std::string& scratch, bool live) {
  const audit_test::Witness witness("witness.example/1");
  SampleLog sample;
  sample.witnesses = {witness.key()};
  const std::string directory = scratch + "/sample";
  Appliance appliance(directory, witness);
  live_through(appliance, sample, 0, kBoots, "x");
  if (live) {
    appliance.open(kBoots);
    appliance.serve(40, "live");
    appliance.tidy();
    appliance.publish();
    sample.checkpoints.push_back(appliance.files().at("checkpoint"));
    appliance.serve(20, "late");
  }
  sample.files = appliance.files();
  sample.checkpoint = head_of(directory);
  if (!live) sample.earlier.pop_back();  // it is what stands here

  // From each earlier state the same key goes on otherwise, and further.
  for (std::size_t i = 0; i < sample.earlier.size(); ++i) {
    const std::string place = fmt::format("{}/fork-{}", scratch, i);
    audit_test::write_files(place, sample.earlier[i]);
    Appliance fork(place, witness);
    SampleLog unused;
    live_through(fork, unused, static_cast<int>(i) + 1, kBoots + 2, "fork");
    sample.forks.push_back(fork.files());
  }
  Appliance other(scratch + "/other", witness);
  SampleLog others;
  live_through(other, others, 0, kBoots, "x");
  sample.others.push_back(other.files());
  if (live) appliance.drop();

  const std::string& line = sample.files.at("log.vkey");
  sample.key = must(daemon_audit::VerifierKey::parse(line.substr(0, line.size() - 1)));
  return sample;
}

}  // namespace audit_mutations
