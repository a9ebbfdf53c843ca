// Method "certificate": a sound chain is taken; the same with one thing wrong is refused for that
// thing.
#include "provisioning/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/provisioning/test_certificates.h"

namespace provisioning {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kNow = 1'800'000'000;  // 2027-01-15T08:00:00Z

CertificateTrust trust_in(std::vector<std::string> roots) {
  CertificateTrust trust;
  trust.roots = std::move(roots);
  trust.time = kNow;
  return trust;
}

std::string verdict(const std::vector<Der>& chain, const CertificateTrust& trust) {
  const auto leaf = verify_certificates(chain, trust);
  return leaf.ok() ? "taken" : leaf.error().message;
}

// Replaces the extension of that name, or takes it away.
std::vector<TestExtension> with(std::vector<TestExtension> extensions, const std::string& name,
                                const std::string& value) {
  std::erase_if(extensions,
                [&](const TestExtension& extension) { return extension.first == name; });
  if (!value.empty()) extensions.emplace_back(name, value);
  return extensions;
}

// A root, an intermediate and a leaf; a test changes a recipe and looks at the verdict.
class Chain : public testing::Test {
 protected:
  void make() {
    root_ = make_certificate(root_recipe_);
    middle_recipe_.issuer = &root_;
    middle_ = make_certificate(middle_recipe_);
    leaf_recipe_.issuer = &middle_;
    leaf_ = make_certificate(leaf_recipe_);
    trust_ = trust_in({root_.pem()});
  }
  std::string made_verdict() {
    make();
    return verdict({leaf_.der(), middle_.der()}, trust_);
  }

  CertificateRecipe root_recipe_{.name = "Test Root", .extensions = ca_extensions()};
  CertificateRecipe middle_recipe_{.name = "Test Issuer", .extensions = ca_extensions()};
  CertificateRecipe leaf_recipe_{.name = "Test Signer", .extensions = signer_extensions()};
  TestCertificate root_;
  TestCertificate middle_;
  TestCertificate leaf_;
  CertificateTrust trust_;
};

TEST_F(Chain, IsTakenWithTheIntermediateInTheBundleOrConfigured) {
  make();
  const CertifiedKey leaf =
      verify_certificates(std::vector{leaf_.der(), middle_.der()}, trust_).value();
  EXPECT_EQ(leaf.subject, "CN=Test Signer");
  EXPECT_EQ(leaf.key.hint(), leaf_.private_key().public_key().value().hint());
  EXPECT_EQ(leaf.id.size(), 64U);
  trust_.roots.push_back(middle_.pem());
  EXPECT_EQ(verdict({leaf_.der()}, trust_), "taken");
  trust_.roots = {root_.pem() + middle_.pem()};
  EXPECT_EQ(verdict({leaf_.der()}, trust_), "taken");
}

TEST_F(Chain, IsTakenWithTheRootInTheBundleTooAndInAnyOrder) {
  make();
  EXPECT_EQ(verdict({leaf_.der(), root_.der(), middle_.der()}, trust_), "taken");
}

TEST_F(Chain, IsTakenForEveryCurveAndAnRsaAuthority) {
  root_recipe_.key = TestKey::kRsa2048;
  for (const TestKey key : {TestKey::kP256, TestKey::kP384, TestKey::kP521}) {
    leaf_recipe_.key = key;
    middle_recipe_.key = key;
    EXPECT_EQ(made_verdict(), "taken");
  }
}

TEST_F(Chain, IsTakenOfALeafWithCodeSigningAndNoKeyUsage) {
  leaf_recipe_.extensions = {{"extendedKeyUsage", "codeSigning"}};
  EXPECT_EQ(made_verdict(), "taken");
}

TEST_F(Chain, IsRefusedWithoutATrustedRoot) {
  make();
  const TestCertificate stranger = make_certificate(root_recipe_);  // the same name, another key
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_in({stranger.pem()})),
              HasSubstr("trusted root"));
  EXPECT_THAT(verdict({leaf_.der(), middle_.der(), root_.der()}, trust_in({stranger.pem()})),
              HasSubstr("trusted root"));
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_in({middle_.pem()})),
              HasSubstr("trusted root"));
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_in({leaf_.pem()})),
              HasSubstr("trusted root"));
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_in({})),
              HasSubstr("no root certificate is trusted"));
  EXPECT_THAT(verdict({leaf_.der()}, trust_),
              HasSubstr("trusted root"));  // nobody brought the intermediate
}

