#include "daemon/audit/tlog/signature_scheme.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include "provisioning/openssl_objects.h"

namespace daemon_audit {
namespace {

using provisioning::MdContextOwner;
using provisioning::PkeyOwner;

// RFC 8032 section 5.1; FIPS 204 table 2.
constexpr std::size_t kEd25519KeyBytes = 32, kEd25519SignatureBytes = 64;
constexpr std::size_t kMlDsa44KeyBytes = 1312, kMlDsa44SignatureBytes = 2420;

bool is_ml_dsa(NoteKeyType type) {
  return type == NoteKeyType::kCosignatureMlDsa44;
}
const char* scheme_name(NoteKeyType type) {
  return is_ml_dsa(type) ? "ML-DSA-44" : "ED25519";
}

bool supported(NoteKeyType type) {
  if (!is_ml_dsa(type)) return true;
  const provisioning::PkeyContextOwner context(
      EVP_PKEY_CTX_new_from_name(nullptr, scheme_name(type), nullptr));
  ERR_clear_error();
  return context != nullptr;
}

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

PkeyOwner load_key(NoteKeyType type, std::string_view key) {
  PkeyOwner loaded(
      EVP_PKEY_new_raw_public_key_ex(nullptr, scheme_name(type), nullptr, raw(key), key.size()));
  ERR_clear_error();
  return loaded;
}

}  // namespace

std::size_t public_key_bytes(NoteKeyType type) {
  return is_ml_dsa(type) ? kMlDsa44KeyBytes : kEd25519KeyBytes;
}

base::Status check_public_key(NoteKeyType type, std::string_view key) {
  if (key.size() != public_key_bytes(type)) {
    return base::invalid_input(fmt::format("verifier key: {} bytes, {} has {}", key.size(),
                                           scheme_name(type), public_key_bytes(type)));
  }
  if (supported(type) && load_key(type, key) == nullptr) {
    return base::invalid_input(fmt::format("verifier key: not a key of {}", scheme_name(type)));
  }
  return {};
}

base::Status verify_signature(NoteKeyType type, std::string_view key, std::string_view message,
                              std::string_view signature) {
  if (!supported(type)) {
    return base::unsupported(fmt::format("signature: {} is unsupported here", scheme_name(type)));
  }
  const std::size_t bytes = is_ml_dsa(type) ? kMlDsa44SignatureBytes : kEd25519SignatureBytes;
  if (signature.size() != bytes) {
    return base::denied(
        fmt::format("signature: {} bytes, {} has {}", signature.size(), scheme_name(type), bytes));
  }
  const PkeyOwner loaded = load_key(type, key);
  if (loaded == nullptr) return base::denied("signature: its key is not one");
  const auto context = provisioning::make_surely<MdContextOwner>([] { return EVP_MD_CTX_new(); });
  const bool holds = EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr,
                                             loaded.get(), nullptr) == 1 &&
                     EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message),
                                      message.size()) == 1;
  ERR_clear_error();
  if (!holds) return base::denied("signature: it does not hold");
  return {};
}

}  // namespace daemon_audit
