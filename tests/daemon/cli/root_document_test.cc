#include "daemon/cli/root_document.h"

#include <gtest/gtest.h>

#include "tests/provisioning/scratch_directory.h"
#include "tests/provisioning/trust/trust_documents.h"

namespace {

using namespace daemon_cli;
using namespace trust_test;

// Public keys of four officers in a directory, and the way from one root document to the next.
class RootDocuments : public ::testing::Test {
 protected:
  RootDocuments() {
    for (const char* name : {"alice", "bob", "carol", "dora"}) {
      signers_.push_back(make_signer());
      scratch_.write(std::string(name) + ".pub.pem", signers_.back().pem);
    }
  }

  std::string file(std::string_view name) const {
    return scratch_ / (std::string(name) + ".pub.pem");
  }
  std::string group_of(std::string_view threshold,
                       std::initializer_list<std::string_view> names) const {
    std::string text = std::string(threshold) + ":";
    for (const std::string_view name : names) text += (text.ends_with(':') ? "" : ",") + file(name);
    return text;
  }
  RootChanges first() const {
    RootChanges changes;
    changes.site = "alpha-7";
    changes.root = {group_of("2", {"alice", "bob", "carol"})};
    changes.release = {group_of("1", {"dora"})};
    return changes;
  }
  static base::Result<provisioning::TrustRoot> make(const RootChanges& changes) {
    return make_root_document(changes, at("2026-01-01T00:00:00Z"));
  }
  // What a next version begins with.
  RootChanges after(const RootChanges& changes) const {
    scratch_.write("1.root.dsse", seal_root(make(changes).value(), {}));
    RootChanges next;
    next.from = scratch_ / "1.root.dsse";
    return next;
  }

  ScratchDirectory scratch_;
  std::vector<Signer> signers_;
};

TEST_F(RootDocuments, AreMadeFromKeyFiles) {
  const auto root = make(first());
  ASSERT_EQ(outcome(root), "ok");
  EXPECT_EQ(root.value().version, 1u);
  EXPECT_EQ(root.value().site, "alpha-7");
  EXPECT_EQ(root.value().issued, at("2026-01-01T00:00:00Z"));
  EXPECT_EQ(root.value().root.groups[0].threshold, 2u);
  EXPECT_EQ(root.value().find(signers_[3].id)->name, "dora");
  EXPECT_EQ(outcome(provisioning::serialize_trust_root(root.value())), "ok");
}

TEST_F(RootDocuments, ChangeTheOneBefore) {
  RootChanges before = first();
  before.floors = {"assistant=5"};
  before.revoke_releases = {std::string(64, 'c')};
  RootChanges next = after(before);
  next.revoke_keys = {signers_[0].id.substr(0, 12)};
  next.names = {signers_[3].id.substr(0, 12) + "=release officer"};
  next.expires = "2031-01-01T00:00:00Z";
  const auto root = make(next);
  ASSERT_EQ(outcome(root), "ok");
  EXPECT_EQ(root.value().version, 2u);
  EXPECT_EQ(root.value().site, "alpha-7");
  EXPECT_TRUE(root.value().revoked_keys.contains(signers_[0].id));
  EXPECT_TRUE(root.value().revoked_releases.contains(std::string(64, 'c')));
  EXPECT_EQ(root.value().find(signers_[3].id)->name, "release officer");
  EXPECT_EQ(root.value().expires, at("2031-01-01T00:00:00Z"));
  // A floor that was set once must not come down upon every later version.
  EXPECT_TRUE(root.value().sequence_floors.empty());
}

TEST_F(RootDocuments, TakeKeysOfTheOneBeforeByTheirIds) {
  RootChanges next = after(first());
  next.root = {"1:" + signers_[1].id.substr(0, 8) + "," + file("dora")};
  const auto root = make(next);
  ASSERT_EQ(outcome(root), "ok");
  EXPECT_EQ(root.value().root.groups[0].key_ids,
            (std::vector<std::string>{signers_[1].id, signers_[3].id}));
  EXPECT_EQ(root.value().find(signers_[0].id), nullptr);  // without a part, left out
}

TEST_F(RootDocuments, RefuseWhatNobodyCouldSatisfy) {
  RootChanges next = after(first());
  next.revoke_keys = {signers_[3].id};
  EXPECT_NE(outcome(make(next))
                .find("role release: a group of threshold 1 has 0 keys that are not revoked"),
            std::string::npos);
}

TEST_F(RootDocuments, SayWhichOptionMakesNoSense) {
  const auto said = [&](auto spoil) {
    RootChanges changes = first();
    spoil(changes);
    return outcome(make(changes));
  };
  EXPECT_NE(said([](auto& c) { c.root = {"alice.pub.pem"}; }).find("--root alice.pub.pem: not"),
            std::string::npos);
  EXPECT_NE(said([](auto& c) { c.root = {"x:alice.pub.pem"}; }).find("--root: not a number"),
            std::string::npos);
  EXPECT_NE(said([](auto& c) { c.release = {"1:none.pem"}; }).find("none.pem"), std::string::npos);
  EXPECT_NE(said([](auto& c) { c.floors = {"assistant"}; }).find("--floor assistant"),
            std::string::npos);
  EXPECT_NE(
      said([](auto& c) { c.floors = {"assistant=-1"}; }).find("--floor assistant: not a number"),
      std::string::npos);
  EXPECT_NE(said([](auto& c) { c.expires = "soon"; }).find("--expires: not a time"),
            std::string::npos);
  EXPECT_NE(said([](auto& c) { c.revoke_keys = {"12345678"}; }).find("--revoke-key 12345678"),
            std::string::npos);
  EXPECT_NE(said([](auto& c) { c.allow_bare = c.refuse_bare = true; }).find("--refuse-bare"),
            std::string::npos);
}

}  // namespace
