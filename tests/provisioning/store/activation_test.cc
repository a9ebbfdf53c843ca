#include "provisioning/store/activation.h"

#include <gtest/gtest.h>

#include <string>

namespace provisioning {
namespace {

const std::string kA(64, 'a');
const std::string kB(64, 'b');
const std::string kC(64, 'c');

Activation proven(const std::string& id) {
  Activation activation;
  activation.propose(id);
  EXPECT_TRUE(activation.start_trial(1));
  activation.prove();
  return activation;
}

Activation proven(const std::string& former, const std::string& id) {
  Activation activation = proven(former);
  activation.propose(id);
  activation.prove();
  return activation;
}

TEST(Activation, WithoutAModelThereIsNothingToStart) {
  Activation activation;
  EXPECT_EQ(activation.to_start(), "");
  EXPECT_FALSE(activation.start_trial(1));
  EXPECT_FALSE(activation.roll_back().ok());
  EXPECT_FALSE(activation.fail_active("gone", 1));
}

TEST(Activation, AProvenModelIsActiveAndTheFormerOnePrevious) {
  const Activation activation = proven(kA, kB);
  EXPECT_EQ(activation.active, kB);
  EXPECT_EQ(activation.previous, kA);
  EXPECT_FALSE(activation.trial);
  EXPECT_TRUE(activation.needs(kA) && activation.needs(kB));
  EXPECT_FALSE(activation.needs(kC));
}

TEST(Activation, AModelOnTrialIsStartedThreeTimesAndThenFailed) {
  Activation activation = proven(kA);
  activation.propose(kB);
  for (std::uint32_t i = 0; i < kTrialStartsMax; ++i) {
    EXPECT_EQ(activation.to_start(), kB);
    EXPECT_TRUE(activation.start_trial(5));
  }
  EXPECT_EQ(activation.to_start(), kA);
  EXPECT_FALSE(activation.start_trial(5));
  ASSERT_NE(activation.failure_of(kB), nullptr);
  EXPECT_EQ(activation.failure_of(kB)->time, 5);
  EXPECT_EQ(activation.active, kA);
  EXPECT_FALSE(activation.trial);
}

TEST(Activation, ProposingAFailedModelForgivesIt) {
  Activation activation = proven(kA);
  activation.propose(kB);
  activation.fail("bad golden answers", 1);
  activation.propose(kB);
  EXPECT_EQ(activation.failure_of(kB), nullptr);
  EXPECT_EQ(activation.to_start(), kB);
}

TEST(Activation, ProposingTheActiveModelEndsTheTrialOfAnother) {
  Activation activation = proven(kA);
  activation.propose(kB);
  activation.propose(kA);
  EXPECT_FALSE(activation.trial);
  EXPECT_EQ(activation.to_start(), kA);
}

TEST(Activation, RollingBackTriesThePreviousModelAndExchangesTheTwo) {
  Activation activation = proven(kA, kB);
  ASSERT_TRUE(activation.roll_back().ok());
  EXPECT_EQ(activation.to_start(), kA);
  activation.prove();
  EXPECT_EQ(activation.active, kA);
  EXPECT_EQ(activation.previous, kB);
}

TEST(Activation, AnActiveModelThatFailsGivesWayToThePreviousOneOnce) {
  Activation activation = proven(kA, kB);
  EXPECT_TRUE(activation.fail_active("an object is corrupt", 7));
  EXPECT_EQ(activation.active, kA);
  EXPECT_EQ(activation.previous, "");
  ASSERT_NE(activation.failure_of(kB), nullptr);
  EXPECT_EQ(activation.failure_of(kB)->why, "an object is corrupt");
  EXPECT_FALSE(activation.fail_active("that one too", 8));
  EXPECT_EQ(activation.active, kA);
}

TEST(Activation, AnActiveModelDoesNotGiveWayToOneThatFailedItself) {
  Activation activation = proven(kA, kB);
  ASSERT_TRUE(activation.roll_back().ok());
  activation.fail("rejected", 1);
  EXPECT_FALSE(activation.fail_active("rejected", 2));
  EXPECT_EQ(activation.active, kB);
}

TEST(Activation, AModelOnTrialStaysOnTrialWhenTheActiveOneFails) {
  Activation activation = proven(kA, kB);
  activation.propose(kC);
  EXPECT_TRUE(activation.fail_active("gone", 1));
  EXPECT_EQ(activation.active, kA);
  EXPECT_EQ(activation.to_start(), kC);
}

TEST(Activation, OnlyTheNewestFailuresAreRemembered) {
  Activation activation;
  for (int i = 0; i < 20; ++i) {
    std::string id(64, '0');
    id[0] = static_cast<char>('a' + i % 6);
    id[1] = static_cast<char>('0' + i / 6);
    activation.propose(id);
    activation.fail(std::string(3'000, 'x'), i);
  }
  EXPECT_EQ(activation.failed.size(), kFailuresMax);
  EXPECT_EQ(activation.failed.front().time, 4);
  EXPECT_TRUE(Activation::parse(activation.serialize()).ok());
}

TEST(Activation, WhatIsSerializedIsReadAgain) {
  Activation activation = proven(kA, kB);
  activation.propose(kC);
  activation.start_trial(1);
  activation.pinned = {kA, kC};
  const auto again = Activation::parse(activation.serialize());
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again.value().serialize(), activation.serialize());
  EXPECT_EQ(again.value().trial->starts, 1u);
}

TEST(Activation, AReasonThatIsNotTextIsReplaced) {
  Activation activation;
  activation.propose(kA);
  activation.fail("\xff\xfe", 1);
  EXPECT_TRUE(Activation::parse(activation.serialize()).ok());
}

std::string document(const std::string& ids, const std::string& rest = "") {
  return R"({"type":"redoubt-activation","format":1,)" + ids + rest + R"("failed":[],"pinned":[]})";
}

TEST(Activation, RefusesWhatNoTransitionLeadsTo) {
  const std::string ids = R"("active":")" + kA + R"(","previous":")" + kB + R"(",)";
  ASSERT_TRUE(Activation::parse(document(ids)).ok());
  for (const std::string& text : {
           std::string(),
           std::string("[]"),
           std::string("{}"),
           document(ids, R"("extra":1,)"),
           document(R"("active":"","previous":")" + kB + R"(",)"),
           document(R"("active":")" + kA + R"(","previous":")" + kA + R"(",)"),
           document(R"("active":"short","previous":"",)"),
           document(R"("active":")" + std::string(64, 'A') + R"(","previous":"",)"),
           document(ids, R"("trial":{"id":")" + kA + R"(","starts":0},)"),
           document(ids, R"("trial":{"id":")" + kC + R"(","starts":4},)"),
           document(ids, R"("trial":{"id":")" + kC + R"(","starts":-1},)"),
           document(ids, R"("trial":{"id":")" + kC + R"("},)"),
           document(ids, R"("trial":null,)"),
       }) {
    EXPECT_FALSE(Activation::parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace provisioning
