#include "daemon/replay/recorded_request.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <string_view>

#include "daemon/audit/records/body_schema.h"

namespace daemon_replay {
namespace {

using base::Json;
using base::Result;
using base::Status;
using daemon_audit::Record;

constexpr std::size_t kChoicesMax = 4'096;  // more than any answer has

// Bodies were checked against their table: what is required is there, and of its type.
const std::string& text_of(const Json& body, std::string_view name) {
  static const std::string kNone;
  const Json* const value = body.find(name);
  return value == nullptr ? kNone : value->as_string();
}

std::string digest_in(const Json& body, std::string_view name) {
  const Json* const value = body.find(name);
  return value == nullptr ? std::string() : text_of(*value, "digest");
}

Result<std::uint32_t> count_of(const Json& body, std::string_view name) {
  const std::int64_t value = body.find(name)->as_int();
  if (value > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) {
    return base::corrupt(fmt::format("{} is {}, too much", name, value));
  }
  return static_cast<std::uint32_t>(value);
}

Result<std::uint64_t> seed_of(const std::string& text) {
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size()) {
    return base::corrupt("seed is not a decimal number of 64 bits");
  }
  return seed;
}

Result<bool> is_chat(const std::string& endpoint) {
  if (endpoint == "/v1/chat/completions") return true;
  if (endpoint == "/v1/completions") return false;
  return base::corrupt("endpoint is none that generates");
}

Status read_admitted(const Json& body, RecordedRequest& out) {
  out.id = text_of(body, "request");
  out.chat = TRY(is_chat(text_of(body, "endpoint")));
  out.model_name = text_of(*body.find("model"), "name");
  out.model_digest = digest_in(body, "model");
  out.kernels = text_of(body, "kernels");
  out.parameters = *body.find("parameters");
  out.seed = TRY(seed_of(text_of(body, "seed")));
  out.created = body.find("created")->as_int();
  for (const Json& prompt : body.find("prompts")->as_array()) {
    RecordedPrompt read;
    read.tokens = TRY(count_of(prompt, "tokens"));
    read.tokens_max = TRY(count_of(prompt, "tokens_max"));
    out.prompts.push_back(read);
  }
  out.body_digest = digest_in(body, "body");
  out.sealed_body = digest_in(body, "sealed");
  return {};
}

Status read_choices(const Json& list, RecordedRequest& out) {
  if (list.as_array().size() > kChoicesMax) return base::corrupt("choices are too many");
  for (const Json& choice : list.as_array()) {
    if (TRY(count_of(choice, "index")) != out.choices.size()) {
      return base::corrupt("choices are not in the order of their indexes");
    }
    RecordedChoice read;
    read.tokens = TRY(count_of(choice, "tokens"));
    read.finish = text_of(choice, "finish");
    read.tokens_digest = text_of(choice, "tokens_digest");
    out.choices.push_back(std::move(read));
  }
  return {};
}

Status read_finished(const Json& body, RecordedRequest& out) {
  if (text_of(body, "request") != out.id)
    return base::corrupt("the admission is another request's");
  if (digest_in(body, "model") != out.model_digest || text_of(body, "kernels") != out.kernels) {
    return base::corrupt("admission and end name different models or kernel sets");
  }
  out.outcome = text_of(body, "outcome");
  out.sealed_tokens = digest_in(body, "sealed");
  return read_choices(*body.find("choices"), out);
}

Status expect(const Record& record, std::string_view type) {
  if (record.type != type) {
    return base::corrupt(fmt::format("record {} is {}, not {}", record.index, record.type, type));
  }
  return daemon_audit::check_body(type, record.body)
      .context(fmt::format("record {}", record.index));
}

}  // namespace

Result<RecordedRequest> RecordedRequest::read(const Record& admitted, const Record& finished) {
  TRY(expect(admitted, "request.admitted"));
  TRY(expect(finished, "request.finished"));
  RecordedRequest out;
  out.admitted_at = admitted.index;
  out.finished_at = finished.index;
  TRY(read_admitted(admitted.body, out).context(fmt::format("record {}", admitted.index)));
  TRY(read_finished(finished.body, out).context(fmt::format("record {}", finished.index)));
  return out;
}

}  // namespace daemon_replay
