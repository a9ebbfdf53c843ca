#include "daemon/auditor/auditor_config.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace daemon_auditor {
namespace {

AuditorConfig full() {
  AuditorConfig config;
  config.origin = "redoubt/site";
  config.host = "appliance-7";
  config.sealed_days = 30;
  config.retention_days = 400;
  config.witnesses = {"one", "two"};
  config.boot = std::string(32, 'a');
  config.supervisor = std::numeric_limits<std::uint64_t>::max();
  return config;
}

TEST(AuditorConfig, ReadsBackWhatItWrites) {
  const AuditorConfig read = AuditorConfig::parse(full().serialize()).value();
  EXPECT_EQ(read.origin, "redoubt/site");
  EXPECT_EQ(read.host, "appliance-7");
  EXPECT_EQ(read.sealed_days, 30u);
  EXPECT_EQ(read.retention_days, 400u);
  EXPECT_EQ(read.witnesses, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(read.boot, std::string(32, 'a'));
  EXPECT_EQ(read.supervisor, std::numeric_limits<std::uint64_t>::max());
}

std::string refusal(std::string_view from, std::string_view to) {
  std::string text = full().serialize();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  const auto parsed = AuditorConfig::parse(text.replace(at, from.size(), to));
  return parsed.ok() ? "accepted" : parsed.error().message;
}

TEST(AuditorConfig, NamesWhatIsWrong) {
  EXPECT_NE(refusal("\"origin\"", "\"orogin\"").find("orogin"), std::string::npos);
  EXPECT_NE(refusal("\"sealed_days\":30", "\"sealed_days\":-1").find("sealed_days"),
            std::string::npos);
  EXPECT_NE(refusal(":400", ":4294967296").find("retention_days"), std::string::npos);
  EXPECT_NE(refusal("\"aaa", "\"gaa").find("boot"), std::string::npos);
  EXPECT_NE(refusal("\"18446744073709551615\"", "\"18446744073709551616\"").find("supervisor"),
            std::string::npos);
  EXPECT_NE(refusal("\"18446744073709551615\"", "\"\"").find("supervisor"), std::string::npos);
  EXPECT_NE(refusal("[\"one\",\"two\"]", "[7]").find("witnesses"), std::string::npos);
}

}  // namespace
}  // namespace daemon_auditor
