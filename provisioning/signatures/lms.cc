#include "provisioning/signatures/lms.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/byte_reader.h"
#include "provisioning/signatures/lms_hash.h"
#include "provisioning/signatures/lms_types.h"

namespace provisioning {
namespace {

using base::ByteReader;
using Bytes = std::span<const std::byte>;
using Node = LmsHash::Node;

constexpr std::uint16_t kForOneTimeKey = 0x8080;  // D_PBLC
constexpr std::uint16_t kForMessage = 0x8181;     // D_MESG
constexpr std::uint16_t kForLeaf = 0x8282;        // D_LEAF
constexpr std::uint16_t kForInner = 0x8383;       // D_INTR

base::Error wrong() {
  return base::denied("the signature is not this key's");
}

// Numbers stand with their high byte first.
base::Result<std::uint32_t> read_u32(ByteReader& reader, std::string_view what) {
  std::uint32_t value = 0;
  for (const std::byte byte : TRY(reader.take(4, what)))
    value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

LmsChains chains_of(const LmsPublicKey& key) {
  return make_lms_chains(key.hash_bytes, key.width);
}

// A leaf number, the one-time signature (type, randomizer, chains), the tree's type and the path.
std::size_t signature_bytes(const LmsPublicKey& key) {
  return 4 + (4 + key.hash_bytes * (1 + chains_of(key).count)) + 4 + key.hash_bytes * key.height;
}

base::Result<LmsPublicKey> read_tree_key(ByteReader& reader) {
  const std::uint32_t tree_code = TRY(read_u32(reader, "LMS type"));
  const std::uint32_t one_time_code = TRY(read_u32(reader, "LM-OTS type"));
  const auto tree = find_lms_tree_type(tree_code);
  const auto one_time = find_lms_one_time_type(one_time_code);
  if (!tree)
    return base::unsupported(
        fmt::format("LMS type {:#x}; SHA-256 with M32 or M24 is supported", tree_code));
  if (!one_time) {
    return base::unsupported(
        fmt::format("LM-OTS type {:#x}; SHA-256 with N32 or N24 is supported", one_time_code));
  }
  if (tree->hash_bytes != one_time->hash_bytes) {
    return base::unsupported(
        fmt::format("LMS type {:#x} with LM-OTS type {:#x}, whose hash has another length",
                    tree_code, one_time_code));
  }
  LmsPublicKey key{tree->hash_bytes, tree->height, one_time->width, {}, {}};
  std::ranges::copy(TRY(reader.take(key.identifier.size(), "LMS identifier")),
                    key.identifier.begin());
  std::ranges::copy(TRY(reader.take(key.hash_bytes, "LMS root")), key.root.begin());
  return key;
}

// The i-th run of `width` bits (RFC 8554, section 3.1.3).
std::uint32_t digit(Bytes bytes, std::uint32_t i, std::uint32_t width) {
  const std::uint32_t per_byte = 8 / width;
  const auto byte = std::to_integer<std::uint32_t>(bytes[i / per_byte]);
  return byte >> (8 - width * (1 + i % per_byte)) & ((1u << width) - 1);
}

// What the chains spell: a hash, and the checksum that keeps each of its digits from being raised
// (section 4.4).
using Spelling = std::array<std::byte, kLmsHashBytesMax + 2>;

Spelling spell(Bytes hash, const LmsPublicKey& key) {
  Spelling spelling{};
  std::ranges::copy(hash, spelling.begin());
  const LmsChains chains = chains_of(key);
  std::uint32_t sum = 0;
  for (std::uint32_t i = 0; i < chains.digits; ++i) {
    sum += (1u << key.width) - 1 - digit(hash, i, key.width);
  }
  sum <<= chains.shift;
  spelling[hash.size()] = static_cast<std::byte>(sum >> 8);
  spelling[hash.size() + 1] = static_cast<std::byte>(sum & 0xFF);
  return spelling;
}

// Walks every chain to its end; the hash over the ends is the one-time public key (RFC 8554,
// algorithm 4b).
base::Result<Node> recover_one_time_key(ByteReader& reader, LmsHash& hash, const LmsPublicKey& key,
                                        std::uint32_t leaf, const Spelling& spelling) {
  LmsHash ends(key.identifier, key.hash_bytes);
  ends.begin(leaf, kForOneTimeKey);
  const std::uint32_t last = (1u << key.width) - 1;
  for (std::uint32_t chain = 0; chain < chains_of(key).count; ++chain) {
    Node link{};
    std::ranges::copy(TRY(reader.take(key.hash_bytes, "chain")), link.begin());
    for (std::uint32_t step = digit(spelling, chain, key.width); step < last; ++step) {
      hash.advance(leaf, static_cast<std::uint16_t>(chain), static_cast<std::uint8_t>(step), link);
    }
    ends.add(std::span(link).first(key.hash_bytes));
  }
  return ends.end();
}

// One tree's signature (RFC 8554, algorithm 6a): whether it leads up to the root. Types must be the
// key's.
base::Status verify_tree(Bytes signature, const LmsPublicKey& key, Bytes message) {
  const auto cut = [&](const Node& node) { return Bytes(node).first(key.hash_bytes); };
  ByteReader reader(signature);
  LmsHash hash(key.identifier, key.hash_bytes);

  const std::uint32_t leaf = TRY(read_u32(reader, "leaf number"));
  if (leaf >= 1u << key.height) return wrong();
  const auto one_time = find_lms_one_time_type(TRY(read_u32(reader, "LM-OTS type")));
  if (!one_time || one_time->hash_bytes != key.hash_bytes || one_time->width != key.width)
    return wrong();
  const Bytes randomizer = TRY(reader.take(key.hash_bytes, "randomizer"));
  const Node summary = hash.of(leaf, kForMessage, {randomizer, message});
  const Node one_time_key =
      TRY(recover_one_time_key(reader, hash, key, leaf, spell(cut(summary), key)));

  const auto tree = find_lms_tree_type(TRY(read_u32(reader, "LMS type")));
  if (!tree || tree->hash_bytes != key.hash_bytes || tree->height != key.height) return wrong();
  std::uint32_t number = (1u << key.height) + leaf;
  Node node = hash.of(number, kForLeaf, {cut(one_time_key)});
  for (; number > 1; number /= 2) {
    const Bytes sibling = TRY(reader.take(key.hash_bytes, "path"));
    const bool on_the_right = number % 2 == 1;
    node = hash.of(number / 2, kForInner,
                   {on_the_right ? sibling : cut(node), on_the_right ? cut(node) : sibling});
  }
  if (!reader.at_end() || !std::ranges::equal(cut(node), cut(key.root))) return wrong();
  return {};
}

}  // namespace

base::Result<HssPublicKey> HssPublicKey::parse(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  HssPublicKey key;
  key.levels_ = TRY(read_u32(reader, "HSS levels"));
  if (key.levels_ < 1 || key.levels_ > kHssLevelsMax) {
    return base::unsupported(
        fmt::format("an HSS key of {} levels; 1 to {} are supported", key.levels_, kHssLevelsMax));
  }
  key.top_ = TRY(read_tree_key(reader));
  TRY(reader.expect_end("HSS public key"));
  return key;
}

std::string HssPublicKey::suite() const {
  const std::string family = levels_ == 1 ? "lms" : fmt::format("hss{}", levels_);
  return fmt::format("{}-sha256-m{}-h{}-w{}", family, top_.hash_bytes, top_.height, top_.width);
}

// RFC 8554, section 6.3: each tree signs the public key of the next, the last one the message. All
// lengths are checked before the first hash.
base::Status HssPublicKey::verify(Bytes message, Bytes signature) const {
  struct Link {
    LmsPublicKey key;
    Bytes signature;
    Bytes signed_bytes;
  };
  std::array<Link, kHssLevelsMax> chain;
  ByteReader reader(signature);
  const auto signed_keys = read_u32(reader, "signed keys");
  if (!signed_keys.ok() || signed_keys.value() != levels_ - 1) return wrong();
  LmsPublicKey key = top_;
  for (std::uint32_t level = 0; level < levels_; ++level) {
    const auto own = reader.take(signature_bytes(key), "signature");
    if (!own.ok()) return wrong();
    chain[level] = {key, own.value(), message};
    if (level + 1 == levels_) break;
    const std::size_t begin = reader.position();
    const auto next = read_tree_key(reader);
    if (!next.ok() || next.value().hash_bytes != top_.hash_bytes) return wrong();
    chain[level].signed_bytes = signature.subspan(begin, reader.position() - begin);
    key = next.value();
  }
  if (!reader.at_end()) return wrong();
  for (const Link& link : std::span(chain).first(levels_)) {
    if (!verify_tree(link.signature, link.key, link.signed_bytes).ok()) return wrong();
  }
  return {};
}

}  // namespace provisioning
