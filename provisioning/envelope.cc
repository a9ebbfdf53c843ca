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

constexpr std::size_t kNameBytesMax =
    1024;  // of a hint and a keyid: what nobody reads need not be long
constexpr std::size_t kSignatureDerBytesMax = 256;  // P-521 takes 139

// A member that says little: a short text, null, or not there.
base::Result<std::string> optional_text(const Json& object, std::string_view key,
                                        std::string_view path, std::size_t bytes_max) {
  const Json* value = object.find(key);
  if (value == nullptr || value->is_null()) return std::string();
  std::string text = TRY(string_member(object, key, path));
  if (text.size() > bytes_max) {
    return base::exhausted(
        fmt::format("{}.{} has {} bytes, limit {}", path, key, text.size(), bytes_max));
  }
  return text;
}

// Bytes of base64, bounded before they are decoded.
base::Result<std::vector<std::byte>> bytes_member(const Json& object, std::string_view key,
                                                  std::string_view path, std::size_t bytes_max) {
  const std::string text = TRY(string_member(object, key, path));
  if (text.size() > (bytes_max + 2) / 3 * 4) {
    return base::exhausted(fmt::format("{}.{} has more than {} bytes", path, key, bytes_max));
  }
  return from_base64(text).context(fmt::format("{}.{}", path, key));
}

base::Status parse_public_key(const Json& key, Envelope& envelope) {
  constexpr std::string_view kPath = "verificationMaterial.publicKey";
  // Before version 1.1.0 the reference tool put the key itself here; like its later versions we do
  // not look at it.
  TRY(only_members(key, {"hint", "rawBytes", "keyDetails"}, kPath));
  TRY(optional_text(key, "rawBytes", kPath, kKeyFileBytesMax));
  TRY(optional_text(key, "keyDetails", kPath, kNameBytesMax));
  envelope.method = SignatureMethod::kKey;
  envelope.hint = TRY(optional_text(key, "hint", kPath, kNameBytesMax));
  return {};
}

base::Status parse_chain(const Json& chain, Envelope& envelope) {
  constexpr std::string_view kPath = "verificationMaterial.x509CertificateChain";
  TRY(only_members(chain, {"certificates"}, kPath));
  const Json::Array& certificates = TRY(array_member(chain, "certificates", kPath))->as_array();
  if (certificates.empty())
    return base::invalid_input(fmt::format("{}.certificates is empty", kPath));
  if (certificates.size() > kCertificatesMax) {
    return base::exhausted(fmt::format("{}.certificates has {} elements, limit {}", kPath,
                                       certificates.size(), kCertificatesMax));
  }
  for (const Json& certificate : certificates) {
    const std::string path = fmt::format("certificates[{}]", envelope.certificates.size());
    if (!certificate.is_object()) return base::invalid_input(path + " is not an object");
    TRY(only_members(certificate, {"rawBytes"}, path));
    envelope.certificates.push_back(
        TRY(bytes_member(certificate, "rawBytes", path, kCertificateBytesMax)));
  }
  envelope.method = SignatureMethod::kCertificate;
  return {};
}

// Signatures by identity need the transparency log and its trust root, and so a network. They are
// refused by name, so that an operator knows what was brought.
base::Status refuse_sigstore(const Json& material) {
  for (const std::string_view member : {"certificate", "timestampVerificationData"}) {
    if (material.find(member) == nullptr) continue;
    return base::unsupported(
        fmt::format("verificationMaterial.{} is given: signed by method sigstore, which needs a "
                    "network; methods key "
                    "and certificate are supported",
                    member));
  }
  const Json* entries = material.find("tlogEntries");
  if (entries == nullptr || entries->is_null()) return {};
  if (!entries->is_array())
    return base::invalid_input("verificationMaterial.tlogEntries is not an array");
  if (!entries->as_array().empty()) {
    return base::unsupported(
        "verificationMaterial.tlogEntries are given: signed by method sigstore, which needs a "
        "network; methods key and certificate are supported");
  }
  return {};
}

base::Status parse_verification_material(const Json& material, Envelope& envelope) {
  TRY(refuse_sigstore(material));
  TRY(only_members(material, {"publicKey", "x509CertificateChain", "tlogEntries"},
                   "verificationMaterial"));
  const bool chain = material.find("x509CertificateChain") != nullptr;
  if (chain && material.find("publicKey") != nullptr) {
    return base::invalid_input("verificationMaterial has both publicKey and x509CertificateChain");
  }
  if (!chain)
    return parse_public_key(*TRY(object_member(material, "publicKey", "verificationMaterial")),
                            envelope);
  return parse_chain(*TRY(object_member(material, "x509CertificateChain", "verificationMaterial")),
                     envelope);
}

base::Status parse_dsse(const Json& dsse, Envelope& envelope) {
  TRY(only_members(dsse, {"payload", "payloadType", "signatures"}, "dsseEnvelope"));
  TRY(expect_string(dsse, "payloadType", kPayloadType, "dsseEnvelope"));
  const auto payload =
      TRY(from_base64(TRY(string_member(dsse, "payload", "dsseEnvelope"))).context("payload"));
  envelope.payload.assign(reinterpret_cast<const char*>(payload.data()), payload.size());

  const Json::Array& signatures = TRY(array_member(dsse, "signatures", "dsseEnvelope"))->as_array();
  if (signatures.size() != 1 || !signatures[0].is_object()) {
    return base::invalid_input("dsseEnvelope.signatures does not hold exactly one object");
  }
  const Json& signature = signatures[0];
  TRY(only_members(signature, {"sig", "keyid"}, "signatures[0]"));
  TRY(optional_text(signature, "keyid", "signatures[0]",
                    kNameBytesMax));  // not used: OMS section 4.1
  envelope.signature = TRY(bytes_member(signature, "sig", "signatures[0]", kSignatureDerBytesMax));
  return {};
}

