// redoubt audit show: the log for people.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>

#include "daemon/audit/records/record_text.h"
#include "daemon/audit/records/safe_text.h"
#include "daemon/audit/seal/salt.h"
#include "daemon/cli/audit_query.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"

namespace daemon_cli {
namespace {

using daemon_audit::Record;
using daemon_audit::RecordFilter;

constexpr std::uint64_t kLastByDefault = 50;

struct ShowOptions {
  AuditQuery query;
  std::string what;  // an index, or a request's id
  std::uint64_t last = 0;
  bool json = false;
  bool salt = false;
};

std::optional<std::uint64_t> parse_index(std::string_view text) {
  std::uint64_t index = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return whole ? std::optional(index) : std::nullopt;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int index_width(const OpenedLog& log) {
  return static_cast<int>(fmt::format("{}", log.reader().size()).size());
}

// In full: the sentence, then every member.
std::string full_text(const OpenedLog& log, const Record& record, const base::Json& json) {
  return daemon_audit::record_line(record, index_width(log)) +
         daemon_audit::safe_json(json.dump_pretty()) + "\n";
}

base::Result<std::string> shown(const OpenedLog& log, const ShowOptions& options,
                                const Record& record, const std::string& text) {
  if (options.json) return text + "\n";
  if (options.what.empty()) return daemon_audit::record_line(record, index_width(log));
  return full_text(log, record, TRY(base::Json::parse(text)));
}

base::Status show_one(const OpenedLog& log, const ShowOptions& options, std::uint64_t index) {
  if (index >= log.reader().size() || index < log.reader().first()) {
    return base::not_found(fmt::format("there is no record {}: {}", index, log.describe()));
  }
  return log.for_each(index, RecordFilter{},
                      [&](const Record& record, const std::string& text) -> base::Result<bool> {
                        print(TRY(shown(log, options, record, text)));
                        return false;
                      });
}

bool is_restricted(const AuditQuery& query) {
  return !query.from.empty() || !query.to.empty() || !query.types.empty() || !query.key.empty() ||
         !query.tag.empty() || !query.request.empty() || !query.outcome.empty();
}

base::Status show_all(const OpenedLog& log, const ShowOptions& options,
                      const RecordFilter& filter) {
  return log.for_each(0, filter,
                      [&](const Record& record, const std::string& text) -> base::Result<bool> {
                        print(TRY(shown(log, options, record, text)));
                        return true;
                      });
}

base::Status show_last(const OpenedLog& log, const ShowOptions& options, const RecordFilter& filter,
                       std::uint64_t last) {
  const std::uint64_t size = log.reader().size();
  const std::uint64_t from = is_restricted(options.query) || last > size ? 0 : size - last;
  std::deque<std::string> lines;
  TRY(log.for_each(from, filter,
                   [&](const Record& record, const std::string& text) -> base::Result<bool> {
                     lines.push_back(TRY(shown(log, options, record, text)));
                     if (lines.size() > last) lines.pop_front();
                     return true;
                   }));
  for (const std::string& line : lines) print(line);
  return {};
}

// STATE/audit-salt.key: 64 hexadecimal digits.
base::Result<base::Secret> read_site_key(const AuditSource& source) {
  constexpr std::size_t kDigits = 2 * daemon_audit::kSiteKeyBytes;
  const daemon_supervisor::StatePaths paths(TRY(daemon_config::read_config(source.config)));
  std::string text = TRY(base::read_text_file(paths.audit_salt, kDigits + 1));
  auto bytes = base::from_hex(std::string_view(text).substr(0, kDigits));
  base::wipe(std::as_writable_bytes(std::span(text)));
  if (!bytes.ok() || bytes.value().size() != daemon_audit::kSiteKeyBytes) {
    return base::corrupt(
        fmt::format("{}: {} hexadecimal digits are wanted", paths.audit_salt, kDigits));
  }
  auto key = base::Secret::create(bytes.value());
  base::wipe(bytes.value());
  return key;
}

base::Status show_salt(const ShowOptions& options, const std::string& request) {
  const auto site_key = TRY(read_site_key(options.query.source));
  const std::string salt = base::to_hex(daemon_audit::make_salt(site_key, request));
  if (options.json) {
    print(base::Json::object({{"request", request}, {"salt", salt}}).dump() + "\n");
  } else {
    print(fmt::format("salt of {}: {}\n", daemon_audit::safe_text(request), salt));
  }
  return {};
}

base::Status show(ShowOptions options) {
  const auto index = parse_index(options.what);
  if (!options.what.empty() && !index) options.query.request = options.what;
  const std::string& request = options.query.request;
  if (options.salt && (index || request.empty())) {
    return base::invalid_input(
        "--salt is told for one request: redoubt audit show REQUEST_ID --salt");
  }
  const auto filter = TRY(options.query.filter());
  const auto log = TRY(OpenedLog::open(options.query.source));
  fmt::print(stderr, "{}\n", log.describe());
  if (index) return show_one(log, options, *index);
  if (options.last == 0 && !is_restricted(options.query)) options.last = kLastByDefault;
  if (options.last > 0) {
    TRY(show_last(log, options, filter, options.last));
  } else {
    TRY(show_all(log, options, filter));
  }
  if (options.salt) TRY(show_salt(options, request));
  return {};
}

int run_show(const ShowOptions& options) {
  const auto done = show(options);
  if (std::fflush(stdout) != 0 && done.ok()) return report_failure(base::io_error(errno, "write"));
  return done.ok() ? kExitOk : report_failure(done.error());
}

}  // namespace

void add_audit_show(Command& audit) {
  Command& verb = audit.add("show", "what happened, a line for each record; all of one");
  auto options = std::make_shared<ShowOptions>();
  options->query.source.add_to(verb);
  verb.optional_argument("WHAT", options->what,
                         "the index of a record, or the id of a request: all of it");
  options->query.add_times_to(verb);
  options->query.add_filters_to(verb);
  verb.option("--last", options->last, "only the last so many; 50 where nothing else is asked for");
  verb.flag("--json", options->json, "the records as they are in the log, a line each");
  verb.flag("--salt", options->salt,
            "and the salt of the request's digests, from the appliance's own key");
  verb.runs([options] { return run_show(*options); });
}

}  // namespace daemon_cli
