#include "daemon/cli/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "daemon/cli/exit_codes.h"
#include "daemon/version.h"

namespace daemon_cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::internal::CaptureStderr;
using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStderr;
using testing::internal::GetCapturedStdout;

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

Outcome run(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "redoubt");
  CaptureStdout();
  CaptureStderr();
  const int status = run_command_line(static_cast<int>(arguments.size()), arguments.data());
  return {status, GetCapturedStdout(), GetCapturedStderr()};
}

TEST(CommandLine, PrintsTheVersion) {
  const Outcome outcome = run({"version"});
  EXPECT_EQ(outcome.status, kExitOk);
  EXPECT_EQ(outcome.out, std::string("redoubt ") + daemon_version::kVersion + "\n");
}

TEST(CommandLine, HelpIsNoFailureAndHidesWhatIsNotForPeople) {
  const Outcome outcome = run({"--help"});
  EXPECT_EQ(outcome.status, kExitOk);
  for (const char* verb : {"serve", "ask", "status", "api-keys", "config", "import", "version"}) {
    EXPECT_THAT(outcome.out, HasSubstr(std::string("\n  ") + verb + " "));
  }
  EXPECT_THAT(outcome.out, Not(HasSubstr("\n  role ")));
  EXPECT_EQ(run({"ask", "--help"}).status, kExitOk);
}

TEST(CommandLine, WhatMakesNoSenseIsAUsageError) {
  for (const auto& arguments :
       std::vector<std::vector<const char*>>{{},
                                             {"nonsense"},
                                             {"--nonsense"},
                                             {"version", "extra"},
                                             {"ask"},
                                             {"api-keys"},
                                             {"api-keys", "create"},
                                             {"ask", "--max-tokens", "many", "x"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, kExitUsage);
    EXPECT_THAT(outcome.err, HasSubstr("redoubt: "));
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(CommandLine, WhatDoesNotWorkIsAFailureThatSaysWhy) {
  const Outcome outcome = run({"config", "check", "/nonexistent.toml"});
  EXPECT_EQ(outcome.status, kExitFailure);
  EXPECT_THAT(outcome.err, HasSubstr("/nonexistent.toml"));
}

TEST(CommandLine, ChecksTheDocumentedConfiguration) {
  EXPECT_EQ(run({"config", "check", "image/redoubt.toml"}).status, kExitOk);
}

TEST(CommandLine, ARoleCannotBeStartedByHand) {
  const Outcome outcome = run({"role", "gateway"});
  EXPECT_EQ(outcome.status, kExitFailure);
  EXPECT_THAT(outcome.err, HasSubstr("started by 'redoubt serve' alone"));
  EXPECT_EQ(run({"role", "nonsense", "--descriptors", "6"}).status, kExitFailure);
}

}  // namespace
}  // namespace daemon_cli
