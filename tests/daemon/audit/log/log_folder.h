// A directory for a log, a clock whose hands a test turns, and what a reporter would say.
#ifndef TESTS_DAEMON_AUDIT_LOG_LOG_FOLDER_H_
#define TESTS_DAEMON_AUDIT_LOG_LOG_FOLDER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/log/audit_log.h"
#include "hardening/base/clock.h"

namespace audit_test {

class HandClock final : public base::Clock {
 public:
  std::int64_t monotonic_ns() const override { return monotonic_us * 1'000; }
  std::int64_t unix_seconds() const override { return wall_us / 1'000'000; }
  std::int64_t unix_us() const override { return wall_us; }
  void pass(std::int64_t us) {
    wall_us += us;
    monotonic_us += us;
  }

  std::int64_t wall_us = 1'795'284'309'123'456;
  std::int64_t monotonic_us = 81'723'645;
};

// Removed with all that is in it; in memory where there is a place for that, since a log syncs.
class LogFolder {
 public:
  LogFolder();
  explicit LogFolder(std::string path) : path_(std::move(path)) {}
  ~LogFolder();
  LogFolder(const LogFolder&) = delete;
  LogFolder& operator=(const LogFolder&) = delete;

  const std::string& path() const { return path_; }
  base::Fd fd() const;
  std::set<std::string> files() const;  // relative paths
  std::string read(const std::string& file) const;
  void write(const std::string& file, std::string_view bytes) const;
  void become_copy_of(const LogFolder& other) const;
  std::string only_journal() const;  // its relative path

 private:
  std::string path_;
};

daemon_audit::AuditLogOptions options();
// What a failure to open says is the test's failure.
std::unique_ptr<daemon_audit::AuditLog> open_log(const LogFolder& folder, const base::Clock& clock,
                                                 daemon_audit::AuditLogOptions with = options());

daemon_audit::Report report(std::uint64_t writer, std::uint64_t number, std::string type,
                            base::Json body);
// A small record of a gateway.
daemon_audit::Report refused(std::uint64_t writer, std::uint64_t number);
daemon_audit::Report admitted(std::uint64_t writer, std::uint64_t number, const std::string& id);
daemon_audit::Report finished(std::uint64_t writer, std::uint64_t number, const std::string& id,
                              std::uint64_t index);

// Everything the log says as readers see it, after the verifier has found nothing wrong.
std::vector<daemon_audit::Record> read_whole(const LogFolder& folder);
std::vector<std::string> types(const std::vector<daemon_audit::Record>& records);

}  // namespace audit_test

#endif  // TESTS_DAEMON_AUDIT_LOG_LOG_FOLDER_H_
