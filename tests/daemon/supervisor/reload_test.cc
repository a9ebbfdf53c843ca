// The reload's own logic against a role that is not running; with a running gateway it is
// supervisor_test's.
#include "daemon/supervisor/reload.h"

#include <gtest/gtest.h>

#include "daemon/supervisor/sealed_memfd.h"

namespace daemon_supervisor {
namespace {

class ReloadTest : public testing::Test {
 protected:
  base::Result<FreshSettings> read() {
    ++reads_;
    FreshSettings fresh;
    fresh.gateway_config = create_sealed_memfd("test", "fresh").value();
    fresh.taken = [this] { ++taken_; };
    return fresh;
  }

  int reads_ = 0;
  int taken_ = 0;
  const base::Logger log_{"test", base::LogLevel::kError};
  Role gateway_{RoleSpec{}, log_};  // never started
  Reload reload_{[this] { return read(); }, log_};
};

TEST_F(ReloadTest, IsNotOverBeforeTheGatewayHasIt) {
  const auto number = reload_.request();
  EXPECT_TRUE(reload_.under_way());
  reload_.advance(gateway_, 0);
  EXPECT_EQ(reads_, 1);
  EXPECT_EQ(reload_.outcome(number), nullptr);
  EXPECT_EQ(taken_, 0);
}

TEST_F(ReloadTest, EndsInTimeWithoutAGateway) {
  const auto number = reload_.request();
  reload_.advance(gateway_, 0);
  const auto deadline = reload_.next_deadline();
  reload_.advance(gateway_, deadline);
  ASSERT_NE(reload_.outcome(number), nullptr);
  EXPECT_EQ(reload_.outcome(number)->find("error")->as_string(),
            "the gateway did not answer in time");
  EXPECT_FALSE(reload_.under_way());
  EXPECT_EQ(taken_, 0);
}

TEST_F(ReloadTest, ARequestIsNotKeptWaiting) {
  EXPECT_EQ(reload_.next_deadline(), Liveness::kNever);
  reload_.request();
  EXPECT_LE(reload_.next_deadline(), 0);  // as every time is
  reload_.advance(gateway_, 0);
  EXPECT_GT(reload_.next_deadline(), 0);
}

// What a second request means may have changed on the disk since the first was read.
TEST_F(ReloadTest, ARequestMeanwhileReadsAgain) {
  const auto first = reload_.request();
  reload_.advance(gateway_, 0);
  const auto second = reload_.request();
  EXPECT_NE(first, second);
  EXPECT_EQ(reload_.request(), second);  // one more reading serves both
  reload_.advance(gateway_, reload_.next_deadline());
  EXPECT_NE(reload_.outcome(first), nullptr);
  EXPECT_EQ(reload_.outcome(second), nullptr);
  reload_.advance(gateway_, 20'000);
  EXPECT_EQ(reads_, 2);
}

TEST_F(ReloadTest, CanBeCalledOff) {
  const auto number = reload_.request();
  reload_.cancel("the service is stopping");
  EXPECT_FALSE(reload_.under_way());
  ASSERT_NE(reload_.outcome(number), nullptr);
  EXPECT_EQ(reads_, 0);
}

}  // namespace
}  // namespace daemon_supervisor