TEST(SelfSignedLeaf, IsRefusedEvenWhenItIsConfigured) {
  const TestCertificate leaf =
      make_certificate({.name = "Alone", .extensions = signer_extensions()});
  const TestCertificate root = make_certificate({.name = "Root", .extensions = ca_extensions()});
  EXPECT_THAT(verdict({leaf.der()}, trust_in({root.pem()})), HasSubstr("trusted root"));
  EXPECT_THAT(verdict({leaf.der()}, trust_in({leaf.pem()})), HasSubstr("its own issuer"));
}

struct LeafCase {
  std::string name;
  std::vector<TestExtension> extensions;
  TestKey key = TestKey::kP256;
  std::string reason;
};

TEST_F(Chain, IsRefusedForWhatIsWrongWithTheLeaf) {
  const auto good = signer_extensions();
  const LeafCase cases[] = {
      {"no extended key usage", with(good, "extendedKeyUsage", ""), {}, "no extended key usage"},
      {"serverAuth", with(good, "extendedKeyUsage", "serverAuth"), {}, "not codeSigning"},
      {"any usage", with(good, "extendedKeyUsage", "anyExtendedKeyUsage"), {}, "not codeSigning"},
      {"keyAgreement",
       with(good, "keyUsage", "critical,keyAgreement"),
       {},
       "without digitalSignature"},
      {"a CA", with(good, "basicConstraints", "critical,CA:TRUE"), {}, "a CA's"},
      {"a CA that only signs data",
       {{"basicConstraints", "critical,CA:TRUE"}, {"extendedKeyUsage", "codeSigning"}},
       {},
       "a CA's"},
      {"may sign certificates",
       with(good, "keyUsage", "digitalSignature,keyCertSign"),
       {},
       "a CA's"},
      {"unknown critical extension",
       with(good, "1.2.3.4.5", "critical,ASN1:UTF8String:x"),
       {},
       "critical extension"},
      {"secp256k1", good, TestKey::kSecp256k1, "curve secp256k1"},
      {"explicit parameters", good, TestKey::kExplicit, "explicit parameters"},
      {"RSA", good, TestKey::kRsa2048, "not an elliptic-curve key"},
      {"Ed25519", good, TestKey::kEd25519, "not an elliptic-curve key"},
  };
  for (const LeafCase& wrong : cases) {
    leaf_recipe_.extensions = wrong.extensions;
    leaf_recipe_.key = wrong.key;
    EXPECT_THAT(made_verdict(), HasSubstr(wrong.reason)) << wrong.name;
  }
}

TEST_F(Chain, IsRefusedForWhatIsWrongWithTheIssuer) {
  const auto good = ca_extensions();
  const LeafCase cases[] = {
      {"no CA", {{"keyUsage", "keyCertSign"}}, {}, "CA certificate"},
      {"CA:FALSE", with(good, "basicConstraints", "critical,CA:FALSE"), {}, "CA"},
      {"may not sign certificates",
       with(good, "keyUsage", "critical,digitalSignature"),
       {},
       "CA certificate"},
      {"serverAuth alone", with(good, "extendedKeyUsage", "serverAuth"), {}, "without codeSigning"},
      {"unknown critical extension",
       with(good, "1.2.3.4.5", "critical,ASN1:UTF8String:x"),
       {},
       "critical extension"},
      {"RSA of 1024 bits", good, TestKey::kRsa1024, "too weak"},
      {"secp256k1", good, TestKey::kSecp256k1, "curve secp256k1"},
      {"explicit parameters", good, TestKey::kExplicit, "explicit"},
      {"Ed25519", good, TestKey::kEd25519, "neither RSA nor EC"},
  };
  for (const LeafCase& wrong : cases) {
    middle_recipe_.extensions = wrong.extensions;
    middle_recipe_.key = wrong.key;
    EXPECT_THAT(made_verdict(), HasSubstr(wrong.reason)) << wrong.name;
  }
  middle_recipe_.extensions = with(good, "extendedKeyUsage", "serverAuth,codeSigning");
  middle_recipe_.key = TestKey::kP256;
  EXPECT_EQ(made_verdict(), "taken");
}

TEST_F(Chain, IsRefusedWhenAPathLengthIsExceeded) {
  root_recipe_.extensions = with(ca_extensions(), "basicConstraints", "critical,CA:TRUE,pathlen:0");
  EXPECT_THAT(made_verdict(), HasSubstr("path length"));
}

TEST_F(Chain, IsRefusedWhenNameConstraintsAreBroken) {
  middle_recipe_.extensions =
      with(ca_extensions(), "nameConstraints", "critical,permitted;email:example.org");
  leaf_recipe_.extensions = with(signer_extensions(), "subjectAltName", "email:a@example.com");
  EXPECT_THAT(made_verdict(), HasSubstr("permitted subtree"));
  leaf_recipe_.extensions = with(signer_extensions(), "subjectAltName", "email:a@example.org");
  EXPECT_EQ(made_verdict(), "taken");
}

