#include "daemon/cli/audit_query.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/records/safe_text.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/tree.h"
#include "hardening/base/clock.h"

namespace daemon_cli {
namespace {

using daemon_audit::LogReader;
using daemon_audit::Record;
using daemon_audit::RecordFilter;

base::Result<std::optional<std::int64_t>> time_option(std::string_view name,
                                                      const std::string& text) {
  if (text.empty()) return std::optional<std::int64_t>();
  const std::int64_t now_us = base::SystemClock().unix_seconds() * 1'000'000;
  return std::optional(TRY(daemon_audit::parse_when(text, now_us).context(name)));
}

base::Status check_head(const LogReader& reader) {
  const auto checkpoint =
      TRY(daemon_audit::open_checkpoint(reader.checkpoint_note(), reader.key()));
  const auto root = TRY(daemon_audit::tree_root(checkpoint.size, reader.hashes()));
  if (root != checkpoint.root) {
    return base::denied("the log's tree is not the one that its checkpoint was signed over");
  }
  return {};
}

// There is a journal while an auditor writes, and after one that did not end cleanly.
base::Result<bool> has_journal(const base::Fd& directory) {
  constexpr std::size_t kFilesMax = 1'000'000;
  return !TRY(daemon_audit::list_log_directory(directory, "journal", kFilesMax)).empty();
}

}  // namespace

void AuditQuery::add_times_to(Command& verb) {
  verb.option("--from", from,
              "a time (2026-11-21, 2026-11-21T18:05:09Z, UTC) or that long ago (12h)");
  verb.option("--to", to, "likewise: records before it");
}

void AuditQuery::add_filters_to(Command& verb) {
  verb.option("--type", types, "of that type; \"request.*\": of all that begin so");
  verb.option("--key", key, "of the API key with that id");
  verb.option("--tag", tag, "of requests with that metadata.tag");
  verb.option("--request", request, "of the request with that id");
  verb.option("--outcome", outcome, "with that outcome or error code: ok, cancelled, …");
}

base::Result<RecordFilter> AuditQuery::filter() const {
  RecordFilter filter;
  filter.from_us = TRY(time_option("--from", from));
  filter.to_us = TRY(time_option("--to", to));
  for (const std::string& type : types) {
    TRY(daemon_audit::check_type_pattern(type).context("--type"));
  }
  filter.types = types;
  filter.key = key;
  filter.tag = tag;
  filter.request = request;
  filter.outcome = outcome;
  return filter;
}

base::Result<OpenedLog> OpenedLog::open(const AuditSource& source) {
  base::Fd directory = TRY(source.open());
  const bool live = TRY(has_journal(directory));
  OpenedLog log(TRY(LogReader::open(std::move(directory))), live);
  TRY(check_head(log.reader_).context("the log's newest checkpoint"));
  return log;
}

std::string OpenedLog::describe() const {
  const std::string origin = daemon_audit::safe_text(reader_.checkpoint().origin);
  const std::string_view state = live_ ? ", still being written (or never closed)" : "";
  if (reader_.size() == 0) return fmt::format("{}: no records{}", origin, state);
  const std::string removed =
      reader_.first() == 0 ? "" : fmt::format("; those before {} were removed", reader_.first());
  return fmt::format("{}: {} records{}{}", origin, reader_.size(), state, removed);
}

base::Status OpenedLog::for_each(std::uint64_t from, const RecordFilter& filter,
                                 const Visit& visit) const {
  const daemon_audit::HashReader hashes = reader_.hashes();
  const auto visit_text = [&](std::uint64_t index, const std::string& text) -> base::Result<bool> {
    if (daemon_audit::hash_leaf(text) != TRY(hashes(0, index))) {
      return base::corrupt(fmt::format("record {} is not the one that the tree has there", index));
    }
    const std::string_view type = daemon_audit::peek_type(text);
    if (!type.empty() && !filter.wants_type(type)) return true;
    const auto record = Record::parse(text);
    if (!record.ok() || record.value().index != index) {
      return base::corrupt(
          fmt::format("record {} is not one: redoubt audit verify says more", index));
    }
    return filter.wants(record.value()) ? visit(record.value(), text) : true;
  };
  return reader_.for_each(std::max(from, reader_.first()), visit_text);
}

}  // namespace daemon_cli
