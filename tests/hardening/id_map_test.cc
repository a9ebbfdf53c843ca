#include "hardening/id_map.h"

#include <gtest/gtest.h>

namespace hardening {
namespace {

TEST(IdMap, KnowsWhoExists) {
  const auto map =
      IdMap::parse("         0       1000          1\n     64801      64801          2\n");
  ASSERT_TRUE(map.ok());
  EXPECT_TRUE(map.value().contains(0));
  EXPECT_FALSE(map.value().contains(1));
  EXPECT_TRUE(map.value().contains(64'802));
  EXPECT_FALSE(map.value().contains(64'803));
  EXPECT_EQ(map.value().count(), 3u);
}

TEST(IdMap, OfTheWholeSystemHoldsEverybody) {
  const auto map = IdMap::parse("0 0 4294967295\n");
  ASSERT_TRUE(map.ok());
  EXPECT_TRUE(map.value().contains(4'294'967'294));
}

TEST(IdMap, MayBeEmpty) {
  const auto map = IdMap::parse("");
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map.value().count(), 0u);
}

TEST(IdMap, RefusesWhatIsNone) {
  EXPECT_FALSE(IdMap::parse("0 0\n").ok());
  EXPECT_FALSE(IdMap::parse("0 zero 1\n").ok());
}

}  // namespace
}  // namespace hardening
