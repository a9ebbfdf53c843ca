// A message of an importer that parses must serialise to the very bytes it came from.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "daemon/importer/import_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto message = daemon_importer::parse(bytes);
  if (!message.ok()) {
    if (message.error().code != base::ErrorCode::kInvalidInput) std::abort();
    return 0;
  }
  const auto again = daemon_importer::serialize(message.value());
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) std::abort();
  return 0;
}
