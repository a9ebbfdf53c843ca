// Records of a request, sealed tokens and a selection from anywhere: what is taken is within what
// it says of itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/replay/recorded_log.h"
#include "daemon/replay/recorded_request.h"
#include "daemon/replay/recorded_texts.h"
#include "hardening/base/json.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

daemon_audit::Record record(std::string type, const base::Json* body) {
  daemon_audit::Record out;
  out.type = std::move(type);
  if (body != nullptr) out.body = *body;
  return out;
}

// {"admitted":{…},"finished":{…}}: the bodies of both records.
void read_both(const base::Json& json) {
  if (!json.is_object()) return;
  const auto read =
      daemon_replay::RecordedRequest::read(record("request.admitted", json.find("admitted")),
                                           record("request.finished", json.find("finished")));
  if (!read.ok()) return;
  require(read.value().id.size() <= daemon_audit::kRequestIdBytesMax);
  require(read.value().model_digest.size() == 64);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kChoices = 2;
  const auto tokens = daemon_replay::parse_choice_tokens(text, kChoices);
  if (tokens.ok()) {
    require(tokens.value().size() == kChoices);
    for (const auto& choice : tokens.value()) {
      for (const auto token : choice) require(token >= 0);
    }
  }
  const auto selection = daemon_replay::Selection::parse(text);
  if (selection.ok()) require(selection.value().from <= selection.value().to);
  const auto json = base::Json::parse(text, {.bytes_max = 1u << 17});
  if (json.ok()) read_both(json.value());
  return 0;
}
