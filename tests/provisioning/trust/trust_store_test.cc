#include "provisioning/trust/trust_store.h"

#include <gtest/gtest.h>
#include <sys/file.h>

#include "provisioning/trust/time_statement.h"
#include "provisioning/utc_time.h"
#include "tests/provisioning/scratch_directory.h"
#include "tests/provisioning/trust/trust_documents.h"

namespace {

using namespace provisioning;
using namespace trust_test;

class TrustStores : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (int i = 0; i < 3; ++i) officers_.push_back(make_signer());
  }
  static void TearDownTestSuite() { officers_.clear(); }

  static TrustRoot make_version(std::uint64_t version) {
    TrustRoot root = make_root({&officers_[0]}, 1, {&officers_[1]}, 1);
    root.version = version;
    root.keys.push_back(trust_key(officers_[2]));
    root.time = TrustRole{{group(1, {&officers_[2]})}};
    return root;
  }
  static std::string seal_version(const TrustRoot& root) {
    return seal_root(root, {&officers_[0]});
  }
  static JudgedRelease proven(std::uint64_t sequence,
                              std::string_view issued = "2026-02-01T00:00:00Z") {
    Release release = make_release();
    release.sequence = sequence;
    release.issued = at(issued);
    return open_release(seal_release(release, {&officers_[1]}), make_version(1)).value();
  }

  TrustStore open() const { return TrustStore::open(scratch_ / "trust").value(); }
  std::string open_outcome() const { return outcome(TrustStore::open(scratch_ / "trust")); }
  std::string floors_file() const { return scratch_.read("trust/floors.json"); }

  ScratchDirectory scratch_;
  static inline std::vector<Signer> officers_;
};

TEST_F(TrustStores, BeginWithNothing) {
  const TrustStore store = open();
  EXPECT_FALSE(store.root().has_value());
  EXPECT_EQ(store.root_text(), "");
  EXPECT_EQ(store.floors().time, 0);
  EXPECT_TRUE(store.floors().lines.empty());
  EXPECT_EQ(store.anchor(), "file");
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "trust"));
}

TEST_F(TrustStores, KeepWhatTheyWereTold) {
  const std::string text = seal_version(make_version(1));
  {
    TrustStore store = open();
    ASSERT_EQ(outcome(store.pin(text)), "ok");
    ASSERT_EQ(outcome(store.raise(proven(7), at("2026-02-02T00:00:00Z"))), "ok");
  }
  const TrustStore store = open();
  EXPECT_EQ(store.root()->version, 1u);
  EXPECT_EQ(store.root_text(), text);
  EXPECT_EQ(store.floors().lines.at("assistant").sequence, 7u);
  EXPECT_EQ(store.floors().lines.at("assistant").release_id, proven(7).id);
  EXPECT_EQ(format_utc_time(store.floors().time), "2026-02-01T00:00:00Z");
  EXPECT_EQ(store.floors().generation, 2u);
}

TEST_F(TrustStores, PinOnce) {
  TrustStore store = open();
  ASSERT_EQ(outcome(store.update(seal_version(make_version(2)))).substr(0, 10), "not_found:");
  ASSERT_EQ(outcome(store.pin(seal_version(make_version(1)))), "ok");
  EXPECT_NE(outcome(store.pin(seal_version(make_version(1)))).find("trust root 1 is in force"),
            std::string::npos);
  EXPECT_EQ(outcome(open().pin("{}")).substr(0, 7), "denied:");
}

// Checklist 39: each step from N to N+1, none left out, none back, every one kept.
TEST_F(TrustStores, WalkEveryRoot) {
  TrustStore store = open();
  ASSERT_EQ(outcome(store.pin(seal_version(make_version(1)))), "ok");
  EXPECT_NE(outcome(store.update(seal_version(make_version(3))))
                .find("version 3 does not follow version 1"),
            std::string::npos);
  ASSERT_EQ(outcome(store.update(seal_version(make_version(2)))), "ok");
  ASSERT_EQ(outcome(store.update(seal_version(make_version(3)))), "ok");
  EXPECT_NE(outcome(store.update(seal_version(make_version(2))))
                .find("version 2 does not follow version 3"),
            std::string::npos);
  EXPECT_EQ(store.root()->version, 3u);
  for (const char* name :
       {"trust/roots/1.root.dsse", "trust/roots/2.root.dsse", "trust/roots/3.root.dsse"}) {
    EXPECT_TRUE(std::filesystem::exists(scratch_ / name)) << name;
  }
  EXPECT_EQ(open().root()->version, 3u);
}

