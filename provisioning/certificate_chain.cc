// Path validation (RFC 5280, section 6) by OpenSSL's X509_verify_cert, with what it leaves to its
// caller.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "provisioning/certificate.h"
#include "provisioning/x509.h"

namespace provisioning {
namespace {

constexpr int kStrengthOf112Bits = 2;  // OpenSSL's level: RSA of 2048 bits, no SHA-1

using StorePtr = std::unique_ptr<X509_STORE, OpensslFree<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, OpensslFree<X509_STORE_CTX_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, OpensslFree<X509_CRL_free>>;

void free_stack(STACK_OF(X509) * stack) {
  sk_X509_free(stack);
}
using StackPtr = std::unique_ptr<STACK_OF(X509), OpensslFree<free_stack>>;

// ---- what is trusted

base::Status add_roots(X509_STORE* store, const CertificateTrust& trust) {
  std::size_t left = kRootCertificatesMax;
  for (const std::string& pem : trust.roots) {
    const auto certificates = TRY(parse_pem_certificates(pem, left).context("trusted certificate"));
    left -= certificates.size();
    for (const X509Ptr& certificate : certificates) {
      if (X509_STORE_add_cert(store, certificate.get()) != 1) {
        return base::unavailable("trusted certificate: " + openssl_reason());
      }
    }
  }
  return {};
}

base::Result<std::vector<CrlPtr>> parse_crls(std::string_view pem) {
  if (pem.size() > kCrlBytesMax) {
    return base::exhausted(
        fmt::format("revocation list of {} bytes, limit {}", pem.size(), kCrlBytesMax));
  }
  const BioOwner in = make_reader(pem);
  std::vector<CrlPtr> crls;
  for (;;) {
    CrlPtr next(PEM_read_bio_X509_CRL(in.get(), nullptr, give_password, nullptr));
    if (next == nullptr) break;
    if (crls.size() >= kCrlsMax)
      return base::exhausted(fmt::format("more than {} revocation lists", kCrlsMax));
    crls.push_back(std::move(next));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (!at_end || crls.empty()) return base::invalid_input("not a PEM revocation list: " + reason);
  return crls;
}

// Empty when it still counts; else why not. RFC 5280, section 5.1.2.5 wants a next update in every
// list.
std::string out_of_date(const X509_CRL* crl, std::int64_t time) {
  const auto next = unix_time(X509_CRL_get0_nextUpdate(crl));
  const std::string issuer = name_text(X509_CRL_get_issuer(crl)).substr(0, 200);
  if (!next.ok()) return fmt::format("; the one of {} does not say until when it counts", issuer);
  if (next.value() >= time) return {};
  return fmt::format("; the one of {} ended at {}, checked at {}", issuer, shown_time(next.value()),
                     shown_time(time));
}

// Adds the lists that count; returns what to say of the others should one be missed.
base::Result<std::string> add_crls(X509_STORE* store, const CertificateTrust& trust) {
  if (trust.crls.size() > kCrlsMax)
    return base::exhausted(fmt::format("more than {} revocation lists", kCrlsMax));
  std::string stale;
  for (const std::string& pem : trust.crls) {
    for (const CrlPtr& crl : TRY(parse_crls(pem))) {
      std::string why = out_of_date(crl.get(), trust.time);
      if (why.empty()) {
        if (X509_STORE_add_crl(store, crl.get()) != 1)
          return base::unavailable("revocation list: " + openssl_reason());
      } else if (stale.empty()) {
        stale = std::move(why);
      }
    }
  }
  return stale;
}

// ---- the verification

// Times of revocation lists are ours to judge (out_of_date): OpenSSL measures them by the time of
// the certificates, which under kNotBefore lies before any useful list.
int forgive_crl_times(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  const int error = X509_STORE_CTX_get_error(context);
  if (error != X509_V_ERR_CRL_NOT_YET_VALID && error != X509_V_ERR_CRL_HAS_EXPIRED) return 0;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

base::Error describe_failure(X509_STORE_CTX* context, std::int64_t time,
                             const std::string& stale_crls) {
  const int error = X509_STORE_CTX_get_error(context);
  ERR_clear_error();
  if (error == X509_V_ERR_OUT_OF_MEM) return base::unavailable("no memory to verify a certificate");
  const X509* certificate = X509_STORE_CTX_get_current_cert(context);
  const std::string who =
      certificate == nullptr ? "a certificate" : "certificate " + shown_subject(certificate);
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: {
      const auto begin = unix_time(X509_get0_notBefore(certificate));
      const auto end = unix_time(X509_get0_notAfter(certificate));
      if (!begin.ok() || !end.ok()) break;
      return base::denied(fmt::format("{} is valid from {} to {}, checked at {}", who,
                                      shown_time(begin.value()), shown_time(end.value()),
                                      shown_time(time)));
    }
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return base::denied(fmt::format("{} does not lead to a trusted root ({})", who,
                                      X509_verify_cert_error_string(error)));
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return base::denied(
          fmt::format("{}: no revocation list of its issuer that counts{}", who, stale_crls));
    default:
      break;
  }
  return base::denied(fmt::format("{}: {}", who, X509_verify_cert_error_string(error)));
}

// What OpenSSL does not ask of issuers.
base::Status check_issuer(X509* issuer) {
  const std::string who = "certificate " + shown_subject(issuer);
  if ((X509_get_extension_flags(issuer) & EXFLAG_XKUSAGE) != 0 &&
      (X509_get_extended_key_usage(issuer) & (XKU_CODE_SIGN | XKU_ANYEKU)) == 0) {
    return base::denied(who + ": its extended key usage is without codeSigning");
  }
  const EVP_PKEY* key = X509_get0_pubkey(issuer);
  const int type = key == nullptr ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key);
  if (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) return {};  // its length was checked
  if (type != EVP_PKEY_EC) return base::unsupported(who + ": its key is neither RSA nor EC");
  TRY(signing_key_of(issuer).context(who));
  return {};
}

base::Status check_issuers(X509_STORE_CTX* context) {
  STACK_OF(X509)* built = X509_STORE_CTX_get0_chain(context);
  if (sk_X509_num(built) < 2) return base::denied("the certificate is its own issuer");
  for (int i = 1; i < sk_X509_num(built); ++i) TRY(check_issuer(sk_X509_value(built, i)));
  return {};
}

base::Status verify_path(std::span<const X509Ptr> chain, const CertificateTrust& trust) {
  const auto store = make_surely<StorePtr>([] { return X509_STORE_new(); });
  TRY(add_roots(store.get(), trust));
  const std::string stale_crls = TRY(add_crls(store.get(), trust));

  const auto helpers = make_surely<StackPtr>([] { return sk_X509_new_null(); });
  for (const X509Ptr& certificate : chain.subspan(1)) {
    if (sk_X509_push(helpers.get(), certificate.get()) == 0)
      return base::unavailable("no memory for a certificate");
  }
  const auto context = make_surely<StoreContextPtr>([] { return X509_STORE_CTX_new(); });
  if (X509_STORE_CTX_init(context.get(), store.get(), chain[0].get(), helpers.get()) != 1) {
    return base::unavailable("verify certificate: " + openssl_reason());
  }
  std::int64_t time = trust.time;
  if (trust.time_policy == CertificateTime::kNotBefore) {
    time = TRY(unix_time(X509_get0_notBefore(chain[0].get())).context("notBefore"));
  }
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  unsigned long flags = X509_V_FLAG_X509_STRICT;
  if (!trust.crls.empty()) flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  X509_VERIFY_PARAM_set_flags(rules, flags);
  X509_VERIFY_PARAM_set_time(rules, time);
  X509_VERIFY_PARAM_set_depth(rules, kIntermediatesMax);
  X509_VERIFY_PARAM_set_auth_level(rules, kStrengthOf112Bits);
  X509_STORE_CTX_set_verify_cb(context.get(), forgive_crl_times);
  if (X509_verify_cert(context.get()) != 1)
    return describe_failure(context.get(), time, stale_crls);
  return check_issuers(context.get());
}

}  // namespace

base::Result<CertifiedKey> verify_certificates(std::span<const Der> chain,
                                               const CertificateTrust& trust) {
  if (trust.roots.empty())
    return base::denied("signed with a certificate, and no root certificate is trusted here");
  if (chain.empty()) return base::invalid_input("no certificate is given");
  if (chain.size() > kCertificatesMax) {
    return base::exhausted(
        fmt::format("{} certificates, limit {}", chain.size(), kCertificatesMax));
  }
  CertifiedKey leaf = TRY(read_leaf(chain[0]));
  std::vector<X509Ptr> parsed;
  for (const Der& der : chain) parsed.push_back(TRY(parse_certificate(der)));
  TRY(verify_path(parsed, trust));
  if (!trust.subjects.empty() && std::find(trust.subjects.begin(), trust.subjects.end(),
                                           leaf.subject) == trust.subjects.end()) {
    return base::denied(fmt::format("certificate {} is of nobody on the list of signers",
                                    shown_subject(parsed[0].get())));
  }
  return leaf;
}

}  // namespace provisioning
