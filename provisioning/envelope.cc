#include "provisioning/envelope.h"

#include <fmt/format.h>

#include "hardening/base/json.h"
#include "provisioning/base64.h"
#include "provisioning/json_fields.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

using base::Json;

constexpr std::string_view kMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
constexpr std::string_view kPayloadType = "application/vnd.in-toto+json";

// Only the method "key". The others are refused by name, so that an operator knows what was brought.
base::Result<std::string> parse_verification_material(const Json& material) {
  for (const std::string_view other : {"x509CertificateChain", "certificate"}) {
    if (material.find(other) != nullptr) {
      return base::unsupported(fmt::format("signed by method {}; only method key is supported", other));
    }
  }
  TRY(only_members(material, {"publicKey", "tlogEntries"}, "verificationMaterial"));
  if (const Json* entries = material.find("tlogEntries"); entries != nullptr && !entries->is_null()) {
    if (!entries->is_array()) return base::invalid_input("tlogEntries is not an array");
    if (!entries->as_array().empty()) return base::unsupported("tlogEntries are given; method key has none");
  }
  const Json& key = *TRY(object_member(material, "publicKey", "verificationMaterial"));
  TRY(only_members(key, {"hint"}, "publicKey"));
  const Json* hint = key.find("hint");
  if (hint == nullptr || hint->is_null()) return std::string();
  return string_member(key, "hint", "publicKey");
}

base::Status parse_dsse(const Json& dsse, Envelope& envelope) {
  TRY(only_members(dsse, {"payload", "payloadType", "signatures"}, "dsseEnvelope"));
  TRY(expect_string(dsse, "payloadType", kPayloadType, "dsseEnvelope"));
  const auto payload = TRY(from_base64(TRY(string_member(dsse, "payload", "dsseEnvelope"))).context("payload"));
  envelope.payload.assign(reinterpret_cast<const char*>(payload.data()), payload.size());

  const Json::Array& signatures = TRY(array_member(dsse, "signatures", "dsseEnvelope"))->as_array();
  if (signatures.size() != 1 || !signatures[0].is_object()) {
    return base::invalid_input("dsseEnvelope.signatures does not hold exactly one object");
  }
  const Json& signature = signatures[0];
  TRY(only_members(signature, {"sig", "keyid"}, "signatures[0]"));  // keyid is not used: OMS section 4.1
  envelope.signature = TRY(from_base64(TRY(string_member(signature, "sig", "signatures[0]"))).context("sig"));
  return {};
}

// DSSE's pre-authentication encoding: what is signed (secure-systems-lab/dsse, protocol.md).
std::string pre_authentication_encoding(std::string_view payload) {
  return fmt::format("DSSEv1 {} {} {} {}", kPayloadType.size(), kPayloadType, payload.size(), payload);
}

}  // namespace

base::Result<Envelope> parse_envelope(std::string_view text) {
  const Json root = TRY(Json::parse(text, {.bytes_max = kSignatureBytesMax, .depth_max = 8, .values_max = 64}));
  if (!root.is_object()) return base::invalid_input("not a JSON object");
  TRY(expect_string(root, "mediaType", kMediaType, "bundle"));
  TRY(only_members(root, {"mediaType", "verificationMaterial", "dsseEnvelope"}, "bundle"));
  Envelope envelope;
  envelope.hint = TRY(parse_verification_material(*TRY(object_member(root, "verificationMaterial", "bundle"))));
  TRY(parse_dsse(*TRY(object_member(root, "dsseEnvelope", "bundle")), envelope));
  return envelope;
}

std::string serialize_envelope(const Envelope& envelope) {
  Json signatures = Json::array();
  signatures.push_back(Json::object({{"sig", to_base64(envelope.signature)}, {"keyid", ""}}));
  const auto payload = std::as_bytes(std::span(envelope.payload));
  Json dsse = Json::object({{"payload", to_base64(payload)},
                            {"payloadType", kPayloadType},
                            {"signatures", std::move(signatures)}});
  Json material = Json::object(
      {{"publicKey", Json::object({{"hint", envelope.hint}})}, {"tlogEntries", Json::array()}});
  return Json::object({{"mediaType", kMediaType},
                       {"verificationMaterial", std::move(material)},
                       {"dsseEnvelope", std::move(dsse)}})
      .dump();
}

base::Result<Envelope> seal_payload(std::string payload, const PrivateKey& key) {
  const std::string signed_text = pre_authentication_encoding(payload);
  Envelope envelope;
  envelope.hint = TRY(key.public_key()).hint();
  envelope.signature = TRY(key.sign(std::as_bytes(std::span(signed_text))));
  envelope.payload = std::move(payload);
  return envelope;
}

base::Result<const PublicKey*> verify_envelope(const Envelope& envelope, std::span<const PublicKey> trusted) {
  if (trusted.empty()) return base::denied("no trusted key is configured");
  const std::string signed_text = pre_authentication_encoding(envelope.payload);
  bool hint_known = envelope.hint.empty();
  for (const PublicKey& key : trusted) {
    // The hint is not authenticated: it picks the key to try, and proves nothing.
    if (!envelope.hint.empty() && key.hint() != envelope.hint) continue;
    hint_known = true;
    if (key.verify(std::as_bytes(std::span(signed_text)), envelope.signature).ok()) return &key;
  }
  if (!hint_known) return base::denied("signed by a key that is not trusted here");
  return base::denied("the signature does not verify");
}

}  // namespace provisioning