// Checklist 39 and 40: an older root, and with it an older deny list, put back by hand.
TEST_F(TrustStores, MissARootThatWasTakenAway) {
  TrustStore store = open();
  ASSERT_EQ(outcome(store.pin(seal_version(make_version(1)))), "ok");
  TrustRoot next = make_version(2);
  next.revoked_keys = {officers_[1].id};
  ASSERT_EQ(outcome(store.update(seal_version(next))), "ok");
  std::filesystem::remove(scratch_ / "trust/roots/2.root.dsse");
  EXPECT_NE(open_outcome().find("trust root 2 was accepted here, and the newest one found is 1"),
            std::string::npos);
  std::filesystem::remove(scratch_ / "trust/roots/1.root.dsse");
  EXPECT_NE(open_outcome().find("the newest one found is none"), std::string::npos);
  EXPECT_EQ(outcome(store.pin(seal_version(make_version(1)))).substr(0, 7), "denied:");
}

// A power loss between the root and the floors: the root is durable, floors.json knows nothing of
// it.
TEST_F(TrustStores, MakeUpForWhatAPowerLossCut) {
  TrustStore store = open();
  ASSERT_EQ(outcome(store.pin(seal_version(make_version(1)))), "ok");
  ASSERT_EQ(outcome(store.raise(proven(900), at("2026-02-02T00:00:00Z"))), "ok");
  const std::string before = floors_file();
  TrustRoot next = make_version(2);
  next.sequence_floors = {{"assistant", 5}};
  ASSERT_EQ(outcome(store.update(seal_version(next))), "ok");
  scratch_.write("trust/floors.json", before);

  TrustStore after = open();
  EXPECT_EQ(after.root()->version, 2u);
  EXPECT_EQ(after.floors().lines.at("assistant").sequence, 5u);
  EXPECT_EQ(after.floors().root_version, 2u);
  ASSERT_EQ(outcome(after.raise(proven(6), at("2026-02-02T00:00:00Z"))), "ok");
  EXPECT_EQ(open().floors().lines.at("assistant").sequence, 6u);
}

