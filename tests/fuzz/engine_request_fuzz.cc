// Any body the gateway could pass on becomes a request the engine can judge, or a refusal with a
// reason.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "daemon/engine/prompt.h"
#include "hardening/base/utf8.h"
#include "runtime/engine/request_check.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace {

constexpr std::size_t kContext = 64;

void try_kind(daemon_ipc::RequestKind kind, bool continues, std::string_view body) {
  static const runtime::SmallTokenizer tokenizer;
  static const auto chat_template = runtime::ChatTemplate::parse(
      "{{ bos_token }}{% for m in messages %}<|turn|>{{ m.role }}{{ m.content | trim }}{% endfor "
      "%}");
  if (!chat_template.ok()) std::abort();
  daemon_ipc::RequestBegin begin;
  begin.kind = kind;
  begin.tokens_max = 8;
  begin.continue_final_message = continues;
  const auto made =
      daemon_engine::make_request(begin, body, {tokenizer, chat_template.value().get(), kContext});
  if (const auto* refusal = std::get_if<daemon_engine::Refusal>(&made)) {
    if (refusal->message.empty() || refusal->api_code.empty()) std::abort();
    return;
  }
  const auto& request = std::get<runtime::GenerationRequest>(made);
  // What the daemon let through is at most too much for the engine, never malformed.
  const auto checked =
      runtime::check_request(request, {tokenizer.vocabulary_size(), kContext, 16, 4});
  if (!checked.ok()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  try_kind(daemon_ipc::RequestKind::kChat, false, body);
  try_kind(daemon_ipc::RequestKind::kChat, true, body);
  try_kind(daemon_ipc::RequestKind::kCompletion, false, body);
  return 0;
}
