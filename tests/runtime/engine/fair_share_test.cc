#include "runtime/engine/fair_share.h"

#include <gtest/gtest.h>

namespace runtime {
namespace {

TEST(FairShare, ANewTenantStartsWhereTheLeastServedOneStands) {
  FairShare share(10);
  share.begin_request(1).served = 100;
  share.begin_request(2).served = 150;
  EXPECT_EQ(share.begin_request(3).served, 100U);
}

TEST(FairShare, IdlenessEarnsNothingAndForgivesNothing) {
  FairShare share(10);
  FairShare::Tenant& busy = share.begin_request(1);
  FairShare::Tenant& idle = share.begin_request(2);
  idle.served += 10;
  FairShare::end_request(idle);
  busy.served += 1000;
  EXPECT_EQ(share.begin_request(2).served, 1000U) << "lifted to those at work";
  FairShare::end_request(idle);
  idle.served = 5000;
  EXPECT_EQ(share.begin_request(2).served, 5000U) << "what it owes stays";
}

TEST(FairShare, ForgetsTheIdleTenantThatOwesLeast) {
  FairShare share(2);
  FairShare::Tenant& first = share.begin_request(1);
  first.served = 70;
  FairShare::end_request(first);
  FairShare::Tenant& second = share.begin_request(2);
  second.served = 30;
  FairShare::end_request(second);
  FairShare::end_request(share.begin_request(3));
  EXPECT_EQ(share.begin_request(1).served, 70U);
}

}  // namespace
}  // namespace runtime