// DSSE's pre-authentication encoding: what is signed (secure-systems-lab/dsse, protocol.md).
std::string pre_authentication_encoding(std::string_view payload) {
  return fmt::format("DSSEv1 {} {} {} {}", kPayloadType.size(), kPayloadType, payload.size(),
                     payload);
}

// What version 0.2 of the reference tool signed was not DSSE's encoding. Reading the payload of a
// signature that did not verify is for the message alone.
base::Error refuse_signature(const Envelope& envelope) {
  if (envelope.payload.find("https://model_signing/Digests/v0.1") != std::string::npos) {
    return base::denied(
        "the signature does not verify; it looks like one of model signing 0.2, which is not "
        "supported: "
        "have the model signed again");
  }
  return base::denied("the signature does not verify");
}

base::Status check_signature(const Envelope& envelope, const PublicKey& key) {
  const std::string signed_text = pre_authentication_encoding(envelope.payload);
  if (!key.verify(std::as_bytes(std::span(signed_text)), envelope.signature).ok())
    return refuse_signature(envelope);
  return {};
}

// The hint is not authenticated: it picks the key to try, and proves nothing.
base::Result<const PublicKey*> verify_by_key(const Envelope& envelope,
                                             std::span<const PublicKey> trusted,
                                             bool accept_empty_hint) {
  if (trusted.empty()) return base::denied("signed with a key, and no trusted key is configured");
  if (envelope.hint.empty() && !accept_empty_hint) {
    return base::denied(
        "the signature does not name its key (an empty hint); such are not taken here");
  }
  base::Error refusal = base::denied("signed by a key that is not trusted here");
  for (const PublicKey& key : trusted) {
    if (!envelope.hint.empty() && key.hint() != envelope.hint) continue;
    const base::Status verdict = check_signature(envelope, key);
    if (verdict.ok()) return &key;
    refusal = verdict.error();
  }
  return refusal;
}

Json verification_material(const Envelope& envelope) {
  if (envelope.method == SignatureMethod::kKey) {
    return Json::object(
        {{"publicKey", Json::object({{"hint", envelope.hint}})}, {"tlogEntries", Json::array()}});
  }
  Json certificates = Json::array();
  for (const Der& der : envelope.certificates)
    certificates.push_back(Json::object({{"rawBytes", to_base64(der)}}));
  return Json::object(
      {{"x509CertificateChain", Json::object({{"certificates", std::move(certificates)}})},
       {"tlogEntries", Json::array()}});
}

}  // namespace

std::string_view method_name(SignatureMethod method) {
  return method == SignatureMethod::kKey ? "key" : "certificate";
}

base::Result<Envelope> parse_envelope(std::string_view text) {
  const Json root =
      TRY(Json::parse(text, {.bytes_max = kSignatureBytesMax, .depth_max = 8, .values_max = 96}));
  if (!root.is_object()) return base::invalid_input("not a JSON object");
  TRY(expect_string(root, "mediaType", kMediaType, "bundle"));
  if (root.find("messageSignature") != nullptr) {
    return base::unsupported(
        "bundle.messageSignature is given; a model signature is a dsseEnvelope alone");
  }
  TRY(only_members(root, {"mediaType", "verificationMaterial", "dsseEnvelope"}, "bundle"));
  Envelope envelope;
  TRY(parse_verification_material(*TRY(object_member(root, "verificationMaterial", "bundle")),
                                  envelope));
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
  return Json::object({{"mediaType", kMediaType},
                       {"verificationMaterial", verification_material(envelope)},
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

base::Result<Envelope> seal_payload(std::string payload, const PrivateKey& key,
                                    std::vector<Der> certificates) {
  if (certificates.empty() || certificates.size() > kCertificatesMax) {
    return base::invalid_input(fmt::format("{} certificates; 1 to {} are signed with",
                                           certificates.size(), kCertificatesMax));
  }
  const CertifiedKey leaf = TRY(read_leaf(certificates.front()));
  if (leaf.key.hint() != TRY(key.public_key()).hint()) {
    return base::denied(
        fmt::format("certificate {} is not of the key that signs", quoted(leaf.subject)));
  }
  Envelope envelope = TRY(seal_payload(std::move(payload), key));
  envelope.method = SignatureMethod::kCertificate;
  envelope.hint.clear();
  envelope.certificates = std::move(certificates);
  return envelope;
}

base::Result<Signer> verify_envelope(const Envelope& envelope, const SignatureTrust& trust) {
  if (envelope.method == SignatureMethod::kKey) {
    const PublicKey* key = TRY(verify_by_key(envelope, trust.keys, trust.accept_empty_hint));
    return Signer{SignatureMethod::kKey, key->hint(), ""};
  }
  CertifiedKey leaf = TRY(verify_certificates(envelope.certificates, trust.certificates));
  TRY(check_signature(envelope, leaf.key));
  return Signer{SignatureMethod::kCertificate, std::move(leaf.id), std::move(leaf.subject)};
}

base::Result<const PublicKey*> verify_envelope(const Envelope& envelope,
                                               std::span<const PublicKey> trusted) {
  if (envelope.method != SignatureMethod::kKey)
    return base::denied("signed with a certificate; only keys are trusted here");
  return verify_by_key(envelope, trusted, false);
}

}  // namespace provisioning
