// A path of a tile, an entry bundle and a hash tile from anywhere: each that parses is written
// again to the byte.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/audit/tlog/tile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto name = daemon_audit::parse_tile_path(text); name) {
    if (daemon_audit::tile_path(*name) != text) std::abort();
  }
  if (size == 0) return 0;
  const std::uint32_t count = data[0];
  const std::string_view rest = text.substr(1);
  if (const auto entries = daemon_audit::parse_bundle(rest, count); entries.ok()) {
    if (entries.value().size() != count) std::abort();
    if (daemon_audit::serialize_bundle(entries.value()) != rest) std::abort();
  }
  if (const auto hashes = daemon_audit::parse_hashes(rest, count); hashes.ok()) {
    if (daemon_audit::serialize_hashes(hashes.value()) != rest) std::abort();
  }
  return 0;
}
