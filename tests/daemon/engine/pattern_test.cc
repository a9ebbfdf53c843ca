#include "daemon/engine/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace daemon_engine {
namespace {

TEST(Pattern, FindsWhatStandsAnywhereInTheText) {
  EXPECT_TRUE(find_pattern("ri+s", "Paris.").value());
  EXPECT_FALSE(find_pattern("^ri+s", "Paris.").value());
  EXPECT_TRUE(find_pattern("^.$", "\xC3\xA9").value()) << "characters, not bytes";
}

TEST(Pattern, GivesUpOnAMatchThatTakesTooLong) {
  const auto found = find_pattern("^(a+)+$", std::string(64, 'a') + "b");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, base::ErrorCode::kExhausted);
}

TEST(Pattern, LetsNoPatternRaiseItsOwnLimits) {
  const auto found = find_pattern("(*LIMIT_MATCH=4000000000)^(a+)+$", std::string(64, 'a') + "b");
  EXPECT_FALSE(found.ok());
}

TEST(Pattern, RefusesWhatIsNoPattern) {
  EXPECT_FALSE(check_pattern("(").ok());
  EXPECT_FALSE(check_pattern("a\\Cb").ok()) << "half a character";
  EXPECT_FALSE(check_pattern("\xFF").ok()) << "not UTF-8";
  EXPECT_FALSE(check_pattern(std::string(kPatternBytesMax + 1, 'a')).ok());
  EXPECT_FALSE(check_pattern("((a{900}){900}){900}").ok()) << "64 KiB when compiled";
  EXPECT_TRUE(check_pattern("^\\s*(?:yes|no)\\b").ok());
}

}  // namespace
}  // namespace daemon_engine
