// model.sig as a file: what it may look like, and who counts as its signer.
#include "provisioning/envelope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardening/base/file.h"
#include "provisioning/base64.h"
#include "tests/provisioning/test_certificates.h"

namespace provisioning {
namespace {

using testing::HasSubstr;

std::string vector_file(const std::string& name) {
  return base::read_text_file("tests/vectors/oms/" + name, 1 << 20).value();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string parsed(std::string_view text) {
  const auto envelope = parse_envelope(text);
  return envelope.ok() ? "parsed" : envelope.error().message;
}

struct Change {
  std::string from;
  std::string to;
  std::string reason;
};

class Golden : public testing::Test {
 protected:
  std::string changed(std::string_view from, std::string_view to) const {
    return parsed(replaced(good_, from, to));
  }

  std::string good_ = vector_file("golden.model.sig");
};

TEST_F(Golden, ParsesAndIsWrittenBackToTheSame) {
  const Envelope envelope = parse_envelope(good_).value();
  EXPECT_EQ(envelope.payload.size(), 1371U);
  const Envelope again = parse_envelope(serialize_envelope(envelope)).value();
  EXPECT_EQ(again.payload, envelope.payload);
  EXPECT_EQ(again.signature, envelope.signature);
  EXPECT_EQ(again.hint, envelope.hint);
}

TEST_F(Golden, ParsesInTheLibertiesOfTheFormat) {
  EXPECT_EQ(changed(R"(,"keyid":"")", ""), "parsed");
  EXPECT_EQ(changed(R"("keyid":"")", R"("keyid":null)"), "parsed");
  EXPECT_EQ(changed(R"("keyid":"")", R"("keyid":"admin")"), "parsed");
  EXPECT_EQ(changed(R"(,"tlogEntries":[])", ""), "parsed");
  EXPECT_EQ(changed(R"("tlogEntries":[])", R"("tlogEntries":null)"), "parsed");
  EXPECT_EQ(changed(R"("mediaType":)", " \n\"mediaType\" : "), "parsed");
  EXPECT_EQ(changed("vnd.in-toto", "vnd.in\\u002dtoto"), "parsed");
  EXPECT_EQ(parsed(good_ + std::string(70'000, ' ')), "parsed");  // a bundle's padding
  EXPECT_EQ(changed(R"({"hint":)",
                    R"({"rawBytes":"LS0t","keyDetails":"PKIX_ECDSA_P256_SHA_256","hint":)"),
            "parsed");
}

TEST_F(Golden, IsRefusedForEachViolationByName) {
  const std::string chain = R"("x509CertificateChain":{"certificates":[{"rawBytes":"AAAA"}]})";
  const Change changes[] = {
      {"bundle.v0.3+json", "bundle+json;version=0.3", "mediaType"},
      {R"("publicKey":)", chain + R"(,"publicKey":)", "both publicKey and x509CertificateChain"},
      {R"("publicKey":)", R"("certificate":{"rawBytes":"AAAA"},"publicKey":)", "method sigstore"},
      {R"("tlogEntries":[])", R"("tlogEntries":[],"timestampVerificationData":{})",
       "method sigstore"},
      {R"("tlogEntries":[])", R"("tlogEntries":[{}])", "method sigstore"},
      {R"("tlogEntries":[])", R"("tlogEntries":{})", "not an array"},
      {R"("dsseEnvelope":)", R"("messageSignature":{},"dsseEnvelope":)", "messageSignature"},
      {R"("hint":)", R"("vendor":"","hint":)", "unknown member \"vendor\""},
      {R"("mediaType":)", R"("vendor":1,"mediaType":)", "unknown member \"vendor\""},
      {R"("payloadType":)", R"("vendor":1,"payloadType":)", "unknown member \"vendor\""},
      {R"("keyid":)", R"("vendor":1,"keyid":)", "unknown member \"vendor\""},
      {R"("mediaType":)", R"("mediaType":"","mediaType":)", "duplicate key"},
      {R"("dsseEnvelope":)", R"("dsseEnvelope":{},"dsseEnvelope":)", "duplicate key"},
      {R"("payload":)", R"("payload":"","payload":)", "duplicate key"},
      {R"("sig":)", R"("sig":"","sig":)", "duplicate key"},
      {R"("hint":)", R"("hint":"","hint":)", "duplicate key"},
      {"vnd.in-toto+json", "json", "payloadType is not"},
      {"application/vnd.in-toto+json", "text/plain", "payloadType is not"},
      {"application/vnd.in-toto+json", "application/vnd.redoubt.release+json",
       "payloadType is not"},
      {R"("signatures":[)", R"("signatures":[{"sig":"AAAA","keyid":""},)", "exactly one"},
      {R"("signatures":[)", R"("signatures":[],"x":[)", "unknown member"},
      {R"("keyid":"")", R"("keyid":7)", "keyid is of type"},
      {R"("keyid":"")", R"("keyid":")" + std::string(1 << 20, 'k') + '"',
       "keyid has 1048576 bytes"},
      {R"("hint":")", R"("hint":")" + std::string(2000, 'h'), "hint has"},
      {R"("sig":")", R"("sig":")" + std::string(400, 'A'), "more than 256 bytes"},
      {R"("payload":"ewog)", R"("payload":"!!ewog)", "payload"},
      {R"("payload":"ewog)", R"("payload":"ewog\n)", "payload"},
      {R"("payload":"ewog)", R"("payload":"-+og)", "two alphabets"},
      {R"("sig":")", R"("sig":"!!!!)", "sig"},
      {R"("publicKey":{)", R"("publicKey":[{)", ""},
      {R"("tlogEntries":[])", R"("tlogEntries":[],)", ""},
      {R"("mediaType")", R"(/**/"mediaType")", ""},
      {R"("keyid":"")", R"("keyid":"\ud800")", ""},
      {R"("keyid":"")", "\"keyid\":\"\xff\"", ""},
      {R"("keyid":"")", R"("keyid":NaN)", ""},
      {R"("keyid":"")", R"("keyid":1e400)", ""},
  };
  for (const Change& change : changes) {
    const std::string verdict = changed(change.from, change.to);
    EXPECT_NE(verdict, "parsed") << change.from << " -> " << change.to;
    EXPECT_THAT(verdict, HasSubstr(change.reason)) << change.from << " -> " << change.to;
  }
  EXPECT_THAT(parsed(replaced(good_, good_.substr(good_.find(R"({"sig")")), "]}}")),
              HasSubstr("exactly one"));
}

TEST_F(Golden, IsRefusedWhenItIsCutOrFollowedOrTooLarge) {
  for (std::size_t size = 0; size + 2 < good_.size(); size += 61)
    EXPECT_NE(parsed(good_.substr(0, size)), "parsed") << size;
  EXPECT_NE(parsed(good_ + "{}"), "parsed");
  EXPECT_NE(parsed(good_ + "x"), "parsed");
  EXPECT_NE(parsed("\xef\xbb\xbf" + good_), "parsed");
  EXPECT_NE(parsed(std::string("\0", 1) + good_), "parsed");
  EXPECT_NE(parsed(std::string(10'000, '[')), "parsed");
  EXPECT_THAT(parsed(std::string(64u << 20, ' ') + good_), HasSubstr("limit"));
}

// ---- method key

class SignedByKey : public testing::Test {
 protected:
  SignedByKey() { keys_.push_back(key_.public_key().value()); }
  std::string verdict(const Envelope& envelope) const {
    const auto signer = verify_envelope(envelope, trust());
    return signer.ok() ? signer.value().id : signer.error().message;
  }
  SignatureTrust trust() const {
    SignatureTrust trust;
    trust.keys = keys_;
    trust.accept_empty_hint = accept_empty_hint_;
    return trust;
  }

  PrivateKey key_ = PrivateKey::generate(Curve::kP384).value();
  std::vector<PublicKey> keys_;
  Envelope envelope_ = seal_payload("{}", key_).value();
  bool accept_empty_hint_ = false;
};

TEST_F(SignedByKey, IsTakenFromATrustedKeyAlone) {
  EXPECT_EQ(verdict(envelope_), keys_[0].hint());
  EXPECT_EQ(verify_envelope(envelope_, keys_).value(), &keys_[0]);
  const PrivateKey stranger = PrivateKey::generate(Curve::kP384).value();
  Envelope forged = seal_payload("{}", stranger).value();
  EXPECT_THAT(verdict(forged), HasSubstr("a key that is not trusted here"));
  forged.hint = keys_[0].hint();
  EXPECT_THAT(verdict(forged), HasSubstr("does not verify"));
  keys_.clear();
  EXPECT_THAT(verdict(envelope_), HasSubstr("no trusted key"));
}

TEST_F(SignedByKey, HasAHintThatIsRightOrPolicyTakesNone) {
  keys_.push_back(PrivateKey::generate(Curve::kP256).value().public_key().value());
  envelope_.hint = keys_[1].hint();
  EXPECT_THAT(verdict(envelope_), HasSubstr("does not verify"));
  envelope_.hint = "cafe";
  EXPECT_THAT(verdict(envelope_), HasSubstr("not trusted here"));
  envelope_.hint.clear();
  EXPECT_THAT(verdict(envelope_), HasSubstr("does not name its key"));
  EXPECT_FALSE(verify_envelope(envelope_, keys_).ok());
  accept_empty_hint_ = true;
  EXPECT_EQ(verdict(envelope_), keys_[0].hint());
  envelope_.payload = "[]";
  EXPECT_THAT(verdict(envelope_), HasSubstr("does not verify"));
}

TEST_F(SignedByKey, IsOverThePayloadWithItsTypeAndLength) {
  // DSSE's encoding, and what was signed before it (model signing 0.2).
  const auto sealed_over = [&](std::string_view text, std::string payload) {
    Envelope envelope = envelope_;
    envelope.signature = key_.sign(std::as_bytes(std::span(text))).value();
    envelope.payload = std::move(payload);
    return verdict(envelope);
  };
  EXPECT_EQ(sealed_over("DSSEv1 28 application/vnd.in-toto+json 2 {}", "{}"), keys_[0].hint());
  EXPECT_THAT(sealed_over("DSSEv1 10 text/plain 2 {}", "{}"), HasSubstr("does not verify"));
  EXPECT_THAT(sealed_over("DSSEv1 28 application/vnd.in-toto+json 3 {}", "{}"),
              HasSubstr("does not verify"));
  EXPECT_THAT(sealed_over("{}", "{}"), HasSubstr("does not verify"));
  const std::string old = R"({"predicateType":"https://model_signing/Digests/v0.1"})";
  EXPECT_THAT(sealed_over("DSSEV1 28 application/vnd.in-toto+json 55 b'" + old + "'", old),
              HasSubstr("model signing 0.2"));
}

// ---- method certificate

class SignedByCertificate : public testing::Test {
 protected:
  std::string verdict(const Envelope& envelope) const {
    const auto signer = verify_envelope(envelope, trust_);
    return signer.ok() ? signer.value().subject : signer.error().message;
  }
  SignedByCertificate() {
    trust_.certificates.roots = {root_.pem()};
    trust_.certificates.time = 1'800'000'000;
  }

  TestCertificate root_ = make_certificate({.name = "Root", .extensions = ca_extensions()});
  TestCertificate leaf_ = make_certificate({.name = "Signer",
                                            .extensions = signer_extensions(),
                                            .issuer = &root_,
                                            .key = TestKey::kP521});
  Envelope envelope_ = seal_payload("{}", leaf_.private_key(), {leaf_.der(), root_.der()}).value();
  SignatureTrust trust_;
};

TEST_F(SignedByCertificate, SurvivesItsTextAndIsTaken) {
  const std::string text = serialize_envelope(envelope_);
  EXPECT_THAT(
      text,
      HasSubstr(
          R"("verificationMaterial":{"x509CertificateChain":{"certificates":[{"rawBytes":"MII)"));
  const Envelope again = parse_envelope(text).value();
  EXPECT_EQ(again.certificates, envelope_.certificates);
  EXPECT_EQ(again.hint, "");
  EXPECT_EQ(verdict(again), "CN=Signer");
}

TEST_F(SignedByCertificate, IsRefusedWhenTheKeyIsAnothers) {
  const TestCertificate other = make_certificate({.name = "Other",
                                                  .extensions = signer_extensions(),
                                                  .issuer = &root_,
                                                  .key = TestKey::kP521});
  envelope_.certificates[0] = other.der();
  EXPECT_THAT(verdict(envelope_), HasSubstr("does not verify"));
  EXPECT_THAT(seal_payload("{}", leaf_.private_key(), {other.der()}).error().message,
              HasSubstr("not of the key that signs"));
}

TEST_F(SignedByCertificate, IsNotTakenWhereKeysAloneAreTrusted) {
  std::vector<PublicKey> keys;
  keys.push_back(leaf_.private_key().public_key().value());
  EXPECT_FALSE(verify_envelope(envelope_, keys).ok());
  SignatureTrust by_key;
  by_key.keys = keys;
  EXPECT_THAT(verify_envelope(envelope_, by_key).error().message, HasSubstr("no root certificate"));
  const Envelope plain = seal_payload("{}", leaf_.private_key()).value();
  EXPECT_THAT(verdict(plain), HasSubstr("no trusted key"));
}

TEST_F(SignedByCertificate, IsNotMadeWithACertificateWeWouldRefuse) {
  const TestCertificate weak =
      make_certificate({.name = "Weak",
                        .extensions = {{"keyUsage", "critical,digitalSignature"}},
                        .issuer = &root_});
  EXPECT_THAT(seal_payload("{}", weak.private_key(), {weak.der()}).error().message,
              HasSubstr("codeSigning is required"));
  EXPECT_FALSE(seal_payload("{}", leaf_.private_key(), {}).ok());
}

TEST_F(SignedByCertificate, IsRefusedForEachViolationByName) {
  const std::string good = serialize_envelope(envelope_);
  const std::string nine = [&] {
    std::string list;
    for (int i = 0; i < 9; ++i) list += R"({"rawBytes":"AAAA"},)";
    return list;
  }();
  const Change changes[] = {
      {R"("certificates":[)", R"("certificates":[],"x":[)", "unknown member"},
      {R"("certificates":[)", R"("certificates":[)" + nine, "has 11 elements, limit 8"},
      {R"("certificates":[)", R"("certificates":["",)", "not an object"},
      {R"("certificates":[)", R"("certificates":[{"rawBytes":"!!!!"},)",
       "certificates[0].rawBytes: base64"},
      {R"("certificates":[)", R"("certificates":[{"rawBytes":"AAAA","x":1},)", "unknown member"},
      {R"("certificates":[)",
       R"("certificates":[{"rawBytes":")" + std::string(30'000, 'A') + R"("},)",
       "more than 16384 bytes"},
      {R"("tlogEntries":[])", R"("tlogEntries":[{}])", "method sigstore"},
  };
  for (const Change& change : changes) {
    EXPECT_THAT(parsed(replaced(good, change.from, change.to)), HasSubstr(change.reason))
        << change.from << change.to;
  }
  envelope_.certificates.clear();
  EXPECT_THAT(parsed(serialize_envelope(envelope_)), HasSubstr("certificates is empty"));
}

}  // namespace
}  // namespace provisioning
