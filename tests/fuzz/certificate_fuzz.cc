// Certificates from anywhere, as a chain (two bytes of length before each) and as PEM: whatever
// they are, the one root that is trusted (tests/vectors/oms) has certified a single signer, so
// nobody else is ever taken.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "provisioning/certificate.h"

namespace {

using provisioning::Der;

constexpr std::string_view kRoot =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB8TCCAXigAwIBAgIUZmEgoU6/4POWBtOqZhuMfXrJi14wCgYIKoZIzj0EAwMw\n"
    "JzEWMBQGA1UECgwNUmVkb3VidCBUZXN0czENMAsGA1UEAwwEUm9vdDAgFw0yNDAx\n"
    "MDEwMDAwMDBaGA8yMTI0MDEwMTAwMDAwMFowJzEWMBQGA1UECgwNUmVkb3VidCBU\n"
    "ZXN0czENMAsGA1UEAwwEUm9vdDB2MBAGByqGSM49AgEGBSuBBAAiA2IABHeZh2/7\n"
    "ESqYI2AcDulUqDszqGv8eyVqylybkUDEIthj482YoHrO1/CGk0c4PtxeTK7XVXOM\n"
    "j5QvGWLrrMU4heQqZXEB24UwGqKqohB6WPfDior2V6LIFUdiPwIN63GFWKNjMGEw\n"
    "HQYDVR0OBBYEFF/eX0yaSKVrNcvROI209LT0EAxNMB8GA1UdIwQYMBaAFF/eX0ya\n"
    "SKVrNcvROI209LT0EAxNMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEG\n"
    "MAoGCCqGSM49BAMDA2cAMGQCMB1IqdB2obU16xQdU7Yu3KQMSFF49X0XRk+9mE3J\n"
    "kldlIgo2+eFe/9yv6KYLxcmQAwIwK8Xs6xE2gNigRoK5A+Hvv8WAEp1sV6K/xrdS\n"
    "oTWh2An42W8rxwW02rfFIg6k8h1q\n"
    "-----END CERTIFICATE-----\n";
constexpr std::string_view kSignerKey =
    "3245aa738d96dee06e1f8cdb7baaa0f87ed33b0a5d71ba42090fff5a2ebf8901";

std::vector<Der> split(std::span<const std::byte> bytes) {
  std::vector<Der> chain;
  while (bytes.size() >= 2 && chain.size() <= provisioning::kCertificatesMax) {
    const std::size_t wanted =
        std::to_integer<std::size_t>(bytes[0]) << 8 | std::to_integer<std::size_t>(bytes[1]);
    bytes = bytes.subspan(2);
    const auto one = bytes.first(wanted < bytes.size() ? wanted : bytes.size());
    chain.emplace_back(one.begin(), one.end());
    bytes = bytes.subspan(one.size());
  }
  return chain;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  provisioning::CertificateTrust trust;
  trust.roots.emplace_back(kRoot);
  trust.time = 1'800'000'000;
  const std::vector<Der> chain = split(std::as_bytes(std::span(data, size)));
  const auto leaf = provisioning::verify_certificates(chain, trust);
  if (leaf.ok() && leaf.value().key.hint() != kSignerKey) std::abort();

  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto pem = provisioning::parse_certificates_pem(text, 4);
      pem.ok() && pem.value().empty())
    std::abort();
  trust.crls.emplace_back(text);
  if (provisioning::verify_certificates(chain, trust).ok())
    std::abort();  // the root never signed a list
  return 0;
}
