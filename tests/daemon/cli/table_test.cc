#include "daemon/cli/table.h"

#include <gtest/gtest.h>

namespace daemon_cli {
namespace {

TEST(Table, AlignsColumnsByCharacters) {
  Table table({"NAME", "N"});
  table.add({"gr\xC3\xBC\xC3\x9F", "1"});
  table.add({"longer name", ""});
  EXPECT_EQ(table.format(), "NAME         N\ngr\xC3\xBC\xC3\x9F         1\nlonger name\n");
}

TEST(Table, LetsNoCellSteerTheTerminal) {
  Table table({"A"});
  table.add({"\x1b[2Jx\ny\x7F"});
  EXPECT_EQ(table.format(), "A\n?[2Jx?y?\n");
}

TEST(Duration, ShowsTwoUnits) {
  EXPECT_EQ(format_duration_ms(999), "0 s");
  EXPECT_EQ(format_duration_ms(59'999), "59 s");
  EXPECT_EQ(format_duration_ms(3'599'000), "59 min 59 s");
  EXPECT_EQ(format_duration_ms(86'399'000), "23 h 59 min");
  EXPECT_EQ(format_duration_ms(100LL * 3'600'000), "4 d 4 h");
}

}  // namespace
}  // namespace daemon_cli