TEST_F(Chain, IsRefusedWhenSha1SignedAnyOfIt) {
  leaf_recipe_.sha1 = true;
  EXPECT_THAT(made_verdict(), HasSubstr("digest algorithm too weak"));
}

TEST_F(Chain, IsRefusedWhenAByteOfTheLeafChanged) {
  make();
  Der leaf = leaf_.der();
  leaf[leaf.size() - 1] ^= std::byte{1};  // of the issuer's signature
  EXPECT_THAT(verdict({leaf, middle_.der()}, trust_), HasSubstr("signature"));
}

TEST_F(Chain, HasToBeValidAtTheTimeGivenOrAtTheLeafsOwn) {
  leaf_recipe_.not_before = 1'750'000'000;
  leaf_recipe_.not_after = 1'760'000'000;
  EXPECT_EQ(made_verdict(),
            "certificate CN=Test Signer is valid from 2025-06-15T15:06:40Z to "
            "2025-10-09T08:53:20Z, checked at "
            "2027-01-15T08:00:00Z");
  trust_.time = 1'740'000'000;
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_),
              HasSubstr("checked at 2025-02-19T21:20:00Z"));
  trust_.time = 1'755'000'000;
  EXPECT_EQ(verdict({leaf_.der(), middle_.der()}, trust_), "taken");
  trust_.time = kNow;
  trust_.time_policy = CertificateTime::kNotBefore;
  EXPECT_EQ(verdict({leaf_.der(), middle_.der()}, trust_), "taken");
  middle_recipe_.not_before = 1'751'000'000;  // the issuer came later than what it issued
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_), "taken");
  make();
  trust_.time_policy = CertificateTime::kNotBefore;
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_),
              HasSubstr("Test Issuer is valid from"));
}

TEST_F(Chain, IsOfASubjectOnTheListWhenThereIsOne) {
  leaf_recipe_.name = "Zoë, Release";
  make();
  trust_.subjects = {"CN=Test Signer"};
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_), HasSubstr("nobody on the list"));
  trust_.subjects.emplace_back(
      "CN=Zo\\C3\\AB\\, Release");  // openssl x509 -noout -subject -nameopt RFC2253
  EXPECT_EQ(verdict({leaf_.der(), middle_.der()}, trust_), "taken");
}

class RevocationLists : public Chain {
 protected:
  RevocationLists() { make(); }
  std::string with_lists(const std::vector<const TestCertificate*>& revoked_by_root,
                         const std::vector<const TestCertificate*>& revoked_by_middle,
                         std::int64_t next = kNow + 1000) {
    trust_.crls = {make_crl(root_, revoked_by_root, kNow - 1000, kNow + 1000),
                   make_crl(middle_, revoked_by_middle, kNow - 1000, next)};
    return verdict({leaf_.der(), middle_.der()}, trust_);
  }
};

TEST_F(RevocationLists, LetThroughWhatTheyDoNotName) {
  EXPECT_EQ(with_lists({}, {}), "taken");
}

TEST_F(RevocationLists, EndALeafAndAnIntermediate) {
  EXPECT_EQ(with_lists({}, {&leaf_}), "certificate CN=Test Signer: certificate revoked");
  EXPECT_EQ(with_lists({&middle_}, {}), "certificate CN=Test Issuer: certificate revoked");
}

TEST_F(RevocationLists, AreNeededOfEveryIssuerOnceThereIsOne) {
  trust_.crls = {make_crl(root_, {}, kNow - 1000, kNow + 1000)};
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_),
              HasSubstr("Test Signer: no revocation list"));
}

TEST_F(RevocationLists, DoNotCountPastTheirNextUpdate) {
  EXPECT_THAT(with_lists({}, {}, kNow - 10),
              HasSubstr("the one of CN=Test Issuer ended at 2027-01-15T07:59:50Z, checked at "
                        "2027-01-15T08:00:00Z"));
  trust_.time_policy = CertificateTime::kNotBefore;
  EXPECT_THAT(with_lists({}, {}, kNow - 10), HasSubstr("ended at"));
}

TEST_F(RevocationLists, CountUnderTheOtherTimePolicyAndBeforeTheirTime) {
  trust_.time_policy = CertificateTime::kNotBefore;
  EXPECT_EQ(with_lists({}, {}), "taken");
  EXPECT_THAT(with_lists({}, {&leaf_}), HasSubstr("revoked"));
  trust_.time_policy = CertificateTime::kAt;
  trust_.time = kNow - 5000;  // a floor that lags behind
  EXPECT_EQ(with_lists({}, {}), "taken");
  EXPECT_THAT(with_lists({}, {&leaf_}), HasSubstr("revoked"));
}

