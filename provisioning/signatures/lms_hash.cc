#include "provisioning/signatures/lms_hash.h"

namespace provisioning {
namespace {

EVP_MD_CTX* create_sha256() {
  MdContextOwner context(EVP_MD_CTX_new());
  const bool begun =
      context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  return begun ? context.release() : nullptr;
}

}  // namespace

LmsHash::LmsHash(const Identifier& identifier, std::size_t hash_bytes)
    : identifier_(identifier),
      hash_bytes_(hash_bytes),
      context_(make_surely<MdContextOwner>(create_sha256)) {}

void LmsHash::begin(std::uint32_t number, std::uint16_t purpose) {
  // Without a name the context keeps the SHA-256 it has: looking it up each time would cost more
  // than the hash.
  CHECK(EVP_DigestInit_ex(context_.get(), nullptr, nullptr) == 1);
  add(identifier_);
  const std::array head{
      static_cast<std::byte>(number >> 24),       static_cast<std::byte>(number >> 16 & 0xFF),
      static_cast<std::byte>(number >> 8 & 0xFF), static_cast<std::byte>(number & 0xFF),
      static_cast<std::byte>(purpose >> 8),       static_cast<std::byte>(purpose & 0xFF)};
  add(head);
}

void LmsHash::add(std::span<const std::byte> bytes) {
  CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

LmsHash::Node LmsHash::end() {
  Node node;
  CHECK(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(node.data()),
                           nullptr) == 1);
  return node;
}

LmsHash::Node LmsHash::of(std::uint32_t number, std::uint16_t purpose,
                          std::initializer_list<std::span<const std::byte>> pieces) {
  begin(number, purpose);
  for (const std::span<const std::byte> piece : pieces) add(piece);
  return end();
}

void LmsHash::advance(std::uint32_t leaf, std::uint16_t chain, std::uint8_t step, Node& link) {
  begin(leaf, chain);
  add(std::array{std::byte{step}});
  add(std::span(link).first(hash_bytes_));
  link = end();
}

}  // namespace provisioning
