#include "bench/load/stream_times.h"

#include "hardening/base/json.h"

namespace bench {
namespace {

using base::Json;

constexpr std::size_t kLineBytesMax = 1 << 20;

const Json* member(const Json* object, std::string_view name) {
  return object != nullptr && object->is_object() ? object->find(name) : nullptr;
}

const Json* first_choice(const Json& event) {
  const Json* choices = member(&event, "choices");
  if (choices == nullptr || !choices->is_array() || choices->as_array().empty()) return nullptr;
  return &choices->as_array().front();
}

bool has_text(const Json* value) {
  return value != nullptr && value->is_string() && !value->as_string().empty();
}

}  // namespace

void StreamTimes::feed(std::string_view bytes, std::int64_t now_ns) {
  for (std::size_t start = 0; start < bytes.size();) {
    const std::size_t end = bytes.find('\n', start);
    if (line_.size() < kLineBytesMax) line_ += bytes.substr(start, end - start);
    if (end == std::string_view::npos) return;
    take_line(line_, now_ns);
    line_.clear();
    start = end + 1;
  }
}

void StreamTimes::take_line(std::string_view line, std::int64_t now_ns) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line == "data: [DONE]") {
    finished_ = !finish_reason_.empty();
    return;
  }
  if (!line.starts_with("data: {")) return;
  const auto event = Json::parse(line.substr(6));
  if (!event.ok()) return;
  const Json* usage = member(member(&event.value(), "usage"), "completion_tokens");
  if (usage != nullptr && usage->is_int() && usage->as_int() > 0) {
    usage_tokens_ = static_cast<std::size_t>(usage->as_int());
  }
  const Json* choice = first_choice(event.value());
  if (has_text(member(choice, "text")) || has_text(member(member(choice, "delta"), "content"))) {
    text_ns_.push_back(now_ns);
  }
  const Json* reason = member(choice, "finish_reason");
  if (has_text(reason)) finish_reason_ = reason->as_string();
}

std::size_t StreamTimes::tokens(std::size_t asked) const {
  if (usage_tokens_ > 0) return usage_tokens_;
  return finish_reason_ == "length" ? asked : text_ns_.size();
}

}  // namespace bench
