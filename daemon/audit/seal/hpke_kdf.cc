#include "daemon/audit/seal/hpke_kdf.h"

#include <openssl/hmac.h>

#include <cstring>

#include "hardening/base/check.h"
#include "hardening/base/memory_reserve.h"
#include "provisioning/openssl_objects.h"

namespace daemon_audit {

// Fails for want of memory alone.
SecretBytes<32> hmac_sha256(std::string_view key, std::string_view message) {
  SecretBytes<32> mac;
  const auto compute = [&] {
    return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                reinterpret_cast<unsigned char*>(mac.bytes.data()), nullptr);
  };
  if (compute() == nullptr) {
    base::spend_memory_reserve();
    CHECK(compute() != nullptr);
  }
  return mac;
}

namespace {

constexpr std::string_view kVersion = "HPKE-v1";

void wipe_text(std::string& text) {
  base::wipe(std::as_writable_bytes(std::span(text)));
}

}  // namespace

SecretBytes<32> labeled_extract(std::string_view suite, std::string_view salt,
                                std::string_view label, std::string_view key_material) {
  std::string message;
  message.reserve(kVersion.size() + suite.size() + label.size() + key_material.size());
  message.append(kVersion).append(suite).append(label).append(key_material);
  // RFC 5869 section 2.2: no salt is 32 zeros, which is what HMAC makes of an empty key.
  const SecretBytes<32> key = hmac_sha256(salt.empty() ? std::string_view("", 0) : salt, message);
  wipe_text(message);
  return key;
}

void labeled_expand(std::string_view suite, const SecretBytes<32>& key, std::string_view label,
                    std::string_view info, std::span<std::byte> out) {
  CHECK(out.size() <= 32);
  std::string message{'\0', static_cast<char>(out.size())};  // I2OSP(L, 2)
  message.append(kVersion).append(suite).append(label).append(info);
  message.push_back('\1');  // the first block, RFC 5869 section 2.3
  const SecretBytes<32> block = hmac_sha256(key.text(), message);
  std::memcpy(out.data(), block.bytes.data(), out.size());
}

}  // namespace daemon_audit
