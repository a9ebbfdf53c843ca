#include "provisioning/signatures/dsse.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/base64.h"
#include "provisioning/json_fields.h"

namespace provisioning {
namespace {

using base::Json;

constexpr std::size_t kSignaturesMax = 64;
constexpr std::size_t kSignatureBytesMax = 64u << 10;
constexpr std::size_t kKeyIdDigits = 64;
constexpr std::size_t kDepthMax = 3;  // envelope, signatures, one signature
constexpr std::size_t kValuesMax =
    4 + 3 * kSignaturesMax;  // envelope and its members; a signature and its two

base::Status check_key_id(std::string_view id, std::string_view path) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (id.size() == kKeyIdDigits && std::ranges::all_of(id, is_hex)) return {};
  return base::invalid_input(
      fmt::format("{}.keyid is not {} lower-case hex digits", path, kKeyIdDigits));
}

base::Result<DsseSignature> parse_signature(const Json& json, std::string_view path) {
  if (!json.is_object())
    return base::invalid_input(fmt::format("{} is of type {}", path, json.type_name()));
  TRY(only_members(json, {"keyid", "sig"}, path));
  DsseSignature signature;
  signature.key_id = TRY(string_member(json, "keyid", path));
  TRY(check_key_id(signature.key_id, path));
  const std::string text = TRY(string_member(json, "sig", path));
  if (text.size() > (kSignatureBytesMax + 2) / 3 * 4) {
    return base::exhausted(fmt::format("{}.sig has more than {} bytes", path, kSignatureBytesMax));
  }
  signature.bytes = TRY(from_base64(text).context(fmt::format("{}.sig", path)));
  if (signature.bytes.empty()) return base::invalid_input(fmt::format("{}.sig is empty", path));
  if (signature.bytes.size() > kSignatureBytesMax) {
    return base::exhausted(fmt::format("{}.sig has more than {} bytes", path, kSignatureBytesMax));
  }
  return signature;
}

DsseSignature* find_signature(Dsse& envelope, std::string_view key_id) {
  const auto found = std::ranges::find(envelope.signatures, key_id, &DsseSignature::key_id);
  return found == envelope.signatures.end() ? nullptr : &*found;
}

base::Status append_signature(Dsse& envelope, DsseSignature signature) {
  if (envelope.signatures.size() >= kSignaturesMax) {
    return base::exhausted(fmt::format("more than {} signatures", kSignaturesMax));
  }
  envelope.signatures.push_back(std::move(signature));
  return {};
}

base::Status parse_signatures(const Json::Array& items, Dsse& envelope) {
  if (items.size() > kSignaturesMax) {
    return base::exhausted(
        fmt::format("envelope.signatures has {}, limit {}", items.size(), kSignaturesMax));
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string path = fmt::format("envelope.signatures[{}]", i);
    DsseSignature signature = TRY(parse_signature(items[i], path));
    if (find_signature(envelope, signature.key_id) != nullptr) {
      return base::invalid_input(fmt::format("{} names a key that has signed before", path));
    }
    TRY(append_signature(envelope, std::move(signature)));
  }
  return {};
}

}  // namespace

base::Result<Dsse> parse_dsse(std::string_view text, std::string_view payload_type,
                              std::size_t bytes_max) {
  const Json root = TRY(
      Json::parse(text, {.bytes_max = bytes_max, .depth_max = kDepthMax, .values_max = kValuesMax})
          .context("envelope"));
  if (!root.is_object())
    return base::invalid_input(fmt::format("envelope is of type {}", root.type_name()));
  TRY(only_members(root, {"payload", "payloadType", "signatures"}, "envelope"));
  TRY(expect_string(root, "payloadType", payload_type, "envelope"));

  Dsse envelope;
  envelope.payload_type = payload_type;
  const auto payload =
      TRY(from_base64(TRY(string_member(root, "payload", "envelope"))).context("envelope.payload"));
  envelope.payload.assign(reinterpret_cast<const char*>(payload.data()), payload.size());
  TRY(parse_signatures(TRY(array_member(root, "signatures", "envelope"))->as_array(), envelope));
  return envelope;
}

std::string serialize_dsse(const Dsse& envelope) {
  std::vector<const DsseSignature*> sorted;
  for (const DsseSignature& signature : envelope.signatures) sorted.push_back(&signature);
  std::ranges::sort(sorted, {}, &DsseSignature::key_id);
  Json signatures = Json::array();
  for (const DsseSignature* signature : sorted) {
    signatures.push_back(
        Json::object({{"keyid", signature->key_id}, {"sig", to_base64(signature->bytes)}}));
  }
  return Json::object({{"payload", to_base64(std::as_bytes(std::span(envelope.payload)))},
                       {"payloadType", envelope.payload_type},
                       {"signatures", std::move(signatures)}})
      .dump();
}

std::string dsse_pae(std::string_view payload_type, std::string_view payload) {
  return fmt::format("DSSEv1 {} {} {} {}", payload_type.size(), payload_type, payload.size(),
                     payload);
}

base::Status add_signature(Dsse& envelope, const SigningKey& key) {
  const std::string text = dsse_pae(envelope.payload_type, envelope.payload);
  DsseSignature signature;
  signature.key_id = TRY(key.verify_key()).id();
  signature.bytes = TRY(key.sign(std::as_bytes(std::span(text))));
  if (DsseSignature* const earlier = find_signature(envelope, signature.key_id);
      earlier != nullptr) {
    *earlier = std::move(signature);
    return {};
  }
  return append_signature(envelope, std::move(signature));
}

base::Status merge_signatures(Dsse& envelope, const Dsse& other) {
  if (envelope.payload_type != other.payload_type || envelope.payload != other.payload) {
    return base::invalid_input("the signatures are over another payload");
  }
  for (const DsseSignature& signature : other.signatures) {
    if (find_signature(envelope, signature.key_id) != nullptr) continue;
    TRY(append_signature(envelope, signature));
  }
  return {};
}

}  // namespace provisioning
