// redoubt audit export: the log for other systems, a JSON text for each record and line.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "daemon/audit/records/ocsf.h"
#include "daemon/audit/tlog/hash.h"
#include "daemon/cli/audit_query.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/version.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"

namespace daemon_cli {
namespace {

using daemon_audit::Record;

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;

struct ExportOptions {
  AuditQuery query;
  std::string format = "ocsf";
  std::string file;
};

// Standard output, or a new file that is removed again unless all of it was written.
class Lines {
 public:
  static base::Result<Lines> open(const std::string& path) {
    if (path.empty()) {
      const int copy = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
      if (copy < 0) return base::io_error(errno, "standard output");
      return Lines(base::Fd(copy), "");
    }
    return Lines(TRY(base::open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600)), path);
  }
  Lines(Lines&& other) noexcept
      : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, "")), lines_(other.lines_) {}
  Lines& operator=(Lines&&) = delete;
  ~Lines() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  base::Status add(std::string_view line) {
    buffer_ += line;
    ++lines_;
    return buffer_.size() < kBufferBytes ? base::Status() : flush();
  }

  base::Status finish() {
    TRY(flush());
    if (!path_.empty() && ::fsync(fd_.get()) != 0) return base::io_error(errno, path_);
    path_.clear();
    return {};
  }

  std::uint64_t count() const { return lines_; }

 private:
  Lines(base::Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  base::Status flush() {
    TRY(base::write_all(fd_, std::as_bytes(std::span(buffer_))));
    buffer_.clear();
    return {};
  }

  base::Fd fd_;
  std::string path_;
  std::string buffer_;
  std::uint64_t lines_ = 0;
};

base::Result<std::string> ocsf_text(const Record& record, const std::string& text,
                                    const daemon_audit::OcsfSource& source) {
  const std::string leaf = base::to_hex(daemon_audit::hash_leaf(text));
  return daemon_audit::ocsf_line(daemon_audit::ocsf_event(record, text, leaf, source))
      .context(fmt::format("record {}", record.index));
}

base::Status export_log(const ExportOptions& options) {
  const bool ocsf = options.format == "ocsf";
  if (!ocsf && options.format != "records") {
    return base::invalid_input("--format is ocsf or records");
  }
  const auto filter = TRY(options.query.filter());
  const auto log = TRY(OpenedLog::open(options.query.source));
  const daemon_audit::OcsfSource source{log.reader().checkpoint().origin, daemon_version::kVersion};
  Lines lines = TRY(Lines::open(options.file));
  TRY(log.for_each(0, filter,
                   [&](const Record& record, const std::string& text) -> base::Result<bool> {
                     TRY(lines.add(ocsf ? TRY(ocsf_text(record, text, source)) : text + "\n"));
                     return true;
                   }));
  TRY(lines.finish());
  fmt::print(stderr, "{}; {} exported\n", log.describe(), lines.count());
  return {};
}

int run_export(const ExportOptions& options) {
  const auto done = export_log(options);
  return done.ok() ? kExitOk : report_failure(done.error());
}

}  // namespace

void add_audit_export(Command& audit) {
  Command& verb = audit.add("export", "write the log for other systems, a JSON text per line");
  auto options = std::make_shared<ExportOptions>();
  options->query.source.add_to(verb);
  verb.option("--format", options->format,
              "ocsf (Open Cybersecurity Schema Framework 1.9), or records: as they are in the log");
  options->query.add_times_to(verb);
  options->query.add_filters_to(verb);
  verb.option("-o,--output", options->file, "a new file; otherwise standard output");
  verb.runs([options] { return run_export(*options); });
}

}  // namespace daemon_cli
