#include "daemon/supervisor/act_spool.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_supervisor {
namespace {

using base::Json;
using testing::HasSubstr;

ActReport begun() {
  ActReport report;
  report.act = 17;
  report.command = "models activate";
  report.arguments = {{"model", "assistant"}};
  report.uid = 0;
  report.user = "root";
  report.at_us = 1'763'748'309'123'456;
  return report;
}

ActReport finished() {
  ActReport report = begun();
  report.finished = true;
  report.at_us += 5;
  report.outcome = "done";
  return report;
}

class ActSpoolTest : public testing::Test {
 protected:
  std::string path() const { return directory_.path() + "/acts"; }
  std::size_t files() const {
    const std::filesystem::directory_iterator all(path());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  std::size_t take() {
    return spool_.take([this](Json body) -> std::uint64_t {
      if (bodies_.size() >= room_) return 0;
      bodies_.push_back(body.dump());
      return bodies_.size();
    });
  }
  void clear_through(std::uint64_t durable) {
    spool_.clear([durable](std::uint64_t record) { return record <= durable; });
  }
  void put(const std::string& name, const std::string& text) {
    ASSERT_TRUE(base::replace_file(path() + "/" + name, text, 0600).ok());
  }

  TemporaryDirectory directory_;
  ActSpool spool_{directory_.path() + "/acts"};
  std::vector<std::string> bodies_;
  std::size_t room_ = 10'000;
};

TEST_F(ActSpoolTest, TakesActsInOrderAndRemovesThemWhenTheyAreDurable) {
  ASSERT_TRUE(write_act(path(), finished(), nullptr).ok());
  ASSERT_TRUE(write_act(path(), begun(), nullptr).ok());
  EXPECT_EQ(take(), 2u);
  ASSERT_EQ(bodies_.size(), 2u);
  EXPECT_EQ(bodies_[0],
            "{\"act\":17,\"phase\":\"begun\",\"command\":\"models activate\",\"arguments\":"
            "{\"model\":\"assistant\"},\"uid\":0,\"user\":\"root\","
            "\"at\":\"2025-11-21T18:05:09.123456Z\"}");
  EXPECT_THAT(bodies_[1], HasSubstr("\"outcome\":\"done\""));
  EXPECT_EQ(take(), 0u);  // they are known
  clear_through(1);
  EXPECT_EQ(files(), 1u);
  clear_through(2);
  EXPECT_EQ(files(), 0u);
}

TEST_F(ActSpoolTest, SaysThemAgainAfterARestart) {
  ASSERT_TRUE(write_act(path(), begun(), nullptr).ok());
  EXPECT_EQ(take(), 1u);
  spool_ = ActSpool(path());
  EXPECT_EQ(take(), 1u);
  EXPECT_EQ(bodies_[0], bodies_[1]);
}

TEST_F(ActSpoolTest, LeavesThemWhereThereIsNoRoomForARecord) {
  room_ = 0;
  ASSERT_TRUE(write_act(path(), begun(), nullptr).ok());
  EXPECT_EQ(take(), 0u);
  room_ = 1;
  EXPECT_EQ(take(), 1u);
}

TEST_F(ActSpoolTest, ADirectoryThatIsNotThereHasNone) {
  EXPECT_EQ(take(), 0u);
}

TEST_F(ActSpoolTest, PutsAsideWhatIsMalformedAndSaysSo) {
  ASSERT_TRUE(write_act(path(), begun(), nullptr).ok());
  put("0001763748309123457-00000000000011-begun.json", "{\"act\":1}");
  put("0001763748309123458-00000000000011-begun.json", std::string(kActBytesMax + 1, ' '));
  ASSERT_EQ(::mkfifo((path() + "/0001763748309123459-00000000000011-begun.json").c_str(), 0600), 0);
  put("notes.txt", "not an act");
  EXPECT_EQ(take(), 4u);
  EXPECT_THAT(bodies_.at(1), HasSubstr("\"phase\":\"malformed\""));
  EXPECT_THAT(bodies_.at(1), HasSubstr("phase: missing"));
  EXPECT_THAT(bodies_.at(2), HasSubstr("16384"));
  EXPECT_EQ(take(), 0u);
  EXPECT_EQ(files(), 5u);
}

TEST_F(ActSpoolTest, ThereIsAnEndToWhatWaits) {
  ActReport report = begun();
  ASSERT_TRUE(write_act(path(), report, nullptr).ok());
  for (std::size_t i = 1; i < kActsMax; ++i) {
    ++report.at_us;
    const int file =
        ::open((path() + "/" + act_file_name(report)).c_str(), O_CREAT | O_WRONLY, 0600);
    ASSERT_GE(file, 0);
    ::close(file);
  }
  ++report.at_us;
  const auto written = write_act(path(), report, nullptr);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, base::ErrorCode::kExhausted);
  EXPECT_THAT(written.error().message, HasSubstr("holds 1000 acts"));
}

TEST(ActReport, ReadsWhatItWrites) {
  for (ActReport report : {begun(), finished()}) {
    report.why = "because";
    report.facts.set("id", "ab");
    const auto again = ActReport::parse(report.body().dump());
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again.value().body(), report.body());
    EXPECT_TRUE(is_act_file_name(act_file_name(report)));
  }
}

