#include "daemon/cli/act.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "hardening/base/file.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_cli {
namespace {

using testing::HasSubstr;

class ActTest : public testing::Test {
 protected:
  ActTest() {
    config_.paths.state = directory_.path() + "/state";  // not there yet
    config_.paths.runtime = directory_.path();
  }
  std::string spool() const { return config_.paths.state + "/acts"; }
  // What the spool holds, in order.
  std::vector<daemon_supervisor::ActReport> acts() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(spool()))
      paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<daemon_supervisor::ActReport> reports;
    for (const std::string& path : paths) {
      reports.push_back(daemon_supervisor::ActReport::parse(
                            base::read_text_file(path, daemon_supervisor::kActBytesMax).value())
                            .value());
    }
    return reports;
  }

  TemporaryDirectory directory_;
  daemon_config::Config config_;
};

TEST_F(ActTest, TellsThatItBeginsAndWhatCameOfIt) {
  Act act("import", {{"path", "/media/usb"}});
  ASSERT_TRUE(act.begin(config_).ok());
  auto reports = acts();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_FALSE(reports[0].finished);
  EXPECT_EQ(reports[0].command, "import");
  EXPECT_EQ(reports[0].arguments.at(0).second, "/media/usb");
  EXPECT_EQ(reports[0].uid, ::getuid());

  act.add_fact("id", "ab");
  EXPECT_EQ(act.finish(base::Status(base::denied("nobody has signed it"))).error().message,
            "nobody has signed it");
  reports = acts();
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_TRUE(reports[1].finished);
  EXPECT_EQ(reports[1].act, reports[0].act);
  EXPECT_EQ(reports[1].outcome, "denied");
  EXPECT_EQ(reports[1].why, "nobody has signed it");
  EXPECT_EQ(reports[1].facts.find("id")->as_string(), "ab");
  EXPECT_GT(reports[1].at_us, reports[0].at_us);
}

TEST_F(ActTest, AnActThatIsDroppedHasNotBeenDone) {
  {
    Act act("models gc", {});
    ASSERT_TRUE(act.begin(config_).ok());
  }
  ASSERT_EQ(acts().size(), 2u);
  EXPECT_EQ(acts()[1].outcome, "cancelled");
}

TEST_F(ActTest, WhatCannotBeRecordedIsNotBegun) {
  // In place of the spool there is a file.
  ASSERT_EQ(::mkdir(config_.paths.state.c_str(), 0700), 0);
  ASSERT_TRUE(base::replace_file(spool(), "", 0600).ok());
  Act act("models gc", {});
  const auto begun = act.begin(config_);
  ASSERT_FALSE(begun.ok());
  EXPECT_THAT(begun.error().message, HasSubstr("nothing was done, since it cannot be recorded"));
}

}  // namespace
}  // namespace daemon_cli
