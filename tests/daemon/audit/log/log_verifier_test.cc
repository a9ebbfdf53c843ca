#include "daemon/audit/log/log_verifier.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "daemon/audit/tlog/tile.h"
#include "hardening/base/file.h"
#include "tests/daemon/audit/log/written_log.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_audit {
namespace {

using audit_test::Files;
using audit_test::Script;
using base::Json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

VerifyReport verify_at(const std::string& directory, const VerifyRequest& request = {}) {
  const auto opened = base::open_file(directory, O_RDONLY | O_DIRECTORY);
  EXPECT_TRUE(opened.ok());
  auto report = verify_log(opened.value(), request);
  EXPECT_TRUE(report.ok()) << report.error().message;
  return report.ok() ? std::move(report).value() : VerifyReport();
}

VerifyReport verify(const Files& files, const VerifyRequest& request = {}) {
  const TemporaryDirectory directory;
  audit_test::write_files(directory.path(), files);
  return verify_at(directory.path(), request);
}

Script closed_log(std::size_t count) {
  Script script;
  script.finish("req-1", script.admit("req-1"));
  script.fill(count - 1);
  script.close();
  return script;
}

TEST(LogVerifier, FindsNothingInAWholeLogOfAnySize) {
  for (const std::size_t count : std::vector<std::size_t>{4, 255, 256, 257, 511, 512, 513, 700}) {
    const auto report = verify(closed_log(count).files());
    EXPECT_THAT(report.findings, IsEmpty()) << count;
    EXPECT_EQ(report.size, count);
    EXPECT_EQ(report.published, count);
    EXPECT_FALSE(report.live);
    EXPECT_EQ(report.requests, 1U);
    EXPECT_FALSE(report.key_given);
  }
}

TEST(LogVerifier, ChecksTheSecondLevelOfTilesToo) {
  Files files = closed_log(65'540).files();
  ASSERT_TRUE(files.contains("tile/1/000"));
  ASSERT_TRUE(files.contains("tile/2/000.p/1"));
  EXPECT_THAT(verify(files).findings, IsEmpty());
  files["tile/2/000.p/1"][5] ^= 1;
  EXPECT_THAT(verify(files).findings, ElementsAre(HasSubstr("tile/2/000.p/1: hash 0 is not")));
}

TEST(LogVerifier, NamesTheFileThatSaysAnotherThingThanTheEntries) {
  const Files whole = closed_log(300).files();
  for (const std::string path : {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"}) {
    Files files = whole;
    files[path][40 % files[path].size()] ^= 1;
    EXPECT_THAT(verify(files).findings, ElementsAre(HasSubstr(path))) << path;
    files.erase(path);
    EXPECT_THAT(verify(files).findings, ElementsAre(HasSubstr(path + ": is missing")));
  }
}

TEST(LogVerifier, NamesTheEntryThatWasChanged) {
  Files files = closed_log(300).files();
  std::string& bundle = files["tile/entries/000"];
  const auto place = bundle.find("\"reason\":\"unknown\"");
  ASSERT_NE(place, bundle.npos);
  bundle[place + 10] = 'U';
  const auto findings = verify(files).findings;
  EXPECT_THAT(findings, Contains(HasSubstr("tile/0/000: hash 3 is not")));
  EXPECT_THAT(findings, Contains(HasSubstr("checkpoint: its root is not")));
}

TEST(LogVerifier, RefusesARecordThatIsNotCanonicalOrNotItsOwnIndex) {
  Script script = closed_log(10);
  auto texts = script.texts();
  Files files = script.files();
  const auto rewrite = [&] {
    files.merge(audit_test::tile_files(texts));
    for (auto& [path, bytes] : audit_test::tile_files(texts)) files[path] = bytes;
    files["checkpoint"] = audit_test::checkpoint_of(texts, script.key());
    return verify(files).findings;
  };
  const std::string fourth = texts[4];
  texts[4].insert(1, " ");
  EXPECT_THAT(rewrite(), ElementsAre(HasSubstr("entry 4: ")));
  texts[4] = fourth;
  texts[4].replace(texts[4].find("\"index\":4"), 9, "\"index\":5");
  EXPECT_THAT(rewrite(), ElementsAre(HasSubstr("entry 4: says that it is entry 5")));
}

TEST(LogVerifier, HoldsTimesAgainstThoseBefore) {
  const auto findings_of = [](auto change) {
    Script script;
    script.fill(5);
    change(script);
    script.fill(10);
    script.close();
    return verify(script.files()).findings;
  };
  EXPECT_THAT(findings_of([](Script& script) { script.time_us -= 500'000; }),
              ElementsAre(HasSubstr("entry 5: its time goes back")));
  EXPECT_THAT(findings_of([](Script& script) { script.monotonic_us -= 5'000; }),
              ElementsAre(HasSubstr("entry 5: monotonic_us goes back")));
  EXPECT_THAT(findings_of([](Script& script) { script.time_us += 2'000'000; }),
              ElementsAre(HasSubstr("entry 5: time and monotonic_us moved apart")));
  EXPECT_THAT(findings_of([](Script& script) {
                script.add("clock.stepped", Json::object({{"step_us", -9'000'000}}));
                script.time_us -= 9'000'000;
              }),
              IsEmpty());
  EXPECT_THAT(findings_of([](Script& script) { script.boot[0] = 'f'; }),
              ElementsAre(HasSubstr("entry 5: comes where only log.opened can")));
}

TEST(LogVerifier, WantsOneEndForEachAdmission) {
  const auto findings_of = [](auto change) {
    Script script;
    change(script);
    script.close();
    return verify(script.files()).findings;
  };
  EXPECT_THAT(findings_of([](Script& script) { script.admit("a"); }),
              ElementsAre(HasSubstr("1 requests have no end; the first is entry 1")));
  EXPECT_THAT(findings_of([](Script& script) { script.finish("a", 0); }),
              ElementsAre(HasSubstr("entry 1: request.finished of a request that is not open")));
  EXPECT_THAT(findings_of([](Script& script) {
                const auto index = script.admit("a");
                script.finish("a", index);
                script.finish("a", index);
              }),
              ElementsAre(HasSubstr("entry 3: request.finished of a request that is not open")));
  EXPECT_THAT(findings_of([](Script& script) {
                script.admit("a");
                script.finish("a", 0);
              }),
              ElementsAre(HasSubstr("entry 2: says that its request was admitted by entry 0")));
  EXPECT_THAT(findings_of([](Script& script) {
                script.finish("a", script.admit("a"));
                script.add("request.lost",
                           Json::object({{"request", "b"}, {"admitted", script.admit("b")}}));
              }),
              IsEmpty());
}

TEST(LogVerifier, MissesTheEndOfALogThatWasNotClosed) {
  Script script;
  script.fill(20);
  EXPECT_THAT(verify(script.files()).findings, ElementsAre(HasSubstr("is no log.closed")));
}

TEST(LogVerifier, HoldsTheLogAgainstCheckpointsThatWereCarriedOut) {
  const Script script = closed_log(600);
  const auto texts = script.texts();
  const auto old = audit_test::checkpoint_of({texts.begin(), texts.begin() + 300}, script.key());
  EXPECT_THAT(verify(script.files(), {.checkpoints = {old}}).findings, IsEmpty());

  const Script other = closed_log(600);
  EXPECT_THAT(verify(other.files(), {.checkpoints = {old}}).findings,
              ElementsAre(HasSubstr("none of the known keys has signed it")));

  auto forked = texts;
  forked[100][forked[100].size() / 2] ^= 1;
  const auto fork = audit_test::checkpoint_of({forked.begin(), forked.begin() + 300}, script.key());
  EXPECT_THAT(verify(script.files(), {.checkpoints = {old, fork}}).findings,
              ElementsAre(HasSubstr("checkpoint 2 that was carried out: its root is not")));

  auto longer = texts;
  longer.push_back(texts.back());
  const auto newer = audit_test::checkpoint_of(longer, script.key());
  EXPECT_THAT(verify(script.files(), {.checkpoints = {newer}}).findings,
              ElementsAre(HasSubstr("names 601 entries; the log ends with 600")));
}

TEST(LogVerifier, TrustsTheKeyThatIsGivenAndNoOther) {
  const Script script = closed_log(20);
  const Script other = closed_log(20);
  const VerifyRequest given{.key = script.key().verifier()};
  EXPECT_THAT(verify(script.files(), given).findings, IsEmpty());
  EXPECT_TRUE(verify(script.files(), given).key_given);
  EXPECT_THAT(verify(other.files(), given).findings,
              Contains(HasSubstr("log.vkey: is not the key that is trusted")));
  Files files = script.files();
  files["key"] = other.files()["key"];
  EXPECT_THAT(verify(files).findings, ElementsAre(HasSubstr("key: is not the private key")));
}

TEST(LogVerifier, AcceptsWhatRetentionHasRemovedAndSaid) {
  Script script;
  script.fill(520);
  script.add("log.pruned", Json::object({{"first", 512}}));
  script.close();
  Files files = script.files();
  files.erase("tile/entries/000");
  files.erase("tile/entries/001");
  const auto report = verify(files);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.first, 512U);

  Files more = closed_log(600).files();
  more.erase("tile/entries/001");
  EXPECT_THAT(verify(more).findings,
              ElementsAre(HasSubstr("tile/entries/001: is missing, and no log.pruned")));
}

TEST(LogVerifier, KnowsEachSealedText) {
  Script script;
  const std::string sealed = "redoubt-sealed-1\nwhatever";
  script.finish("a", script.admit("a", sealed));
  script.close();
  Files files = script.files();
  EXPECT_THAT(verify(files).findings, ElementsAre(HasSubstr("1 texts that records name")));
  files[audit_test::sealed_path(sealed)] = sealed;
  EXPECT_THAT(verify(files).findings, IsEmpty());
  EXPECT_EQ(verify(files).sealed, 1U);
  files[audit_test::sealed_path(sealed)] += "!";
  EXPECT_THAT(verify(files).findings, Contains(HasSubstr("is not what its name says")));
  files[audit_test::sealed_path(sealed)] = sealed;
  files[audit_test::sealed_path("x")] = "x";
  EXPECT_THAT(verify(files).findings, ElementsAre(HasSubstr("no record names it")));
}

TEST(LogVerifier, CountsSealedTextsThatWereRemovedAndSaid) {
  Script script;
  script.finish("a", script.admit("a", "one"));
  script.add("log.unsealed", Json::object({{"files", 1}}));
  script.close();
  EXPECT_THAT(verify(script.files()).findings, IsEmpty());
  EXPECT_EQ(verify(script.files()).sealed_removed, 1U);
}

TEST(LogVerifier, ChecksWhatWitnessesHaveSigned) {
  Script script;
  script.fill(299);
  const audit_test::Witness witness("witness.example/one");
  const std::string name = "witness/00000000000000000299";
  const std::string note =
      witness.cosign(audit_test::checkpoint_of(script.texts(), script.key()), 1'790'000'100);
  script.add("log.cosigned", Json::object({{"witness", witness.key().name()}, {"size", 299}}));
  script.close();
  Files files = script.files();
  EXPECT_THAT(verify(files).findings, ElementsAre(HasSubstr(name + ": the signature of")));
  files[name] = note;
  const VerifyRequest known{.witnesses = {witness.key()}};
  EXPECT_THAT(verify(files, known).findings, IsEmpty());
  EXPECT_EQ(verify(files, known).cosignatures, 1U);
  EXPECT_EQ(verify(files).cosignatures_unchecked, 1U);
  const audit_test::Witness other("witness.example/one");
  EXPECT_THAT(verify(files, {.witnesses = {other.key()}}).findings,
              ElementsAre(HasSubstr("with a key that is not the one known")));
  files["witness/00000000000000000298"] = note;
  EXPECT_THAT(verify(files).findings, Contains(HasSubstr("witness/00000000000000000298: ")));
}

class JournalVerifier : public ::testing::Test {
 protected:
  JournalVerifier() {
    script_.fill(700);
    texts_ = script_.texts();
    files_ = script_.files();
    // Published are 600, the rest is in the journal, and so is what begins with 512.
    const std::vector<std::string> published(texts_.begin(), texts_.begin() + 600);
    Files files = audit_test::tile_files(published);
    for (const auto& [path, bytes] : files_) {
      if (!path.starts_with("tile/")) files[path] = bytes;
    }
    files_ = std::move(files);
    files_["checkpoint"] = audit_test::checkpoint_of(published, script_.key());
    files_[kJournal] = audit_test::journal_of(texts_, 512, 37, script_.key());
  }

  static constexpr const char* kJournal = "journal/00000000000000000512";
  Script script_;
  std::vector<std::string> texts_;
  Files files_;
};

TEST_F(JournalVerifier, GoesOnWithTheJournal) {
  const auto report = verify(files_);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_TRUE(report.live);
  EXPECT_EQ(report.size, 700U);
  EXPECT_EQ(report.published, 600U);
  EXPECT_EQ(report.head, audit_test::checkpoint_of(texts_, script_.key()));
}

TEST_F(JournalVerifier, LeavesARunningAuditorItsUnfinishedFilesAndOlderWidths) {
  files_["tile/0/.new-002"] = "x";
  const auto wider = audit_test::tile_files({texts_.begin(), texts_.begin() + 650});
  files_["tile/0/002.p/138"] = wider.at("tile/0/002.p/138");
  EXPECT_THAT(verify(files_).findings, IsEmpty());
  files_["tile/0/002.p/138"][4'000] ^= 1;
  EXPECT_THAT(verify(files_).findings, ElementsAre(HasSubstr("tile/0/002.p/138: hash 125")));
}

TEST_F(JournalVerifier, SaysWhereTheJournalIsDamaged) {
  files_[kJournal][files_[kJournal].size() / 2] ^= 4;
  EXPECT_THAT(verify(files_).findings,
              Contains(HasSubstr("journal/00000000000000000512: from byte")));
}

TEST_F(JournalVerifier, ComparesTheJournalWithTheTiles) {
  auto changed = texts_;
  changed[520].replace(changed[520].find("unknown"), 7, "expired");
  files_[kJournal] = audit_test::journal_of(changed, 512, 37, script_.key());
  const auto findings = verify(files_).findings;
  EXPECT_THAT(findings, Contains(HasSubstr("tile/entries/002.p/88: entry 8 is not")));
  EXPECT_THAT(findings, Contains(HasSubstr("checkpoint: its root is not")));
}

TEST_F(JournalVerifier, BelievesAFileNoFurtherThanTheNextOneBegins) {
  files_["journal/00000000000000000256"] =
      audit_test::journal_of({texts_.begin(), texts_.begin() + 530}, 256, 50, script_.key());
  EXPECT_THAT(verify(files_).findings, IsEmpty());
  auto changed = std::vector<std::string>(texts_.begin(), texts_.begin() + 530);
  changed[525].replace(changed[525].find("unknown"), 7, "expired");
  files_["journal/00000000000000000256"] = audit_test::journal_of(changed, 256, 50, script_.key());
  EXPECT_THAT(verify(files_).findings, Contains(HasSubstr("entry 525 is another one")));
}

TEST(LogVerifierDirectory, RefusesWhatDoesNotBelong) {
  const TemporaryDirectory directory;
  const Script script = closed_log(20);
  audit_test::write_files(directory.path(), script.files());
  const std::string path = directory.path();
  std::filesystem::create_directories(path + "/tile/0/spare");
  audit_test::write_files(path, {{"notes\x1b.txt", ""}, {"tile/0/0001", ""}, {".new-x", ""}});
  std::filesystem::create_symlink(path + "/checkpoint", path + "/tile/0/000");
  const auto findings = verify_at(path).findings;
  EXPECT_THAT(findings, SizeIs(5));
  EXPECT_THAT(findings, Contains(HasSubstr("\\u001b")));
  EXPECT_THAT(findings, Contains(HasSubstr("\"tile/0/spare\": a folder that does not belong")));
  EXPECT_THAT(findings, Contains(HasSubstr("\"tile/0/000\": neither a file nor a folder")));
}

TEST(LogVerifierDirectory, BoundsWhatItReadsAndSays) {
  const TemporaryDirectory directory;
  const Script script = closed_log(300);
  const std::string path = directory.path();
  audit_test::write_files(path, script.files());
  std::filesystem::resize_file(path + "/tile/entries/000", std::uint64_t{1} << 40);
  std::filesystem::resize_file(path + "/checkpoint", std::uint64_t{1} << 40);
  EXPECT_THAT(verify_at(path).findings, Contains(HasSubstr("checkpoint: file has 1099511627776")));
  for (int i = 0; i < 300; ++i) {
    audit_test::write_files(path, {{"stray-" + std::to_string(i), ""}});
  }
  EXPECT_THAT(verify_at(path).findings, SizeIs(100));
}

TEST(LogVerifierDirectory, IsNoLogWhenThereIsNothing) {
  const TemporaryDirectory directory;
  const auto opened = base::open_file(directory.path(), O_RDONLY | O_DIRECTORY);
  const auto report = verify_log(opened.value(), {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace daemon_audit
