#include "provisioning/trust/judgement.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/provisioning/trust/trust_documents.h"

namespace {

using namespace provisioning;
using namespace trust_test;

class Judgement : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (int i = 0; i < 3; ++i) officers_.push_back(make_signer());
  }
  static void TearDownTestSuite() { officers_.clear(); }

  static TrustRoot root() {
    return make_root({&officers_[0]}, 1, {&officers_[1], &officers_[2]}, 1);
  }
  static std::string seal_one(const Release& release) {
    return seal_release(release, {&officers_[1]});
  }

  // Everything that a case may spoil.
  struct Case {
    Release release = make_release();
    TrustRoot root = Judgement::root();
    Floors floors;
    SiteFacts site = make_site();

    base::Result<JudgedRelease> judge() const {
      return judge_release(seal_one(release), root, floors, site);
    }
  };

  static inline std::vector<Signer> officers_;
};

TEST_F(Judgement, TakesACleanRelease) {
  const Case clean;
  const auto judged = clean.judge();
  ASSERT_EQ(outcome(judged), "ok");
  EXPECT_EQ(judged.value().id, release_id(serialize_release(clean.release).value()));
  EXPECT_EQ(judged.value().payload, serialize_release(clean.release).value());
  EXPECT_EQ(judged.value().signers, std::vector<std::string>{officers_[1].id});
  EXPECT_TRUE(judged.value().warnings.empty());
  EXPECT_FALSE(judged.value().repeated);
}

struct Refusal {
  std::string what;
  std::function<void(Release&, TrustRoot&, Floors&, SiteFacts&)> spoil;
  std::vector<std::string> said;  // all of these: the rule, what was expected, what was found
};

