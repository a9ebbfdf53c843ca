#include "runtime/tokenizer/character_map.h"

#include <fmt/format.h>

#include <cstring>
#include <span>

#include "hardening/base/byte_reader.h"
#include "runtime/tokenizer/limits.h"

namespace runtime {
namespace {

constexpr std::uint32_t kIsValue = std::uint32_t{1} << 31;
constexpr std::uint32_t kEndsKey = std::uint32_t{1} << 8;

std::uint32_t offset_of(std::uint32_t node) {
  return (node & ~kIsValue) >> 10 << ((node >> 9 & 1) * 8);
}

}  // namespace

base::Result<CharacterMap> CharacterMap::create(std::string_view blob) {
  CharacterMap map;
  if (blob.empty()) return map;
  if (blob.size() > kCharacterMapBytesMax) {
    return base::exhausted(
        fmt::format("tokenizer.ggml.precompiled_charsmap: {} bytes, at most {} are allowed",
                    blob.size(), kCharacterMapBytesMax));
  }
  base::ByteReader reader(std::as_bytes(std::span(blob)));
  const auto trie_bytes = TRY(reader.read<std::uint32_t>("tokenizer.ggml.precompiled_charsmap"));
  const auto trie = TRY(reader.take(trie_bytes, "tokenizer.ggml.precompiled_charsmap"));
  if (trie.size() % sizeof(std::uint32_t) != 0 || reader.at_end() || blob.back() != '\0') {
    return base::invalid_input(
        "tokenizer.ggml.precompiled_charsmap: not a trie and its zero-ended replacements");
  }
  map.nodes_.resize(trie.size() / sizeof(std::uint32_t));
  if (!trie.empty()) std::memcpy(map.nodes_.data(), trie.data(), trie.size());
  map.replacements_ = blob.substr(reader.position());
  return map;
}

std::optional<CharacterMap::Replacement> CharacterMap::find(std::string_view text) const {
  std::optional<Replacement> longest;
  if (nodes_.empty()) return longest;
  std::uint32_t node = offset_of(nodes_[0]);
  for (std::size_t i = 0; i < text.size() && text[i] != '\0'; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= nodes_.size() || (nodes_[node] & (kIsValue | 0xFF)) != byte) break;
    const bool ends_key = (nodes_[node] & kEndsKey) != 0;
    node ^= offset_of(nodes_[node]);
    if (!ends_key || node >= nodes_.size()) continue;
    const std::size_t place = nodes_[node] & ~kIsValue;
    if (place >= replacements_.size()) continue;
    longest = {i + 1, std::string_view(replacements_.c_str() + place)};
  }
  return longest;
}

}  // namespace runtime
