// What was sent and what came back, against the salted digests of a record.
#include <fmt/format.h>

#include "daemon/audit/tlog/receipt.h"

namespace daemon_audit {
namespace {

// The member at the end of a way through objects; null when it ends before.
const base::Json* find_way(const base::Json& json, std::initializer_list<std::string_view> names) {
  const base::Json* at = &json;
  for (const std::string_view name : names) {
    if (at == nullptr || !at->is_object()) return nullptr;
    at = at->find(name);
  }
  return at;
}

const base::Json::Array* find_array(const base::Json& json,
                                    std::initializer_list<std::string_view> names) {
  const base::Json* const found = find_way(json, names);
  return found != nullptr && found->is_array() ? &found->as_array() : nullptr;
}

bool has_text(const base::Json& choice, const Salt& salt, std::string_view text) {
  const base::Json* const digest = find_way(choice, {"text_digest"});
  return digest != nullptr && *digest == base::Json(digest_text(salt, text));
}

// What the API answers a choice with: a chat's message, or a completion's text. Null: neither.
const std::string* find_text(const base::Json& choice) {
  for (const base::Json* const found :
       {find_way(choice, {"message", "content"}), find_way(choice, {"text"})}) {
    if (found != nullptr && found->is_string()) return &found->as_string();
  }
  return nullptr;
}

const base::Json* find_choice(const base::Json::Array& choices, const base::Json& index) {
  for (const base::Json& choice : choices) {
    const base::Json* const found = find_way(choice, {"index"});
    if (found != nullptr && *found == index) return &choice;
  }
  return nullptr;
}

base::Status check_choices(const base::Json::Array& recorded, const base::Json::Array& answered,
                           const Salt& salt) {
  if (recorded.size() != answered.size()) {
    return base::denied(
        fmt::format("answer: it has {} choices, the record {}", answered.size(), recorded.size()));
  }
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    const base::Json* const index = find_way(recorded[i], {"index"});
    const base::Json* const choice = index == nullptr ? nullptr : find_choice(answered, *index);
    const std::string* const text = choice == nullptr ? nullptr : find_text(*choice);
    if (text == nullptr) {
      return base::denied(fmt::format("answer: choice {} of the record is not in it", i));
    }
    if (!has_text(recorded[i], salt, *text)) {
      return base::denied(fmt::format("answer: choice {} has another text than was recorded", i));
    }
  }
  return {};
}

}  // namespace

base::Status check_request_body(const base::Json& record, const Salt& salt, std::string_view body) {
  const base::Json* const digest = find_way(record, {"body", "body", "digest"});
  if (digest == nullptr || !digest->is_string()) {
    return base::not_found("request: the record has no digest of a request's body");
  }
  if (digest->as_string() != digest_body(salt, body)) {
    return base::denied("request: another body than was recorded");
  }
  return {};
}

base::Status check_answer(const base::Json& record, const Salt& salt, std::string_view answer) {
  const base::Json::Array* const recorded = find_array(record, {"body", "choices"});
  if (recorded == nullptr || recorded->empty()) {
    return base::not_found("answer: the record has no digests of an answer");
  }
  // The text of a choice may itself be JSON, so it is tried as a text first.
  for (const base::Json& choice : *recorded) {
    if (has_text(choice, salt, answer)) return {};
  }
  const auto parsed = base::Json::parse(answer, {.bytes_max = kAnswerBytesMax});
  const base::Json::Array* const answered =
      parsed.ok() ? find_array(parsed.value(), {"choices"}) : nullptr;
  if (answered == nullptr) {
    return base::denied("answer: not the text of any choice that was recorded");
  }
  return check_choices(*recorded, *answered, salt);
}

}  // namespace daemon_audit
