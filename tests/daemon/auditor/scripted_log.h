// A log in memory that fails when it is told to: what a disk does on its worst days, at a moment of
// the test's choice. What it stores and how it numbers follows daemon/audit/log/audit_log.h.
#ifndef TESTS_DAEMON_AUDITOR_SCRIPTED_LOG_H_
#define TESTS_DAEMON_AUDITOR_SCRIPTED_LOG_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/audit/log/audit_log.h"

namespace daemon_auditor {

// What the test and the auditor's thread share.
struct LogScript {
  std::mutex mutex;
  std::string failure;  // of append() and forget_writer(); empty: they work
  std::vector<daemon_audit::Report> reports;
  std::vector<std::size_t> batches;
  std::map<std::uint64_t, std::uint64_t> through;
  std::vector<std::uint64_t> forgotten;
  std::uint64_t attempts = 0;
  std::uint64_t published = 0;
  bool closed = false;

  void fail(std::string why) {
    const std::lock_guard lock(mutex);
    failure = std::move(why);
  }
  template <typename T>
  T read(T LogScript::*what) {
    const std::lock_guard lock(mutex);
    return this->*what;
  }
};

class ScriptedLog final : public daemon_audit::AuditLog {
 public:
  explicit ScriptedLog(LogScript& script)
      : script_(script),
        key_(daemon_audit::VerifierKey::create("scripted", daemon_audit::NoteKeyType::kEd25519,
                                               std::string(32, 'k'))
                 .value()) {}

  base::Result<std::vector<daemon_audit::Proven>> append(
      std::span<const daemon_audit::Report> reports) override {
    const std::lock_guard lock(script_.mutex);
    ++script_.attempts;
    if (!script_.failure.empty()) return base::exhausted(script_.failure);
    std::vector<daemon_audit::Proven> proven;
    for (const daemon_audit::Report& report : reports) {
      std::uint64_t& through = script_.through[report.writer];
      if (report.number <= through) continue;
      through = report.number;
      script_.reports.push_back(report);
      if (report.prove) {
        proven.push_back({report.number, script_.reports.size() - 1, "record", "proof"});
      }
    }
    script_.batches.push_back(reports.size());
    return proven;
  }
  std::uint64_t through(std::uint64_t writer) const override {
    const std::lock_guard lock(script_.mutex);
    const auto found = script_.through.find(writer);
    return found == script_.through.end() ? 0 : found->second;
  }
  std::vector<std::uint64_t> writers() const override {
    const std::lock_guard lock(script_.mutex);
    std::vector<std::uint64_t> writers;
    for (const auto& [writer, through] : script_.through) writers.push_back(writer);
    return writers;
  }
  base::Status forget_writer(std::uint64_t writer) override {
    const std::lock_guard lock(script_.mutex);
    if (!script_.failure.empty()) return base::exhausted(script_.failure);
    script_.through.erase(writer);
    script_.forgotten.push_back(writer);
    return {};
  }
  bool tidy() override { return false; }
  base::Status publish() override {
    const std::lock_guard lock(script_.mutex);
    script_.published = script_.reports.size();
    return {};
  }
  base::Status close() override {
    const std::lock_guard lock(script_.mutex);
    script_.closed = true;
    return {};
  }
  base::Result<std::string> cosign(std::string_view note) override {
    if (note == "good") return std::string("witness one at 5");
    return base::denied("no witness of ours");
  }
  std::uint64_t size() const override {
    const std::lock_guard lock(script_.mutex);
    return script_.reports.size();
  }
  std::uint64_t published_size() const override {
    const std::lock_guard lock(script_.mutex);
    return script_.published;
  }
  const daemon_audit::VerifierKey& key() const override { return key_; }
  const Recovery& recovery() const override { return recovery_; }

 private:
  LogScript& script_;
  daemon_audit::VerifierKey key_;
  Recovery recovery_;
};

}  // namespace daemon_auditor

#endif  // TESTS_DAEMON_AUDITOR_SCRIPTED_LOG_H_