// Checklist 36, 37, 38, 40.
TEST_F(Judgement, RefusesWithBothSidesNamed) {
  const std::string own_id = release_id(serialize_release(make_release()).value());
  const std::string other_id(64, 'a');
  const std::vector<Refusal> cases{
      {"another product",
       [](auto& r, auto&, auto&, auto&) { r.product = "other"; },
       {"product other", "this is redoubt"}},
      {"a root for another product",
       [](auto&, auto& t, auto&, auto&) { t.product = "other"; },
       {"trust root for other"}},
      {"an older product",
       [](auto& r, auto&, auto&, auto&) { r.product_min = "0.2.0"; },
       {"needs redoubt 0.2.0", "this is 0.1.0"}},
      {"versions are numbers, not texts",
       [](auto& r, auto&, auto&, auto& s) {
         r.product_min = "1.10.0";
         s.product_version = "1.9.7";
       },
       {"needs redoubt 1.10.0", "this is 1.9.7"}},
      {"another site",
       [](auto& r, auto&, auto&, auto&) {
         r.sites = {"bravo-2", "charlie"};
       },
       {"sites bravo-2, charlie", "this is \"alpha-7\""}},
      {"a site, and this has no name",
       [](auto&, auto& t, auto&, auto&) { t.site = ""; },
       {"sites alpha-7", "this one has no name"}},
      {"another backend",
       [](auto& r, auto&, auto&, auto&) { r.backends = {"cuda"}; },
       {"backends cuda", "this machine has cpu"}},
      {"more memory",
       [](auto& r, auto&, auto&, auto&) { r.memory_bytes_min = std::uint64_t{17} << 30; },
       {"needs 18253611008 bytes", "has 17179869184"}},
      {"an older sequence",
       [](auto&, auto&, auto& f, auto&) {
         f.lines["assistant"] = {8, std::string(64, 'a')};
       },
       {"sequence 7 of assistant is behind 8"}},
      {"the same sequence of another release",
       [](auto&, auto&, auto& f, auto&) {
         f.lines["assistant"] = {7, std::string(64, 'a')};
       },
       {"sequence 7 of assistant was accepted here as release " + other_id,
        "this is release " + own_id}},
      {"a fast-forward",
       [](auto& r, auto&, auto& f, auto&) {
         r.sequence = 1'000'000'000'008;
         f.lines["assistant"] = {7, std::string(64, 'a')};
       },
       {"sequence 1000000000008 of assistant is more than 1000000000000 ahead of 7"}},
      {"a fast-forward to the end",
       [](auto& r, auto&, auto&, auto&) { r.sequence = 9'007'199'254'740'991; },
       {"more than 1000000000000 ahead of 0"}},
      {"a revoked release",
       [&](auto&, auto& t, auto&, auto&) { t.revoked_releases = {own_id}; },
       {"release " + own_id + " was revoked by trust root 1"}},
      {"expired for certain, policy or not",
       [](auto& r, auto& t, auto& f, auto& s) {
         r.expires = at("2026-03-01T00:00:00Z");
         t.refuse_expired = false;
         f.time = at("2026-03-02T00:00:00Z");
         s.now = at("1970-01-01T00:00:00Z");
       },
       {"release expired on 2026-03-01T00:00:00Z", "it is 2026-03-02T00:00:00Z at least"}},
      {"expired by the clock",
       [](auto& r, auto&, auto&, auto& s) {
         r.expires = at("2026-03-01T00:00:00Z");
         s.now = at("2026-03-02T00:00:00Z");
       },
       {"release expired on 2026-03-01T00:00:00Z", "the clock says 2026-03-02T00:00:00Z"}},
      {"a root that expired for certain",
       [](auto&, auto& t, auto& f, auto&) {
         t.expires = at("2026-01-02T00:00:00Z");
         t.refuse_expired = false;
         f.time = at("2026-01-03T00:00:00Z");
       },
       {"trust root expired on 2026-01-02T00:00:00Z"}},
  };
  for (const auto& [what, spoil, texts] : cases) {
    Case spoilt;
    spoil(spoilt.release, spoilt.root, spoilt.floors, spoilt.site);
    const std::string said = outcome(spoilt.judge());
    EXPECT_TRUE(said.starts_with("denied: ")) << what << ": " << said;
    for (const std::string& text : texts)
      EXPECT_NE(said.find(text), said.npos) << what << ": " << said;
  }
}

TEST_F(Judgement, TakesWhatIsJustWithinTheRules) {
  const std::string own_id = release_id(serialize_release(make_release()).value());
  const std::vector<Refusal> cases{
      {"any site",
       [](auto& r, auto& t, auto&, auto&) {
         r.sites.clear();
         t.site = "";
       },
       {}},
      {"the very version",
       [](auto& r, auto&, auto&, auto& s) {
         r.product_min = "1.10";
         s.product_version = "1.10.0";
       },
       {}},
      {"a newer version",
       [](auto& r, auto&, auto&, auto& s) {
         r.product_min = "1.9.9";
         s.product_version = "1.10.0";
       },
       {}},
      {"memory unknown",
       [](auto& r, auto&, auto&, auto& s) {
         r.memory_bytes_min = std::uint64_t{1} << 50;
         s.memory_bytes = 0;
       },
       {}},
      {"one of its backends", [](auto&, auto&, auto&, auto& s) { s.backends = {"cuda"}; }, {}},
      {"the next sequence",
       [](auto&, auto&, auto& f, auto&) {
         f.lines["assistant"] = {6, std::string(64, 'a')};
       },
       {}},
      {"the longest jump",
       [](auto& r, auto&, auto& f, auto&) {
         r.sequence = 1'000'000'000'006;
         f.lines["assistant"] = {6, std::string(64, 'a')};
       },
       {}},
      {"the sequence that a trust root begins with",
       [](auto&, auto&, auto& f, auto&) {
         f.lines["assistant"] = {7, ""};
       },
       {}},
      {"another line's floor",
       [](auto&, auto&, auto& f, auto&) {
         f.lines["coder"] = {900, std::string(64, 'a')};
       },
       {}},
      {"the last second",
       [](auto& r, auto&, auto& f, auto& s) {
         r.expires = s.now;
         f.time = s.now;
       },
       {}},
      {"issued within the tolerance",
       [](auto& r, auto&, auto&, auto& s) { s.now = r.issued - 86'400; },
       {}},
  };
  for (const auto& [what, adjust, unused] : cases) {
    Case adjusted;
    adjust(adjusted.release, adjusted.root, adjusted.floors, adjusted.site);
    const auto judged = adjusted.judge();
    EXPECT_EQ(outcome(judged), "ok") << what;
    if (judged.ok()) {
      EXPECT_TRUE(judged.value().warnings.empty())
          << what << ": " << judged.value().warnings.front();
      EXPECT_FALSE(judged.value().repeated) << what;
    }
  }
}

// Positive control: importing the same release again is no rollback.
TEST_F(Judgement, KnowsTheReleaseThatWasTakenBefore) {
  Case again;
  again.floors.lines["assistant"] = {7, release_id(serialize_release(again.release).value())};
  const auto judged = again.judge();
  ASSERT_EQ(outcome(judged), "ok");
  EXPECT_TRUE(judged.value().repeated);
}

// Checklist 38: the clock is a warning unless the policy says otherwise; set back to 1970 or ahead
// to 2100.
TEST_F(Judgement, WarnsOfWhatTheClockSays) {
  const std::vector<Refusal> cases{
      {"expired by the clock",
       [](auto& r, auto& t, auto&, auto& s) {
         r.expires = at("2099-12-31T00:00:00Z");
         t.refuse_expired = false;
         s.now = at("2100-01-01T00:00:00Z");
       },
       {"the release expired on 2099-12-31T00:00:00Z, and the clock says 2100-01-01T00:00:00Z"}},
      {"the root expired by the clock",
       [](auto&, auto& t, auto&, auto&) {
         t.expires = at("2026-01-02T00:00:00Z");
         t.refuse_expired = false;
       },
       {"the trust root expired on 2026-01-02T00:00:00Z"}},
      {"issued ahead",
       [](auto& r, auto&, auto&, auto& s) { s.now = r.issued - 86'401; },
       {"issued on 2026-02-01T00:00:00Z, and it is 2026-01-30T23:59:59Z by all we know"}},
      {"a clock in 1970",
       [](auto&, auto&, auto& f, auto& s) {
         f.time = at("2026-01-31T12:00:00Z");
         s.now = 0;
       },
       {"the clock says 1970-01-01T00:00:00Z, and it is 2026-01-31T12:00:00Z at least"}},
      {"a clock of no calendar",
       [](auto& r, auto& t, auto&, auto& s) {
         r.expires = r.issued;
         t.refuse_expired = false;
         s.now = INT64_MAX;
       },
       {"the clock says 9999-12-31T23:59:59Z"}},
  };
  for (const auto& [what, adjust, said] : cases) {
    Case adjusted;
    adjust(adjusted.release, adjusted.root, adjusted.floors, adjusted.site);
    const auto judged = adjusted.judge();
    ASSERT_EQ(outcome(judged), "ok") << what;
    ASSERT_EQ(judged.value().warnings.size(), 1u) << what;
    EXPECT_NE(judged.value().warnings[0].find(said[0]), std::string::npos)
        << what << ": " << judged.value().warnings[0];
  }
}

// Checklist 9: a signature that is good for another kind of document.
TEST_F(Judgement, TakesNoOtherKindOfDocument) {
  const std::string payload = serialize_release(make_release()).value();
  for (const std::string_view type :
       {kRootPayloadType, kTimePayloadType, std::string_view("application/json"),
        std::string_view("application/vnd.redoubt.osimage+json")}) {
    const std::string other = seal(type, payload, {&officers_[1]});
    EXPECT_NE(outcome(open_release(other, root())).find("payloadType"), std::string::npos) << type;
    // And with the type's name exchanged, it is the signature that no longer holds.
    const std::string relabelled = replaced(other, type, kReleasePayloadType);
    EXPECT_NE(outcome(open_release(relabelled, root())).find("not signed by enough"),
              std::string::npos)
        << type;
  }
  // A root, signed by one who may sign both.
  TrustRoot both = root();
  both.root = both.release;
  const std::string said = outcome(open_release(
      seal(kReleasePayloadType, serialize_trust_root(both).value(), {&officers_[1]}), both));
  EXPECT_NE(said.find("type is not \"redoubt-release\""), said.npos) << said;
}

TEST_F(Judgement, ReadsNothingThatIsNotSigned) {
  EXPECT_NE(
      outcome(open_release(seal(kReleasePayloadType, "not even JSON", {&officers_[0]}), root()))
          .find("not signed by enough"),
      std::string::npos);
  EXPECT_NE(outcome(open_release(seal_release(make_release(), {}), root())).find("has 0 of 1"),
            std::string::npos);
}

// What is looked at again at every load: time and floors no longer matter, revocation does.
TEST_F(Judgement, OpensAnOldReleaseUnlessItIsRevoked) {
  Release release = make_release();
  release.expires = release.issued;
  TrustRoot document = root();
  const std::string text = seal_one(release);
  EXPECT_EQ(outcome(open_release(text, document)), "ok");
  document.revoked_keys = {officers_[1].id};
  EXPECT_NE(outcome(open_release(text, document)).find("a revoked key"), std::string::npos);
  document.revoked_keys.clear();
  document.revoked_releases = {release_id(serialize_release(release).value())};
  EXPECT_NE(outcome(open_release(text, document)).find("was revoked by trust root 1"),
            std::string::npos);
}

}  // namespace
