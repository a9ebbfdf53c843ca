#include "tests/daemon/audit/log/log_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "daemon/audit/log/log_reader.h"
#include "daemon/audit/log/log_verifier.h"
#include "hardening/base/file.h"

namespace audit_test {
namespace fs = std::filesystem;

LogFolder::LogFolder() {
  const bool in_memory = ::access("/dev/shm", W_OK) == 0;
  std::string name = (in_memory ? std::string("/dev/shm") : std::string(::testing::TempDir())) +
                     "/redoubt-log-XXXXXX";
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  path_ = name;
}

LogFolder::~LogFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

base::Fd LogFolder::fd() const {
  return base::open_file(path_, O_RDONLY | O_DIRECTORY).value();
}

std::set<std::string> LogFolder::files() const {
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    if (!entry.is_directory()) files.insert(fs::relative(entry.path(), path_).string());
  }
  return files;
}

std::string LogFolder::read(const std::string& file) const {
  return base::read_text_file(path_ + "/" + file, std::size_t{1} << 28).value();
}

void LogFolder::write(const std::string& file, std::string_view bytes) const {
  const auto fd = base::open_file(path_ + "/" + file, O_WRONLY | O_CREAT | O_TRUNC, 0640).value();
  ASSERT_TRUE(base::write_all(fd, std::as_bytes(std::span(bytes))).ok());
}

void LogFolder::become_copy_of(const LogFolder& other) const {
  fs::remove_all(path_);
  fs::copy(other.path(), path_, fs::copy_options::recursive);
}

std::string LogFolder::only_journal() const {
  std::string found;
  for (const auto& file : files()) {
    if (!file.starts_with("journal/")) continue;
    EXPECT_EQ(found, "");
    found = file;
  }
  return found;
}

daemon_audit::AuditLogOptions options() {
  daemon_audit::AuditLogOptions options;
  options.origin = "example.org/redoubt";
  options.boot = "00112233445566778899aabbccddeeff";
  return options;
}

std::unique_ptr<daemon_audit::AuditLog> open_log(const LogFolder& folder, const base::Clock& clock,
                                                 daemon_audit::AuditLogOptions with) {
  auto log = daemon_audit::AuditLog::open(folder.fd(), std::move(with), clock);
  if (!log.ok()) {
    ADD_FAILURE() << log.error().message;
    return nullptr;
  }
  return std::move(log).value();
}

daemon_audit::Report report(std::uint64_t writer, std::uint64_t number, std::string type,
                            base::Json body) {
  daemon_audit::Report made;
  made.writer = writer;
  made.number = number;
  made.reporter = daemon_audit::find_event_type(type)->reporter;
  made.type = std::move(type);
  made.body = std::move(body);
  return made;
}

daemon_audit::Report refused(std::uint64_t writer, std::uint64_t number) {
  return report(writer, number, "auth.failed",
                base::Json::object({{"client", "192.0.2.7"},
                                    {"method", "POST"},
                                    {"endpoint", "/v1/completions"},
                                    {"reason", "unknown"},
                                    {"count", number}}));
}

daemon_audit::Report admitted(std::uint64_t writer, std::uint64_t number, const std::string& id) {
  return report(writer, number, "request.admitted", base::Json::object({{"request", id}}));
}

daemon_audit::Report finished(std::uint64_t writer, std::uint64_t number, const std::string& id,
                              std::uint64_t index) {
  return report(writer, number, "request.finished",
                base::Json::object({{"request", id}, {"admitted", index}}));
}

std::vector<daemon_audit::Record> read_whole(const LogFolder& folder) {
  const auto verified = daemon_audit::verify_log(folder.fd(), {});
  if (!verified.ok()) {
    ADD_FAILURE() << verified.error().message;
    return {};
  }
  for (const auto& finding : verified.value().findings) ADD_FAILURE() << finding;

  std::vector<daemon_audit::Record> records;
  const auto reader = daemon_audit::LogReader::open(folder.fd());
  if (!reader.ok()) {
    ADD_FAILURE() << reader.error().message;
    return {};
  }
  EXPECT_EQ(reader.value().size(), verified.value().size);
  const auto read = reader.value().for_each(
      reader.value().first(),
      [&](std::uint64_t index, const std::string& text) -> base::Result<bool> {
        auto record = TRY(daemon_audit::Record::parse(text));
        EXPECT_EQ(record.index, index);
        records.push_back(std::move(record));
        return true;
      });
  EXPECT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(daemon_audit::tree_root(reader.value().size(), reader.value().hashes()).value(),
            reader.value().checkpoint().root);
  return records;
}

std::vector<std::string> types(const std::vector<daemon_audit::Record>& records) {
  std::vector<std::string> types;
  for (const auto& record : records) types.push_back(record.type);
  return types;
}

}  // namespace audit_test
