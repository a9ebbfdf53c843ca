#include "daemon/audit/records/usage.h"

#include <array>

#include "hardening/base/checked.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kDayChars = 10;

base::Result<std::uint64_t> count(const base::Json& body, std::string_view name) {
  const base::Json* member = body.find(name);
  if (member == nullptr || !member->is_int() || member->as_int() < 0) {
    return base::invalid_input("request.finished." + std::string(name) + " is no count");
  }
  return static_cast<std::uint64_t>(member->as_int());
}

base::Result<std::string> text(const base::Json& body, std::string_view name) {
  const base::Json* member = body.find(name);
  if (member == nullptr || !member->is_string()) {
    return base::invalid_input("request.finished." + std::string(name) + " is no text");
  }
  return member->as_string();
}

base::Result<std::string> line_name(const base::Json& body, UsageBy by) {
  switch (by) {
    case UsageBy::kKey:
      return text(body, "key");
    case UsageBy::kTag:
      return body.find("tag") == nullptr ? std::string() : text(body, "tag");
    case UsageBy::kModel: {
      const base::Json* model = body.find("model");
      if (model == nullptr || !model->is_object()) {
        return base::invalid_input("request.finished.model is no object");
      }
      return text(*model, "name");
    }
    case UsageBy::kDay:
      break;
  }
  return std::string();
}

base::Result<UsageSum> sum_of(const base::Json& body) {
  UsageSum sum;
  const std::string outcome = TRY(text(body, "outcome"));
  sum.ok = outcome == "ok" ? 1 : 0;
  sum.cancelled = outcome == "cancelled" ? 1 : 0;
  sum.failed = 1 - sum.ok - sum.cancelled;
  sum.prompt_tokens = TRY(count(body, "prompt_tokens"));
  sum.cached_tokens = TRY(count(body, "cached_tokens"));
  sum.completion_tokens = TRY(count(body, "completion_tokens"));
  sum.device_us = TRY(count(body, "device_us"));
  return sum;
}

}  // namespace

base::Status UsageSum::add(const UsageSum& other) {
  constexpr std::array kMembers = {&UsageSum::ok,
                                   &UsageSum::cancelled,
                                   &UsageSum::failed,
                                   &UsageSum::lost,
                                   &UsageSum::prompt_tokens,
                                   &UsageSum::cached_tokens,
                                   &UsageSum::completion_tokens,
                                   &UsageSum::device_us};
  for (const auto member : kMembers) {
    const auto sum = base::checked_add(this->*member, other.*member);
    if (!sum) return base::exhausted("usage: a sum beyond 2^64 - 1");
    this->*member = *sum;
  }
  return {};
}

bool Usage::wants(std::string_view type) {
  return type == "request.finished" || type == "request.lost";
}

base::Status Usage::add(const Record& record) {
  Line line{.day = format_time_us(record.time_us).substr(0, kDayChars), .name = {}};
  UsageSum sum;
  if (record.type == "request.lost") {
    sum.lost = 1;
  } else if (record.type == "request.finished") {
    line.name = TRY(line_name(record.body, by_));
    sum = TRY(sum_of(record.body));
  } else {
    return {};
  }
  TRY(total_.add(sum));
  if (lines_.size() == kLinesMax && !lines_.contains(line)) {
    return base::exhausted("usage: more than 1,000,000 lines; ask for a shorter time");
  }
  return lines_[std::move(line)].add(sum);
}

}  // namespace daemon_audit
