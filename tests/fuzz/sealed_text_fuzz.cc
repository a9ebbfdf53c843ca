// A sealed text and an auditor's public key from anywhere. What opens is what was sealed: nobody
// makes such a text without the key, and what we seal to a key that parses opens again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/audit/seal/sealed_text.h"

namespace {

const daemon_audit::OpeningKey& key() {
  static const auto kKey = daemon_audit::OpeningKey::parse_pem(
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VuBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
      "-----END PRIVATE KEY-----\n");
  return kKey.value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto opened = daemon_audit::open_text(key(), "req-0123", input);
  if (opened.ok() && opened.value().size() + daemon_audit::kSealedOverheadBytes != size) {
    std::abort();
  }
  const auto to = daemon_audit::SealingKey::parse_pem(input);
  if (to.ok() && !daemon_audit::seal_text(to.value(), "r", "text").ok()) std::abort();
  (void)daemon_audit::OpeningKey::parse_pem(input);
  return 0;
}