TEST(ActReport, WhatPeopleTypeIsMadeToFit) {
  ActReport report = finished();
  report.arguments = {{"path", "/media/\n\x1b[2J\xff" + std::string(5'000, 'x')}};
  for (int i = 0; i < 30; ++i) report.arguments.emplace_back("n" + std::to_string(i), "");
  report.why = std::string(5'000, 'y');
  report.facts.set("long", std::string(5'000, 'z'));
  const std::string text = report.body().dump();
  EXPECT_LT(text.size(), kActBytesMax);
  EXPECT_THAT(text, HasSubstr("\"/media/??[2J?xxx"));
  EXPECT_TRUE(ActReport::parse(text).ok());
}

TEST(ActReport, RefusesWhatIsNoAct) {
  const std::string good = begun().body().dump();
  ASSERT_TRUE(ActReport::parse(good).ok());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    const auto parsed = ActReport::parse(text);
    return parsed.ok() ? "(taken)" : parsed.error().message;
  };
  EXPECT_THAT(with("\"act\":17", "\"act\":0"), HasSubstr("has a number"));
  EXPECT_THAT(with("\"act\":17", "\"act\":-1"), HasSubstr("act: a whole number"));
  EXPECT_THAT(with("\"act\":17", "\"act\":9007199254740992"), HasSubstr("act: a whole number"));
  EXPECT_THAT(with("\"begun\"", "\"over\""), HasSubstr("phase: neither"));
  EXPECT_THAT(with("\"begun\"", "\"finished\""), HasSubstr("outcome: of an act"));
  EXPECT_THAT(with("\"uid\":0,", ""), HasSubstr("uid: missing"));
  EXPECT_THAT(with("\"uid\":0", "\"uid\":4294967296"), HasSubstr("uid: a whole number"));
  EXPECT_THAT(with("\"uid\":0", "\"uid\":0,\"pid\":1"), HasSubstr("pid: no member of an act"));
  EXPECT_THAT(with("2025-11", "2025-13"), HasSubstr("at: "));
  EXPECT_THAT(with("{\"model\":\"assistant\"}", "[]"), HasSubstr("arguments: an object"));
  EXPECT_THAT(with("models activate", std::string(65, 'x')), HasSubstr("command: a text"));
}

TEST(ActReport, NamesAreRecognised) {
  EXPECT_TRUE(is_act_file_name("0001763748309123456-0123456789abcd-begun.json"));
  for (const char* name : {"", "lock", "0001763748309123456-0123456789abcd-other.json",
                           "0001763748309123456-0123456789abcX-begun.json",
                           ".new-0001763748309123456-0123456789abcd-begun.json",
                           "malformed-0001763748309123456-0123456789abcd-begun.json"})
    EXPECT_FALSE(is_act_file_name(name)) << name;
}

}  // namespace
}  // namespace daemon_supervisor
