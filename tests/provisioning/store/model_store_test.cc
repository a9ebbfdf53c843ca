#include "provisioning/store/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/provisioning/store/staged_release.h"

namespace provisioning {
namespace {

using store_test::about;
using store_test::Files;
using store_test::hex_of;
using testing::HasSubstr;
using trust_test::outcome;

class ModelStoreTest : public testing::Test {
 protected:
  std::string path() const { return scratch_ / "state/store"; }
  ModelStore change() const { return ModelStore::open_for_change(path()).value(); }
  bool has_object(std::string_view text) const {
    return std::filesystem::exists(path() + "/objects/" + hex_of(text)) &&
           std::filesystem::exists(path() + "/objects/" + hex_of(text) + ".chunks");
  }
  StoredModel import(ModelStore& store, const Files& files, std::uint64_t sequence) const {
    auto release = store_test::release_of(files);
    release.sequence = sequence;
    EXPECT_EQ(outcome(serialize_release(release)), "ok");
    const std::string payload = serialize_release(release).value();
    const std::string id = release_id(payload);
    EXPECT_EQ(outcome(store_test::stage(store, id, files, payload)), "ok");
    return store.publish(about(id, release)).value();
  }

  ScratchDirectory scratch_;
};

TEST_F(ModelStoreTest, OpeningToReadCreatesNothing) {
  EXPECT_EQ(ModelStore::open(path()).error().code, base::ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ModelStoreTest, APublishedModelIsThereWithItsFilesAndItsTexts) {
  ModelStore store = change();
  const StoredModel stored = import(store, {{"model/a", "one"}, {"model/b", ""}}, 7);
  EXPECT_EQ(stored.bytes, 3u);
  EXPECT_TRUE(has_object("one") && has_object(""));
  const auto models = ModelStore::open(path()).value().list().value();
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].id, stored.id);
  EXPECT_EQ(models[0].sequence, 7u);
  EXPECT_EQ(models[0].directory, path() + "/models/" + stored.id);
  EXPECT_EQ(release_id(store.release_text(stored).value()), stored.id);
  EXPECT_EQ(store.signature_text(stored).value(), "");
  EXPECT_TRUE(std::filesystem::is_empty(path() + "/staging"));
}

TEST_F(ModelStoreTest, ObjectsCannotBeWrittenAnyMore) {
  ModelStore store = change();
  import(store, {{ "model/a", "one" }}, 7);
  struct stat info {};
  ASSERT_EQ(::stat((path() + "/objects/" + hex_of("one")).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777u, 0444u);
}

TEST_F(ModelStoreTest, TwoReleasesShareTheSameFile) {
  ModelStore store = change();
  const auto first = import(store, {{"model/a", "shared"}, {"model/b", "one"}}, 1);
  const auto second = import(store, {{"model/a", "shared"}, {"model/b", "two"}}, 2);
  ASSERT_EQ(outcome(store.remove(first)), "ok");
  const auto collected = store.collect_garbage().value();
  EXPECT_EQ(collected.objects, 1u);
  EXPECT_TRUE(has_object("shared") && has_object("two"));
  EXPECT_FALSE(has_object("one"));
  EXPECT_EQ(store.find(second.id).value().id, second.id);
  EXPECT_EQ(store.find(first.id).error().code, base::ErrorCode::kNotFound);
}

TEST_F(ModelStoreTest, FindsByIdByItsBeginningByNameAndBySequence) {
  ModelStore store = change();
  const auto first = import(store, {{"model/a", "one"}}, 1);
  const auto second = import(store, {{"model/a", "two"}}, 2);
  EXPECT_EQ(store.find(first.id).value().id, first.id);
  EXPECT_EQ(store.find(first.id.substr(0, 8)).value().id, first.id);
  EXPECT_EQ(store.find("assistant").value().id, second.id);
  EXPECT_EQ(store.find("assistant@1").value().id, first.id);
  for (const char* none : {"assistant@3", "assistan", "00000000", "", "../models"}) {
    EXPECT_EQ(store.find(none).error().code, base::ErrorCode::kNotFound) << none;
  }
  EXPECT_EQ(outcome(store.find("assistant@x")),
            "invalid_input: behind '@' stands a model's sequence number");
  EXPECT_EQ(store.find(first.id.substr(0, 7)).error().code, base::ErrorCode::kNotFound)
      << "seven digits are a name";
}

TEST_F(ModelStoreTest, WhatIsServedCannotBeRemoved) {
  ModelStore store = change();
  const auto model = import(store, {{"model/a", "one"}}, 1);
  ASSERT_EQ(outcome(store.change_activation([&](Activation& activation) {
              activation.propose(model.id);
              return true;
            })),
            "ok");
  EXPECT_THAT(outcome(store.remove(model)), HasSubstr("denied: assistant@1"));
  EXPECT_EQ(store.find(model.id).value().id, model.id);
}

TEST_F(ModelStoreTest, AnActivationThatDoesNotWantToBeWrittenIsNot) {
  ModelStore store = change();
  ASSERT_EQ(outcome(store.change_activation([&](Activation&) { return false; })), "ok");
  EXPECT_FALSE(std::filesystem::exists(path() + "/activation.json"));
}

TEST_F(ModelStoreTest, OnlyOneProcessChangesTheStore) {
  const ModelStore store = change();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(ModelStore::open_for_change(path()).ok() ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_EQ(outcome(ModelStore::open_for_change(path())),
            "unavailable: another import, removal or collection is under way");
}

TEST_F(ModelStoreTest, AStoreOpenedToReadCannotRemove) {
  StoredModel model;
  {
    ModelStore store = change();
    model = import(store, {{"model/a", "one"}}, 1);
  }
  EXPECT_EQ(ModelStore::open(path()).value().remove(model).error().code, base::ErrorCode::kDenied);
}

TEST_F(ModelStoreTest, WhatWasStagedShortOrAsALinkIsNotPublished) {
  ModelStore store = change();
  const Files files{{"model/a", "one"}};
  const auto release = store_test::release_of(files);
  const std::string payload = serialize_release(release).value();
  const std::string id = release_id(payload);
  const std::string staged = path() + "/staging/" + id + "/" + hex_of("one");
  ASSERT_EQ(outcome(store_test::stage(store, id, files, payload)), "ok");
  std::filesystem::resize_file(staged, 2);
  EXPECT_THAT(outcome(store.publish(about(id, release))),
              HasSubstr("2 bytes were staged, 3 were announced"));
  std::filesystem::remove(staged);
  scratch_.write("elsewhere", "one");
  std::filesystem::create_symlink(scratch_ / "elsewhere", staged);
  EXPECT_FALSE(store.publish(about(id, release)).ok());
  std::filesystem::remove(staged);
  std::filesystem::create_hard_link(scratch_ / "elsewhere", staged);
  EXPECT_THAT(outcome(store.publish(about(id, release))),
              HasSubstr("is not a file of its own"));
  EXPECT_TRUE(store.list().value().empty());
}

TEST_F(ModelStoreTest, AnAboutThatSaysSomethingElseIsCorruptAndStopsACollection) {
  ModelStore store = change();
  const auto model = import(store, {{"model/a", "one"}}, 1);
  std::filesystem::permissions(model.directory + "/about.json", std::filesystem::perms::all);
  scratch_.write("state/store/models/" + model.id + "/about.json", "{}");
  EXPECT_EQ(store.list().error().code, base::ErrorCode::kCorrupt);
  EXPECT_FALSE(store.collect_garbage().ok());
  EXPECT_TRUE(has_object("one"));
}

TEST_F(ModelStoreTest, AnswersAreKeptBesideTheModel) {
  ModelStore store = change();
  const auto model = import(store, {{"model/a", "one"}}, 1);
  EXPECT_EQ(store.answers(model).value(), "");
  ASSERT_EQ(outcome(store.set_answers(model, "{\"a\":1}")), "ok");
  EXPECT_EQ(store.answers(model).value(), "{\"a\":1}");
  EXPECT_EQ(store.set_answers(model, std::string(70'000, 'x')).error().code,
            base::ErrorCode::kExhausted);
}

}  // namespace
}  // namespace provisioning
