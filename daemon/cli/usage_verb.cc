// redoubt usage: what was used, from the log alone.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "daemon/audit/records/safe_text.h"
#include "daemon/audit/records/usage.h"
#include "daemon/cli/audit_query.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/table.h"
#include "daemon/cli/verbs.h"

namespace daemon_cli {
namespace {

using daemon_audit::Record;
using daemon_audit::Usage;
using daemon_audit::UsageBy;
using daemon_audit::UsageSum;

struct UsageOptions {
  AuditQuery query;
  std::string by = "key";
  bool csv = false;
  bool json = false;
};

std::string count(std::uint64_t number) {
  return fmt::format("{}", number);
}

// All digits of the microseconds, so that the lines add up to the total.
std::string milliseconds(std::uint64_t us) {
  return fmt::format("{}.{:03}", us / 1'000, us % 1'000);
}

void add_line(Table& table, const std::string& day, const std::string& name, const UsageSum& sum) {
  table.add({day, daemon_audit::safe_text(name, 48), count(sum.finished()), count(sum.ok),
             count(sum.cancelled), count(sum.failed), count(sum.lost), count(sum.prompt_tokens),
             count(sum.cached_tokens), count(sum.completion_tokens), milliseconds(sum.device_us)});
}

std::string usage_table(const Usage& usage, UsageBy by) {
  const std::string name = by == UsageBy::kDay ? "" : std::string(daemon_audit::usage_by_name(by));
  Table table({"day", name, "finished", "ok", "cancelled", "failed", "lost", "prompt", "cached",
               "completion", "device ms"});
  for (const auto& [line, sum] : usage.lines()) {
    add_line(table, line.day, line.name.empty() && !name.empty() ? "-" : line.name, sum);
  }
  add_line(table, "total", "", usage.total());
  return table.format();
}

base::Status show_usage(const UsageOptions& options) {
  const UsageBy by = TRY(daemon_audit::parse_usage_by(options.by));
  auto filter = TRY(options.query.filter());
  filter.types = {"request.finished", "request.lost"};
  const auto log = TRY(OpenedLog::open(options.query.source));
  fmt::print(stderr, "{}\n", log.describe());
  Usage usage(by);
  TRY(log.for_each(0, filter, [&](const Record& record, const std::string&) -> base::Result<bool> {
    TRY(usage.add(record).context(fmt::format("record {}", record.index)));
    return true;
  }));
  const std::string text = options.json  ? usage_json(usage, by).dump_pretty() + "\n"
                           : options.csv ? usage_csv(usage, by)
                                         : usage_table(usage, by);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::fflush(stdout) != 0) return base::io_error(errno, "write");
  return {};
}

int run_usage(const UsageOptions& options) {
  if (options.csv && options.json) {
    report_failure(base::invalid_input("--csv and --json exclude each other"));
    return kExitUsage;
  }
  const auto done = show_usage(options);
  return done.ok() ? kExitOk : report_failure(done.error());
}

}  // namespace

void add_usage(Command& parent) {
  Command& verb =
      parent.add("usage", "what was used, a line per day and key, added up from the audit log");
  auto options = std::make_shared<UsageOptions>();
  options->query.source.add_to(verb);
  verb.option("--by", options->by, "key, tag, model, or day alone");
  options->query.add_times_to(verb);
  verb.flag("--csv", options->csv, "print CSV, device time in microseconds");
  verb.flag("--json", options->json, "print JSON, likewise");
  verb.runs([options] { return run_usage(*options); });
}

}  // namespace daemon_cli
