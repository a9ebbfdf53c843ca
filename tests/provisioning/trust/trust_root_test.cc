#include "provisioning/trust/trust_root.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/ecdsa_key.h"
#include "provisioning/sha256.h"
#include "tests/provisioning/trust/trust_documents.h"

namespace {

using namespace provisioning;
using namespace trust_test;

// Seven officers, whose keys all tests share.
class TrustRoots : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (int i = 0; i < 5; ++i) officers_.push_back(make_signer());
    for (int i = 0; i < 2; ++i) officers_.push_back(make_signer("ed25519"));
  }
  static void TearDownTestSuite() { officers_.clear(); }

  static const Signer* officer(std::size_t i) { return &officers_[i]; }

  // Two of three for the root, one for releases.
  static TrustRoot root() {
    return make_root({officer(0), officer(1), officer(2)}, 2, {officer(3)}, 1);
  }
  static std::string payload() { return serialize_trust_root(root()).value(); }

  static std::string outcome_of(const TrustRoot& document) {
    return outcome(serialize_trust_root(document));
  }

  static std::string check(const TrustRoot& document, const TrustRole& role,
                           const Signers& signers) {
    const auto envelope =
        parse_dsse(seal(kReleasePayloadType, "{}", signers), kReleasePayloadType, 100'000);
    return outcome(check_signatures(envelope.value(), document, role));
  }

  static inline std::vector<Signer> officers_;
};

