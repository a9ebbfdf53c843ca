#include "provisioning/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "provisioning/envelope.h"
#include "tests/provisioning/scratch_directory.h"

namespace provisioning {
namespace {

using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  StoreTest() { keys_.push_back(key_.public_key().value()); }

  SignedModel signed_model(const ScratchDirectory& directory) const {
    const Statement statement = describe_directory(directory.open(), "demo").value();
    directory.write("model.sig", serialize_envelope(seal_payload(serialize_statement(statement), key_).value()));
    return SignedModel::open(directory.open(), keys_).value();
  }

  bool store_is_empty() const {
    const auto empty = [&](const char* name) { return std::filesystem::is_empty(store_ / name); };
    return empty("models") && empty("staging");
  }

  PrivateKey key_ = PrivateKey::generate(Curve::kP256).value();
  std::vector<PublicKey> keys_;
  ScratchDirectory source_;
  ScratchDirectory store_;
};

TEST_F(StoreTest, ImportsWhatTheSignatureNamesAndNothingElse) {
  source_.write("model.gguf", "weights");
  source_.write("sub/dir/file", "text");
  const SignedModel model = signed_model(source_);
  source_.write(".git/planted", "not covered");
  Store store = Store::create(store_.path()).value();
  const StoredModel stored = store.import(model, "demo-1", 1234).value();
  EXPECT_EQ(stored.name, "demo-1");
  EXPECT_EQ(stored.imported, 1234);
  const auto files = list_files(base::open_file(stored.directory, O_RDONLY | O_DIRECTORY).value(), {}).value();
  EXPECT_THAT(files, testing::ElementsAre("model.gguf", "model.sig", "sub/dir/file"));
  auto directory = base::open_file(stored.directory, O_RDONLY | O_DIRECTORY).value();
  EXPECT_TRUE(SignedModel::open(std::move(directory), keys_).value().verify_all().ok());
}

TEST_F(StoreTest, ServesWhatWasActivatedLast) {
  EXPECT_EQ(Store::active(store_.path()).error().code, base::ErrorCode::kNotFound);
  Store store = Store::create(store_.path()).value();
  source_.write("model.gguf", "one");
  const StoredModel first = store.import(signed_model(source_), "one", 1).value();
  source_.write("model.gguf", "two");
  const StoredModel second = store.import(signed_model(source_), "two", 2).value();
  ASSERT_TRUE(store.activate(first.digest).ok());
  ASSERT_TRUE(store.activate(second.digest).ok());
  EXPECT_EQ(Store::active(store_.path()).value().name, "two");
  EXPECT_EQ(Store::active(store_.path()).value().directory, second.directory);
}

TEST_F(StoreTest, LeavesNothingBehindWhenAFileChangedAfterSigning) {
  source_.write("a", "first");
  source_.write("b", "second");
  const SignedModel model = signed_model(source_);
  source_.write("b", "SECOND");
  Store store = Store::create(store_.path()).value();
  EXPECT_THAT(store.import(model, "demo", 1).error().message, HasSubstr("b: sha256 is"));
  EXPECT_TRUE(store_is_empty());
}

TEST_F(StoreTest, ImportingTwiceChangesNothing) {
  source_.write("model.gguf", "weights");
  const SignedModel model = signed_model(source_);
  Store store = Store::create(store_.path()).value();
  ASSERT_TRUE(store.import(model, "first", 1).ok());
  const StoredModel again = store.import(model, "second", 2).value();
  EXPECT_EQ(again.name, "first");
  EXPECT_EQ(again.imported, 1);
}

TEST_F(StoreTest, ClearsWhatAPowerLossLeftInStaging) {
  store_.write("staging/0011/half", "half");
  Store::create(store_.path()).value();
  EXPECT_TRUE(store_is_empty());
}

TEST_F(StoreTest, ReplacesADirectoryWithoutMetadata) {
  source_.write("model.gguf", "weights");
  const SignedModel model = signed_model(source_);
  Store store = Store::create(store_.path()).value();
  const StoredModel stored = store.import(model, "demo", 1).value();
  ASSERT_TRUE(std::filesystem::remove(stored.directory + ".json"));
  EXPECT_TRUE(store.import(model, "demo", 2).ok());
  EXPECT_EQ(store.find(stored.digest).value().imported, 2);
}

TEST_F(StoreTest, RefusesDigestsAndNamesThatWouldLeaveTheStore) {
  Store store = Store::create(store_.path()).value();
  for (const std::string_view digest : {"", "../../etc", "zz", "AB"}) EXPECT_FALSE(store.activate(digest).ok());
  store_.write("active", "../../../etc\n");
  EXPECT_FALSE(Store::active(store_.path()).ok());
  for (const std::string_view name : {"", ".", ".x", "a/b", "a b", "é", "a\n"}) EXPECT_FALSE(check_model_name(name).ok());
  EXPECT_TRUE(check_model_name("Redoubt-demo_1.0").ok());
  EXPECT_FALSE(check_model_name(std::string(129, 'a')).ok());
}

}  // namespace
}  // namespace provisioning
