#include "provisioning/certificate.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "hardening/base/hex.h"
#include "provisioning/sha256.h"
#include "provisioning/utc_time.h"
#include "provisioning/x509.h"

namespace provisioning {
namespace {

constexpr std::size_t kShownSubjectMax = 200;

struct FreeBuffer {
  void operator()(unsigned char* buffer) const { OPENSSL_free(buffer); }
};
using BufferPtr = std::unique_ptr<unsigned char, FreeBuffer>;

base::Result<Der> to_der(const X509* certificate) {
  unsigned char* out = nullptr;
  const int size = i2d_X509(certificate, &out);
  const BufferPtr owner(out);
  if (size <= 0) return base::invalid_input("write certificate: " + openssl_reason());
  const auto bytes = std::as_bytes(std::span(out, static_cast<std::size_t>(size)));
  return Der(bytes.begin(), bytes.end());
}

}  // namespace

base::Result<X509Ptr> parse_certificate(std::span<const std::byte> der) {
  if (der.size() > kCertificateBytesMax) {
    return base::exhausted(
        fmt::format("a certificate has {} bytes, limit {}", der.size(), kCertificateBytesMax));
  }
  const unsigned char* at = raw(der);
  X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr) return base::invalid_input("not a certificate: " + openssl_reason());
  if (at != raw(der) + der.size()) return base::invalid_input("bytes follow the certificate");
  return certificate;
}

base::Result<std::vector<X509Ptr>> parse_pem_certificates(std::string_view pem,
                                                          std::size_t count_max) {
  if (pem.size() > kCertificatePemBytesMax) {
    return base::exhausted(
        fmt::format("certificates of {} bytes, limit {}", pem.size(), kCertificatePemBytesMax));
  }
  const BioOwner in = make_reader(pem);
  std::vector<X509Ptr> certificates;
  for (;;) {
    X509Ptr next(PEM_read_bio_X509(in.get(), nullptr, give_password, nullptr));
    if (next == nullptr) break;
    if (certificates.size() >= count_max)
      return base::exhausted(fmt::format("more than {} certificates", count_max));
    certificates.push_back(std::move(next));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (!at_end || certificates.empty())
    return base::invalid_input("not a PEM certificate: " + reason);
  return certificates;
}

base::Result<std::vector<Der>> parse_certificates_pem(std::string_view pem, std::size_t count_max) {
  std::vector<Der> all;
  for (const X509Ptr& certificate : TRY(parse_pem_certificates(pem, count_max))) {
    all.push_back(TRY(to_der(certificate.get())));
  }
  return all;
}

std::string name_text(const X509_NAME* name) {
  const BioOwner out = make_surely<BioOwner>([] { return BIO_new(BIO_s_mem()); });
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  ERR_clear_error();
  return size <= 0 ? std::string() : std::string(data, static_cast<std::size_t>(size));
}

std::string shown_subject(const X509* certificate) {
  std::string text = name_text(X509_get_subject_name(certificate));
  if (text.empty()) return "(no subject)";
  if (text.size() > kShownSubjectMax) text.replace(kShownSubjectMax, text.npos, "...");
  return text;
}

base::Result<std::int64_t> unix_time(const ASN1_TIME* time) {
  std::tm fields{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &fields) != 1) {
    ERR_clear_error();
    return base::invalid_input("a malformed time");
  }
  return static_cast<std::int64_t>(::timegm(&fields));
}

std::string shown_time(std::int64_t unix_seconds) {
  return format_utc_time(std::clamp<std::int64_t>(unix_seconds, 0, kUtcTimeMax));
}

base::Result<PublicKey> signing_key_of(const X509* certificate) {
  unsigned char* out = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &out);
  const BufferPtr owner(out);
  if (size <= 0) return base::invalid_input("its key is malformed: " + openssl_reason());
  return PublicKey::parse_der(std::as_bytes(std::span(out, static_cast<std::size_t>(size))));
}

base::Status check_leaf(X509* leaf) {
  const std::uint32_t flags = X509_get_extension_flags(leaf);
  if (X509_check_purpose(leaf, -1, 0) != 1 || (flags & EXFLAG_INVALID) != 0) {
    ERR_clear_error();
    return base::denied("its extensions are malformed");
  }
  // Both: OpenSSL does not call it a CA that says so and must not sign certificates.
  if ((flags & EXFLAG_CA) != 0 || X509_check_ca(leaf) != 0)
    return base::denied("it is a CA's; a signer's certificate is not");
  if ((flags & EXFLAG_XKUSAGE) == 0) {
    return base::denied(
        "it has no extended key usage; codeSigning is required, key usage alone is not enough");
  }
  if ((X509_get_extended_key_usage(leaf) & XKU_CODE_SIGN) == 0) {
    return base::denied("its extended key usage is not codeSigning");
  }
  if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0) {
    return base::denied("its key usage is without digitalSignature");
  }
  return {};
}

base::Result<CertifiedKey> read_leaf(std::span<const std::byte> der) {
  const X509Ptr leaf = TRY(parse_certificate(der));
  const std::string context = "certificate " + shown_subject(leaf.get());
  TRY(check_leaf(leaf.get()).context(context));
  return CertifiedKey{TRY(signing_key_of(leaf.get()).context(context)), base::to_hex(sha256(der)),
                      name_text(X509_get_subject_name(leaf.get()))};
}

}  // namespace provisioning
