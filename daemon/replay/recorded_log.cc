#include "daemon/replay/recorded_log.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <unordered_map>
#include <utility>

#include "daemon/audit/records/body_schema.h"
#include "daemon/audit/records/record.h"

namespace daemon_replay {
namespace {

using base::Result;
using daemon_audit::Record;

constexpr std::string_view kAdmitted = "request.admitted";
constexpr std::string_view kFinished = "request.finished";

// Digits alone.
std::optional<std::uint64_t> parse_index(std::string_view text) {
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return index;
}

// Pairs both ends of requests, record by record.
class Pairing {
 public:
  explicit Pairing(const Selection& selection) : selection_(selection) {}

  // Whether there may be more to find.
  Result<bool> visit(std::uint64_t index, const std::string& text) {
    if (index > selection_.to) return false;
    if (!may_be_wanted(text)) return true;
    const Record record = TRY(Record::parse(text).context(fmt::format("record {}", index)));
    if (record.type != kAdmitted && record.type != kFinished) return true;
    TRY(daemon_audit::check_body(record.type, record.body)
            .context(fmt::format("record {}", index)));
    const std::string& request = record.body.find("request")->as_string();
    if (!selection_.request.empty() && request != selection_.request) return true;
    if (record.type == kAdmitted) {
      open_.insert_or_assign(request, index);
      return true;
    }
    take(index, request, record.body.find("model")->find("digest")->as_string());
    return selection_.request.empty();  // an id is one request's
  }

  std::vector<FinishedRequest> found() && { return std::move(found_); }

 private:
  // Most records are not looked for: a glance spares parsing them.
  bool may_be_wanted(std::string_view text) const {
    if (text.find(kAdmitted) == text.npos && text.find(kFinished) == text.npos) return false;
    return selection_.request.empty() || text.find(selection_.request) != text.npos;
  }

  void take(std::uint64_t index, const std::string& request, const std::string& model_digest) {
    const auto admitted = open_.extract(request);
    if (index < selection_.from) return;
    FinishedRequest finished{.admitted = {}, .finished = index, .model_digest = model_digest};
    if (admitted) finished.admitted = admitted.mapped();
    found_.push_back(std::move(finished));
  }

  const Selection& selection_;
  std::unordered_map<std::string, std::uint64_t> open_;  // admitted, by id
  std::vector<FinishedRequest> found_;
};

}  // namespace

Result<Selection> Selection::parse(std::string_view text) {
  Selection selection;
  const std::string_view first = text.substr(0, text.find('-'));
  const auto from = parse_index(first);
  if (!from) {
    if (text.empty() || text.size() > daemon_audit::kRequestIdBytesMax) {
      return base::invalid_input(
          fmt::format("'{}' is neither the id of a request nor FROM-TO of records", text));
    }
    selection.request = text;
    return selection;
  }
  const auto to = first.size() == text.size() ? from : parse_index(text.substr(first.size() + 1));
  if (!to || *to < *from) {
    return base::invalid_input(fmt::format("'{}' is no range of records: FROM-TO", text));
  }
  selection.from = *from;
  selection.to = *to;
  return selection;
}

Result<std::vector<FinishedRequest>> RecordedLog::select(const Selection& selection) const {
  Pairing pairing(selection);
  TRY(log_.for_each(log_.first(), [&pairing](std::uint64_t index, const std::string& text) {
    return pairing.visit(index, text);
  }));
  auto found = std::move(pairing).found();
  if (found.empty()) return base::not_found("the log has no finished request of that description");
  return found;
}

Result<RecordedRequest> RecordedLog::request(const FinishedRequest& which) const {
  if (!which.admitted) return base::not_found("the record of its admission was removed");
  const Record admitted = TRY(Record::parse(TRY(log_.entry(*which.admitted))));
  return RecordedRequest::read(admitted, TRY(Record::parse(TRY(log_.entry(which.finished)))));
}

}  // namespace daemon_replay
