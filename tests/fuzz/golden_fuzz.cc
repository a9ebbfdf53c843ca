// Any bytes become a golden set or an error; a set writes itself down so that it reads back the
// same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/engine/golden_set.h"
#include "daemon/engine/known_answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto set = daemon_engine::GoldenSet::parse(text);
  if (set.ok()) {
    const std::string written = set.value().serialize();
    const auto again = daemon_engine::GoldenSet::parse(written);
    if (!again.ok() || again.value().serialize() != written) std::abort();
  } else if (set.error().message.empty()) {
    std::abort();
  }
  // The supervisor's memory of former starts is text of the same make.
  const auto known = daemon_engine::KnownAnswers::parse(text);
  if (known.ok() && !daemon_engine::KnownAnswers::parse(known.value().serialize()).ok())
    std::abort();
  return 0;
}
