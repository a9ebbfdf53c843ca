#include "daemon/supervisor/quarantine.h"

#include <gtest/gtest.h>

namespace daemon_supervisor {
namespace {

TEST(Quarantine, KnowsWhatItWasToldBefore) {
  Quarantine quarantine;
  EXPECT_TRUE(quarantine.add("a"));
  EXPECT_TRUE(quarantine.add("b"));
  EXPECT_FALSE(quarantine.add("a"));
  EXPECT_EQ(quarantine.size(), 2u);
}

TEST(Quarantine, AReaderIsGivenEveryDigestOnce) {
  Quarantine quarantine;
  quarantine.add("a");
  quarantine.add("b");
  EXPECT_EQ(*quarantine.at(0), "a");
  EXPECT_EQ(*quarantine.at(1), "b");
  EXPECT_EQ(quarantine.at(2), nullptr);
  quarantine.add("c");
  EXPECT_EQ(*quarantine.at(2), "c");
}

TEST(Quarantine, DropsTheOldestAndKeepsItsPlaces) {
  Quarantine quarantine;
  for (std::size_t i = 0; i < Quarantine::kDigestsMax + 3; ++i) quarantine.add(std::to_string(i));
  EXPECT_EQ(quarantine.size(), Quarantine::kDigestsMax);
  EXPECT_EQ(quarantine.at(2), nullptr);
  EXPECT_EQ(quarantine.first_place(0), 3u);
  EXPECT_EQ(*quarantine.at(3), "3");
  EXPECT_EQ(quarantine.first_place(10), 10u);
  EXPECT_TRUE(quarantine.add("0"));  // forgotten, so new again
}

}  // namespace
}  // namespace daemon_supervisor
