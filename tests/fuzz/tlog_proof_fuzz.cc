// A tlog-proof from anywhere: what parses is written again to the byte.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/tree.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto proof = daemon_audit::TlogProof::parse(text);
  if (!proof.ok()) return 0;
  if (proof.value().serialize() != text) std::abort();
  // Paths of any length against sizes of any kind, without a signature in the way.
  const auto leaf = daemon_audit::hash_leaf(text);
  for (const std::uint64_t tree : {std::uint64_t{1}, proof.value().index + 1,
                                   2 * proof.value().index + 3, daemon_audit::kTreeSizeMax}) {
    (void)daemon_audit::check_inclusion(leaf, proof.value().index, tree, proof.value().path, leaf);
    (void)daemon_audit::check_consistency(proof.value().index, leaf, tree, leaf,
                                          proof.value().path);
  }
  return 0;
}