// The way out of a fast-forward, and no more than that: a root that says nothing of a line leaves
// it alone.
TEST_F(TrustStores, LetARootReplaceAFloor) {
  TrustStore store = open();
  ASSERT_EQ(outcome(store.pin(seal_version(make_version(1)))), "ok");
  ASSERT_EQ(outcome(store.raise(proven(1'000'000'000), at("2026-02-02T00:00:00Z"))), "ok");
  TrustRoot next = make_version(2);
  next.sequence_floors = {{"assistant", 8}, {"coder", 3}};
  ASSERT_EQ(outcome(store.update(seal_version(next))), "ok");
  EXPECT_EQ(store.floors().lines.at("assistant").sequence, 8u);
  EXPECT_EQ(store.floors().lines.at("assistant").release_id, "");
  EXPECT_EQ(store.floors().lines.at("coder").sequence, 3u);
  ASSERT_EQ(outcome(store.raise(proven(9), at("2026-02-02T00:00:00Z"))), "ok");
  ASSERT_EQ(outcome(store.update(seal_version(make_version(3)))), "ok");
  EXPECT_EQ(store.floors().lines.at("assistant").sequence, 9u);
}

TEST_F(TrustStores, NeverLowerAFloor) {
  TrustStore store = open();
  ASSERT_EQ(outcome(store.raise(proven(7), at("2026-02-02T00:00:00Z"))), "ok");
  const std::string before = floors_file();
  ASSERT_EQ(outcome(store.raise(proven(6, "2026-01-20T00:00:00Z"), at("2026-02-02T00:00:00Z"))),
            "ok");
  ASSERT_EQ(outcome(store.raise(proven(7), at("2026-02-02T00:00:00Z"))), "ok");
  ASSERT_EQ(outcome(store.raise_time(at("2026-01-20T00:00:00Z"))), "ok");
  EXPECT_EQ(floors_file(), before);
  ASSERT_EQ(outcome(store.raise_time(at("2026-03-01T00:00:00Z"))), "ok");
  EXPECT_EQ(open().floors().time, at("2026-03-01T00:00:00Z"));
  EXPECT_NE(outcome(store.raise_time(-1)), "ok");
}

// A date of issue far ahead would make everything else expire; a clock that may be right keeps it
// in bounds.
TEST_F(TrustStores, DoNotLetOneDateRunAway) {
  TrustStore store = open();
  ASSERT_EQ(outcome(store.raise(proven(7, "2099-01-01T00:00:00Z"), at("2026-02-02T00:00:00Z"))),
            "ok");
  EXPECT_EQ(format_utc_time(store.floors().time), "2026-02-03T00:00:00Z");
  // A clock behind the floor is wrong for certain: then the signed date is the better one.
  ASSERT_EQ(outcome(store.raise(proven(8, "2026-05-01T00:00:00Z"), 0)), "ok");
  EXPECT_EQ(format_utc_time(store.floors().time), "2026-05-01T00:00:00Z");
}

TEST_F(TrustStores, SeeWhatAnotherProcessWrote) {
  TrustStore one = open();
  TrustStore other = open();
  ASSERT_EQ(outcome(one.pin(seal_version(make_version(1)))), "ok");
  ASSERT_EQ(outcome(other.raise(proven(7), at("2026-02-02T00:00:00Z"))), "ok");
  EXPECT_EQ(other.root()->version, 1u);
  ASSERT_EQ(outcome(one.raise_time(at("2026-03-01T00:00:00Z"))), "ok");
  EXPECT_EQ(one.floors().lines.at("assistant").sequence, 7u);
  EXPECT_EQ(one.floors().generation, 3u);
}

TEST_F(TrustStores, SayWhichFileIsCorrupt) {
  TrustStore store = open();
  ASSERT_EQ(outcome(store.pin(seal_version(make_version(1)))), "ok");
  const std::string floors = floors_file();
  for (const std::string& text :
       {std::string(), floors.substr(0, 40), floors + floors, std::string("{}")}) {
    scratch_.write("trust/floors.json", text);
    EXPECT_TRUE(open_outcome().starts_with("corrupt: trust: ")) << open_outcome();
    EXPECT_NE(open_outcome().find("floors.json"), std::string::npos);
  }
  scratch_.write("trust/floors.json", floors);
  ASSERT_EQ(open_outcome(), "ok");
  scratch_.write("trust/roots/1.root.dsse", seal_version(make_version(2)));
  EXPECT_NE(open_outcome().find("1.root.dsse holds version 2"), std::string::npos);
  scratch_.write("trust/roots/1.root.dsse", "{");
  EXPECT_TRUE(open_outcome().starts_with("corrupt: ")) << open_outcome();
}

TEST_F(TrustStores, PassOverWhatACrashLeft) {
  TrustStore store = open();
  ASSERT_EQ(outcome(store.pin(seal_version(make_version(1)))), "ok");
  scratch_.write("trust/roots/2.root.dsse.new-77", "half");
  scratch_.write("trust/roots/02.root.dsse", "not a name of ours");
  scratch_.write("trust/floors.json.new-77", "half");
  EXPECT_EQ(open_outcome(), "ok");
  EXPECT_EQ(open().root()->version, 1u);
}

TEST_F(TrustStores, RefuseAnAnchorTheyCannotRead) {
  scratch_.write("trust/anchor.json",
                 R"({"format":1,"kind":"abacus","nv":"0x01800200","tcti":"x"})");
  EXPECT_NE(open_outcome().find("kind is not \"tpm2\""), std::string::npos);
  scratch_.write("trust/anchor.json", R"({"format":1,"kind":"tpm2","nv":"0x81000000","tcti":"x"})");
  EXPECT_NE(open_outcome().find("not an NV index"), std::string::npos);
}

// Checklist 9 again, for the third kind of document; and who may state the time.
TEST_F(TrustStores, TakeTheTimeFromThoseWhoMayStateIt) {
  const TrustRoot root = make_version(1);
  const std::string payload = serialize_time_statement(at("2026-04-01T12:00:00Z")).value();
  const auto stated = open_time_statement(seal(kTimePayloadType, payload, {&officers_[2]}), root);
  ASSERT_EQ(outcome(stated), "ok");
  EXPECT_EQ(stated.value(), at("2026-04-01T12:00:00Z"));
  EXPECT_NE(outcome(open_time_statement(seal(kTimePayloadType, payload, {&officers_[1]}), root))
                .find("without a part in this role"),
            std::string::npos);
  EXPECT_NE(outcome(open_time_statement(seal(kReleasePayloadType, payload, {&officers_[2]}), root))
                .find("payloadType"),
            std::string::npos);
  EXPECT_NE(
      outcome(open_time_statement(seal(kTimePayloadType, payload + " 1", {&officers_[2]}), root)),
      "ok");
  TrustRoot nobody = root;
  nobody.time.reset();
  EXPECT_NE(outcome(open_time_statement(seal(kTimePayloadType, payload, {&officers_[2]}), nobody))
                .find("lets nobody state the time"),
            std::string::npos);
}

}  // namespace