TEST_F(RevocationLists, AreNotTakenFromAStranger) {
  const TestCertificate impostor =
      make_certificate({.name = "Test Issuer", .extensions = ca_extensions()});
  trust_.crls = {make_crl(root_, {}, kNow - 1000, kNow + 1000),
                 make_crl(impostor, {}, kNow - 1000, kNow + 1000)};
  EXPECT_NE(verdict({leaf_.der(), middle_.der()}, trust_), "taken");
  trust_.crls = {"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"};
  EXPECT_THAT(verdict({leaf_.der(), middle_.der()}, trust_),
              HasSubstr("not a PEM revocation list"));
}

TEST(CertificateLimits, BoundWhatABundleBrings) {
  const TestCertificate root = make_certificate({.name = "Root", .extensions = ca_extensions()});
  const CertificateTrust trust = trust_in({root.pem()});
  EXPECT_THAT(verdict(std::vector<Der>(1000, root.der()), trust),
              HasSubstr("1000 certificates, limit 8"));
  EXPECT_THAT(verdict({Der(10'000'000)}, trust), HasSubstr("10000000 bytes, limit 16384"));
  EXPECT_THAT(verdict({Der{}}, trust), HasSubstr("not a certificate"));
  EXPECT_THAT(verdict({}, trust), HasSubstr("no certificate"));
  Der longer = root.der();
  longer.push_back(std::byte{0});
  EXPECT_THAT(verdict({longer}, trust), HasSubstr("bytes follow"));
}

TEST(CertificateLimits, EndAChainThatIsTooLong) {
  std::vector<TestCertificate> issuers{
      make_certificate({.name = "CA 0", .extensions = ca_extensions()})};
  std::vector<Der> chain;
  const auto grown = [&](std::size_t intermediates) {
    while (issuers.size() <= intermediates) {
      const std::string name = "CA " + std::to_string(issuers.size());
      const TestCertificate issuer = issuers.back();
      issuers.push_back(
          make_certificate({.name = name, .extensions = ca_extensions(), .issuer = &issuer}));
    }
    const TestCertificate leaf = make_certificate(
        {.name = "Signer", .extensions = signer_extensions(), .issuer = &issuers.back()});
    chain = {leaf.der()};
    for (std::size_t i = 1; i < issuers.size(); ++i) chain.push_back(issuers[i].der());
    return verdict(chain, trust_in({issuers[0].pem()}));
  };
  EXPECT_EQ(grown(5), "taken");
  EXPECT_THAT(grown(6), HasSubstr("too long"));
}

TEST(CertificateLimits, EndChainsThatGoInCircles) {
  // Two CAs that certified each other, and no root among them.
  const TestCertificate a = make_certificate({.name = "A", .extensions = ca_extensions()});
  const TestCertificate b = make_certificate({.name = "B", .extensions = ca_extensions()});
  CertificateRecipe again{.name = "A", .extensions = ca_extensions(), .issuer = &b};
  TestCertificate a_by_b = make_certificate(again);
  const TestCertificate b_by_a =
      make_certificate({.name = "B", .extensions = ca_extensions(), .issuer = &a_by_b});
  const TestCertificate leaf =
      make_certificate({.name = "Signer", .extensions = signer_extensions(), .issuer = &b_by_a});
  const TestCertificate root = make_certificate({.name = "Root", .extensions = ca_extensions()});
  EXPECT_THAT(verdict({leaf.der(), a_by_b.der(), b_by_a.der(), a_by_b.der(), b_by_a.der()},
                      trust_in({root.pem()})),
              HasSubstr("trusted root"));
}

TEST(CertificatePem, HoldsOneCertificateOrMore) {
  const TestCertificate root = make_certificate({.name = "Root", .extensions = ca_extensions()});
  EXPECT_EQ(parse_certificates_pem("words before\n" + root.pem() + root.pem(), 2).value(),
            (std::vector{root.der(), root.der()}));
  EXPECT_EQ(parse_certificates_pem(root.pem() + root.pem(), 1).error().code,
            base::ErrorCode::kExhausted);
  EXPECT_FALSE(parse_certificates_pem("", 1).ok());
  EXPECT_FALSE(
      parse_certificates_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 1)
          .ok());
  EXPECT_FALSE(parse_certificates_pem(
                   root.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 2)
                   .ok());
  EXPECT_EQ(parse_certificates_pem(std::string(2u << 20, 'x'), 1).error().code,
            base::ErrorCode::kExhausted);
}

}  // namespace
}  // namespace provisioning