TEST_F(TrustRoots, HaveOneTextThatReadsBackTheSame) {
  TrustRoot document = root();
  document.expires = at("2036-01-01T00:00:00Z");
  document.time = TrustRole{{group(1, {officer(3)}), group(1, {officer(2)})}};
  document.model.key_ids = {officer(3)->id};
  document.model.certificates = {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
  document.model.subjects = {"CN=model signing"};
  document.model.time = "not-before";
  document.model.bare = true;
  document.revoked_keys = {std::string(64, 'a')};
  document.revoked_releases = {std::string(64, 'b')};
  document.sequence_floors = {{"assistant", 5}};
  document.refuse_expired = false;
  document.suites = {"ecdsa-p384-sha384"};
  const std::string text = serialize_trust_root(document).value();
  const auto again = parse_trust_root(text);
  ASSERT_EQ(outcome(again), "ok");
  EXPECT_EQ(serialize_trust_root(again.value()).value(), text);
  EXPECT_FALSE(again.value().refuse_expired);
  EXPECT_EQ(again.value().sequence_floors.at("assistant"), 5u);
  EXPECT_EQ(again.value().time->groups.size(), 2u);
}

// Made and signed with Python's `cryptography`: tests/vectors/trust/README.md.
TEST_F(TrustRoots, OpenWhatAnotherProgramSigned) {
  const std::string text = base::read_text_file("tests/vectors/trust/1.root.dsse", 100'000).value();
  const auto opened = open_first_root(text);
  ASSERT_EQ(outcome(opened), "ok");
  EXPECT_EQ(opened.value().keys.size(), 4u);
  const auto envelope = parse_dsse(text, kRootPayloadType, 100'000).value();
  EXPECT_EQ(serialize_trust_root(opened.value()).value(), envelope.payload);
}

// ---- who has signed

TEST_F(TrustRoots, AreSatisfiedByTheThreshold) {
  const TrustRoot document = root();
  EXPECT_EQ(check(document, document.root, {officer(0), officer(2)}), "ok");
  EXPECT_EQ(check(document, document.root, {officer(0), officer(1), officer(2)}), "ok");
  EXPECT_NE(check(document, document.root, {officer(0)}).find("group 1 has 1 of 2 signatures"),
            std::string::npos);
  EXPECT_NE(check(document, document.root, {}).find("group 1 has 0 of 2 signatures"),
            std::string::npos);
}

// Checklist 19. One signature twice under one id does not even parse; under another key's id it is
// not that key's.
TEST_F(TrustRoots, CountKeysAndNotSignatures) {
  const TrustRoot document = root();
  auto envelope =
      parse_dsse(seal(kReleasePayloadType, "{}", {officer(0)}), kReleasePayloadType, 100'000)
          .value();
  envelope.signatures.push_back(envelope.signatures[0]);
  EXPECT_NE(outcome(check_signatures(envelope, document, document.root)).find("has 1 of 2"),
            std::string::npos);
  EXPECT_FALSE(parse_dsse(serialize_dsse(envelope), kReleasePayloadType, 100'000).ok());

  envelope.signatures[1].key_id = officer(1)->id;
  const std::string said = outcome(check_signatures(envelope, document, document.root));
  EXPECT_NE(said.find("has 1 of 2"), said.npos) << said;
  EXPECT_NE(said.find("\"officer\": suite ecdsa-p384-sha384: "), said.npos) << said;
}

// Checklist 19: a key is its SubjectPublicKeyInfo. Text around the PEM, a compressed point or
// another id make no second one.
TEST_F(TrustRoots, KnowAKeyUnderOneIdAlone) {
  TrustRoot document = root();
  document.keys.push_back(document.keys[0]);
  EXPECT_NE(outcome_of(document).find("keys has " + officer(0)->id + " twice"), std::string::npos);

  document.keys.back().id = std::string(64, 'a');
  EXPECT_NE(outcome_of(document).find("id is aaaa"), std::string::npos);

  document.keys.back().pem = "a comment\n" + document.keys.back().pem;
  document.keys.back().id = base::to_hex(sha256(document.keys.back().pem));
  EXPECT_NE(outcome_of(document), "ok");

  // P-384's generator, compressed and in full: one point, and only one of the two texts is a key
  // here.
  constexpr std::string_view kCompressed =
      "-----BEGIN PUBLIC KEY-----\n"
      "MEYwEAYHKoZIzj0CAQYFK4EEACIDMgADqofKIr6LBTeOscce8yCtdG4dO2KLp5uY\n"
      "WfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3\n"
      "-----END PUBLIC KEY-----\n";
  document = root();
  document.keys.push_back(
      {base::to_hex(sha256(kCompressed)), "ecdsa-p384-sha384", "twin", std::string(kCompressed)});
  const std::string said = outcome_of(document);
  EXPECT_NE(said.find("uncompressed"), said.npos) << said;
}

// Checklist 18: both sides of a hybrid must hold, and no key holds up two.
TEST_F(TrustRoots, HoldAHybridOnEverySide) {
  TrustRoot document = root();
  document.keys.push_back(trust_key(*officer(5)));
  document.keys.push_back(trust_key(*officer(6)));
  document.release.groups = {group(1, {officer(3)}), group(2, {officer(5), officer(6)})};
  ASSERT_EQ(outcome_of(document), "ok");
  EXPECT_EQ(check(document, document.release, {officer(3), officer(5), officer(6)}), "ok");
  EXPECT_NE(check(document, document.release, {officer(5), officer(6)}).find("group 1 has 0 of 1"),
            std::string::npos);
  EXPECT_NE(check(document, document.release, {officer(3)}).find("group 2 has 0 of 2"),
            std::string::npos);
  EXPECT_NE(check(document, document.release, {officer(3), officer(5)}).find("group 2 has 1 of 2"),
            std::string::npos);

  document.release.groups = {group(1, {officer(3)}), group(1, {officer(3), officer(5)})};
  EXPECT_NE(outcome_of(document).find("is in two groups"), std::string::npos);
  // And had such a role come from elsewhere:
  EXPECT_NE(check(document, document.release, {officer(3)}).find("group 2 has 0 of 1"),
            std::string::npos);
}

TEST_F(TrustRoots, BindAKeyToItsSuite) {
  TrustRoot document = root();
  document.keys.push_back(trust_key(*officer(5)));
  document.keys.back().suite = "ecdsa-p384-sha384";
  EXPECT_NE(
      outcome_of(document).find("suite is ecdsa-p384-sha384, and the key is of suite ed25519"),
      std::string::npos);
  document.keys.back().suite = "ml-dsa-87";
  EXPECT_NE(outcome_of(document).find("suite is ml-dsa-87, and the key is of suite ed25519"),
            std::string::npos);
}

// Checklist 40.
TEST_F(TrustRoots, TakeNothingFromARevokedKey) {
  TrustRoot document = root();
  document.revoked_keys = {officer(0)->id};
  EXPECT_EQ(check(document, document.root, {officer(1), officer(2)}), "ok");
  const std::string said = check(document, document.root, {officer(0), officer(1)});
  EXPECT_NE(said.find("has 1 of 2 signatures"), said.npos) << said;
  EXPECT_NE(said.find(officer(0)->id.substr(0, 16) + " \"officer\": a revoked key"), said.npos)
      << said;
}

TEST_F(TrustRoots, SayWhatWasWrongWithEachSignature) {
  const TrustRoot document = root();
  const std::string said = check(document, document.root, {officer(0), officer(3), officer(4)});
  EXPECT_NE(said.find("\"officer\": a key without a part in this role"), said.npos) << said;
  EXPECT_NE(said.find(officer(4)->id.substr(0, 16) + ": a key that the trust root does not know"),
            said.npos)
      << said;
}

TEST_F(TrustRoots, CanSwitchASuiteOff) {
  TrustRoot document = root();
  document.suites = {"ed25519"};
  const std::string said = check(document, document.root, {officer(0), officer(1)});
  EXPECT_NE(said.find("suite ecdsa-p384-sha384, which the trust root's policy does not allow"),
            said.npos)
      << said;
}

// A suite of days to come: its key may stand in the root, counts for nothing here, and is named.
// RSA stands in for it.
TEST_F(TrustRoots, CarryKeysThatThisBuildCannotUse) {
  constexpr std::string_view kRsa =
      "-----BEGIN PUBLIC KEY-----\n"
      "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL/levuZN0DbyIP4niZPqgLCpJ8Xps2T\n"
      "X5Vj/c9bC7dzVCA4IHQjbauuu0migxFEOIOxfkxjMqDegJx4girucF0CAwEAAQ==\n"
      "-----END PUBLIC KEY-----\n";
  const std::string id = base::to_hex(sha256(kRsa));
  TrustRoot document = root();
  document.keys.push_back({id, "lattice-9", "of tomorrow", std::string(kRsa)});
  document.release.groups = {TrustGroup{1, {officer(3)->id, id}}};
  ASSERT_EQ(outcome_of(document), "ok");
  EXPECT_EQ(check(document, document.release, {officer(3)}), "ok");
  Dsse envelope{std::string(kReleasePayloadType), "{}", {{id, {std::byte{1}}}}};
  const std::string said = outcome(check_signatures(envelope, document, document.release));
  EXPECT_NE(said.find("\"of tomorrow\": suite lattice-9: "), said.npos) << said;

  // Under the name of a suite that we do know, it is not such a key.
  document.keys.back().suite = "ed25519";
  EXPECT_TRUE(outcome_of(document).starts_with("invalid_input: ")) << outcome_of(document);
}

TEST_F(TrustRoots, LetP256SignModelsAlone) {
  const auto key = PrivateKey::generate(Curve::kP256).value().public_key().value();
  TrustRoot document = root();
  document.keys.push_back({key.hint(), "ecdsa-p256-sha256", "a vendor", key.pem()});
  document.model.key_ids = {key.hint()};
  EXPECT_EQ(outcome_of(document), "ok");
  document.release.groups[0].key_ids.push_back(key.hint());
  EXPECT_NE(outcome_of(document).find("counts for model.sig alone"), std::string::npos);

  document = root();
  document.keys.push_back(trust_key(*officer(5)));
  document.model.key_ids = {officer(5)->id};
  EXPECT_NE(outcome_of(document).find("model.sig knows ECDSA alone"), std::string::npos);
}

// ---- what a document must be

struct Spoilt {
  std::string from;
  std::string to;
  std::string why;
};

// Checklist 39 (threshold 0, no keys) and everything else that the format does not know.
TEST_F(TrustRoots, RefuseWhatTheFormatDoesNotKnow) {
  const std::string keys_of_release = R"("keys":[")" + officer(3)->id + R"("])";
  const std::vector<Spoilt> cases{
      {R"("type":"redoubt-root")", R"("type":"redoubt-release")", "type is not \"redoubt-root\""},
      {R"("format":1)", R"("format":2)", "format is not 1"},
      {R"("version":1)", R"("version":0)", "version is not an integer of 1 to"},
      {R"("version":1)", R"("version":1,"extra":1)", "unknown member"},
      {R"("version":1)", R"("version":1,"version":1)", "duplicate key"},
      {"2026-01-01T00:00:00Z", "2026-01-01", "issued: not a time"},
      {R"("threshold":2)", R"("threshold":0)", "threshold is not an integer of 1 to 3"},
      {R"("threshold":2)", R"("threshold":4)", "threshold is not an integer of 1 to 3"},
      {keys_of_release, R"("keys":[])", "keys is empty"},
      {keys_of_release, R"("keys":["x"])", "not 64 lower-case"},
      {keys_of_release, R"("keys":[")" + std::string(64, 'a') + R"("])", "is not among the keys"},
      {keys_of_release, R"("keys":[")" + officer(3)->id + R"(",")" + officer(3)->id + R"("])",
       "twice"},
      {R"("release":{"groups":[)", R"("release":{"all":1,"groups":[)",
       "roles.release has an unknown member"},
      {R"("bare":false)", R"("bare":0)", "model.bare is of type integer"},
      {R"("time":"floor")", R"("time":"now")", "time is neither"},
      {R"("certificates":[])", R"("certificates":["x"])", "not a PEM CERTIFICATE"},
      {R"("crls":[])", R"("crls":["-----BEGIN CERTIFICATE-----\n"])", "not a PEM X509 CRL"},
      {R"("revoked":{"keys":[])", R"("revoked":{"keys":["ab"])", "revoked.keys: not 64"},
      {R"("sequence_floors":{})", R"("sequence_floors":{"a/b":1})", "not the name of a release"},
      {R"("sequence_floors":{})", R"("sequence_floors":{"a":0})", "a is not an integer of 1 to"},
      {R"("expired":"refuse")", R"("expired":"ignore")", "expired is neither"},
      {R"("suites":[])", R"("suites":[7])", "suites: not a string"},
  };
  for (const auto& [from, to, why] : cases) {
    const std::string said = outcome(parse_trust_root(replaced(payload(), from, to)));
    EXPECT_NE(said.find(why), said.npos) << to << ": " << said;
  }
  TrustRoot document = root();
  document.release.groups.clear();
  EXPECT_NE(outcome_of(document).find("roles.release.groups is empty"), std::string::npos);
  document = root();
  document.keys.clear();
  EXPECT_NE(outcome_of(document).find("keys is empty"), std::string::npos);
}

// ---- one after the other

TEST_F(TrustRoots, BeginWithOneThatSatisfiesItself) {
  EXPECT_EQ(outcome(open_first_root(seal_root(root(), {officer(0), officer(1)}))), "ok");
  const std::string said = outcome(open_first_root(seal_root(root(), {officer(0), officer(3)})));
  EXPECT_NE(said.find("trust root 1, by its own keys: not signed by enough"), said.npos) << said;
  const std::string other_kind = seal(kReleasePayloadType, payload(), {officer(0), officer(1)});
  EXPECT_NE(outcome(open_first_root(other_kind)).find("payloadType"), std::string::npos);
}

struct Succession {
  std::string what;
  std::uint64_t version;
  std::string site;
  Signers signers;
  std::string why;  // empty: it may follow
};

// Checklist 39: officers 0 to 2 hand over to 2 to 4, two of three on either side.
TEST_F(TrustRoots, FollowEachOtherByTheKeysOfBoth) {
  const TrustRoot current = root();
  const std::vector<Succession> cases{
      {"both sides", 2, "alpha-7", {officer(0), officer(1), officer(3), officer(4)}, ""},
      {"one officer on both sides", 2, "alpha-7", {officer(1), officer(2), officer(3)}, ""},
      {"the new ones alone",
       2,
       "alpha-7",
       {officer(2), officer(3), officer(4)},
       "by the keys of version 1: not signed"},
      {"the old ones alone",
       2,
       "alpha-7",
       {officer(0), officer(1)},
       "trust root 2, by its own keys: not signed"},
      {"nobody", 2, "alpha-7", {}, "by the keys of version 1: not signed"},
      {"a version left out",
       3,
       "alpha-7",
       {officer(0), officer(2), officer(3)},
       "version 3 does not follow version 1; 2 is needed"},
      {"the same version",
       1,
       "alpha-7",
       {officer(0), officer(2), officer(3)},
       "version 1 does not follow version 1"},
      {"another site's",
       2,
       "bravo-2",
       {officer(0), officer(2), officer(3)},
       "site \"bravo-2\", and this is \"alpha-7\""},
  };
  for (const auto& [what, version, site, signers, why] : cases) {
    TrustRoot next = make_root({officer(2), officer(3), officer(4)}, 2, {officer(3)}, 1);
    next.version = version;
    next.site = site;
    const std::string said = outcome(open_next_root(current, seal_root(next, signers)));
    if (why.empty()) {
      EXPECT_EQ(said, "ok") << what;
    } else {
      EXPECT_TRUE(said.starts_with("denied: ")) << what << ": " << said;
      EXPECT_NE(said.find(why), said.npos) << what << ": " << said;
    }
  }
}

TEST_F(TrustRoots, GiveANamelessSiteItsName) {
  TrustRoot current = root();
  current.site.clear();
  TrustRoot next = root();
  next.version = 2;
  EXPECT_EQ(outcome(open_next_root(current, seal_root(next, {officer(0), officer(1)}))), "ok");
  next.product = "other";
  EXPECT_NE(outcome(open_next_root(current, seal_root(next, {officer(0), officer(1)})))
                .find("product other"),
            std::string::npos);
}

}  // namespace
