#include "daemon/gateway/admission.h"

#include <gtest/gtest.h>

namespace daemon_gateway {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

void begin(Admission& admission, std::uint64_t tenant, int count) {
  for (int i = 0; i < count; ++i) admission.begin(tenant);
}

int status_of(const Admission& admission, std::uint64_t tenant) {
  const ApiStatus checked = admission.check(tenant);
  return checked.ok() ? 200 : checked.error().status;
}

TEST(Admission, TakesAsManyAsThereAreSlots) {
  Admission admission(4, 0);
  begin(admission, 1, 4);
  EXPECT_TRUE(admission.full());
  EXPECT_EQ(status_of(admission, 1), 503);
  admission.end(1, kSecond);
  EXPECT_EQ(status_of(admission, 2), 200);
}

TEST(Admission, KeepsTheLastEighthForKeysWithLessThanTheirShare) {
  Admission admission(64, 0);
  begin(admission, 1, 55);
  EXPECT_EQ(status_of(admission, 1), 200);
  begin(admission, 1, 1);
  EXPECT_EQ(status_of(admission, 1), 429);
  begin(admission, 2, 8);
  EXPECT_EQ(status_of(admission, 2), 503);
  admission.end(1, kSecond);
  EXPECT_EQ(status_of(admission, 1), 429) << "what a greedy key gives back goes to others first";
  EXPECT_EQ(status_of(admission, 2), 200);
  EXPECT_EQ(status_of(admission, 3), 200);
}

TEST(Admission, HoldsAKeyToItsOwnLimit) {
  Admission admission(64, 2);
  begin(admission, 1, 2);
  EXPECT_EQ(status_of(admission, 1), 429);
  EXPECT_EQ(status_of(admission, 2), 200);
  admission.set_key_slots(3);
  EXPECT_EQ(status_of(admission, 1), 200);
}

TEST(Admission, SaysWhenToComeAgainByHowLongRequestsTake) {
  Admission admission(4, 0);
  EXPECT_EQ(admission.retry_after_s(), 2U) << "nothing is known yet";
  begin(admission, 1, 1);
  admission.end(1, 40 * kSecond);
  begin(admission, 1, 4);
  EXPECT_EQ(admission.check(1).error().retry_after_s, 10U) << "one of four ends every ten seconds";
  for (int i = 0; i < 100; ++i) {
    admission.end(1, kSecond / 100);
    begin(admission, 1, 1);
  }
  EXPECT_EQ(admission.retry_after_s(), 1U);
  for (int i = 0; i < 100; ++i) {
    admission.end(1, 3'600 * kSecond);
    begin(admission, 1, 1);
  }
  EXPECT_EQ(admission.retry_after_s(), 60U);
}

}  // namespace
}  // namespace daemon_gateway
