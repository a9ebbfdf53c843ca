// However a response is cut into pieces, the parser says the same of it; and never more body comes
// out than went in.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/cli/response_parser.h"

namespace {

struct Outcome {
  bool ok = true;
  bool complete = false;
  int status = 0;
  std::string body;
};

Outcome parse(std::string_view text, std::size_t piece) {
  daemon_cli::ResponseParser parser;
  Outcome outcome;
  for (std::size_t at = 0; at < text.size() && outcome.ok; at += piece) {
    outcome.ok = parser.feed(text.substr(at, piece), outcome.body).ok();
  }
  outcome.complete = parser.complete();
  outcome.status = parser.status();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8'192) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Outcome whole = parse(text, size + 1);
  const Outcome pieces = parse(text, 3);
  if (whole.body.size() > size) std::abort();
  if (whole.ok && pieces.ok && (whole.body != pieces.body || whole.complete != pieces.complete))
    std::abort();
  // Cut finely, a mistake may show before the bytes that follow it, never the other way round.
  if (whole.ok && !pieces.ok) std::abort();
  return 0;
}
