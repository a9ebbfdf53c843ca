#include "daemon/config/nearest_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace daemon_config {
namespace {

const std::vector<std::string_view> kNames = {"connections_max", "requests_max", "listen"};

TEST(NearestName, FindsASlipOfTheFingers) {
  EXPECT_EQ(nearest_name("conections_max", kNames), "connections_max");
  EXPECT_EQ(nearest_name("lisetn", kNames), "listen");  // neighbours swapped count as one
  EXPECT_EQ(nearest_name("request_max", kNames), "requests_max");
}

TEST(NearestName, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("xyz", kNames), std::nullopt);
  EXPECT_EQ(nearest_name("", kNames), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(1 << 20, 'l'), kNames), std::nullopt);
}

}  // namespace
}  // namespace daemon_config
