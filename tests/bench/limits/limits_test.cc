#include "bench/limits/limits.h"

#include <gtest/gtest.h>

#include <atomic>

#include "bench/limits/processor.h"
#include "bench/limits/threaded_rate.h"

namespace bench {
namespace {

Limit make_limit(std::string key, double all_threads) {
  return {std::move(key), "what", LimitUnit::kOpsPerSecond, all_threads / 2, all_threads};
}

MachineLimits make_limits() {
  MachineLimits limits;
  limits.threads = 2;
  limits.limits = {make_limit("fma-256", 200),        make_limit("fma-512", 400),
                   make_limit("int8-sign", 290),      make_limit("int8-maddubs", 390),
                   make_limit("int8-maddubs-2", 460), make_limit("int8-maddubs-4", 545),
                   make_limit("dpbusd-512", 1900),    make_limit("dpbusd-256", 990),
                   make_limit("amx-int8", 14'000)};
  return limits;
}

std::string bound_key(const MachineLimits& limits, std::string_view kernel_set,
                      std::string_view format) {
  const Limit* limit = arithmetic_bound(limits, kernel_set, format);
  return limit == nullptr ? "" : limit->key;
}

TEST(Limits, AFormatIsBoundByTheFastestSequenceThatHoldsItsProducts) {
  const MachineLimits limits = make_limits();
  EXPECT_EQ(bound_key(limits, "cpu-avx2", "Q4_0"), "int8-maddubs-4");
  EXPECT_EQ(bound_key(limits, "cpu-avx2", "Q6_K"), "int8-maddubs-2");
  EXPECT_EQ(bound_key(limits, "cpu-avx2", "Q8_0"), "int8-sign");
  EXPECT_EQ(bound_key(limits, "cpu-avx2", "F16"), "fma-256");
}

TEST(Limits, VnniHoldsAllProductsAndAmxBoundsNothing) {
  const MachineLimits limits = make_limits();
  EXPECT_EQ(bound_key(limits, "cpu-avx512vnni", "Q8_0"), "dpbusd-512");
  EXPECT_EQ(bound_key(limits, "cpu-avx512vnni", "Q4_K"), "dpbusd-512");
  EXPECT_EQ(bound_key(limits, "cpu-avx512vnni", "BF16"), "fma-512");
}

TEST(Limits, ThereIsNoBoundThatWasNotMeasured) {
  EXPECT_EQ(arithmetic_bound(MachineLimits{}, "cpu-avx2", "Q4_0"), nullptr);
}

TEST(Limits, AreReadBackAsTheyWereWritten) {
  const MachineLimits limits = make_limits();
  const auto again = parse_limits(limits_json(limits).dump());
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again.value().threads, 2U);
  ASSERT_EQ(again.value().limits.size(), limits.limits.size());
  EXPECT_EQ(again.value().find("dpbusd-512")->all_threads, 1900);
  EXPECT_EQ(limits_json(again.value()), limits_json(limits));
}

TEST(Limits, RefusesTextThatIsNoneOfThem) {
  EXPECT_FALSE(parse_limits("{}").ok());
  EXPECT_FALSE(
      parse_limits(R"({"threads":2,"huge_page_share":1,"limits":{"x":{"what":"","unit":"mile"}}})")
          .ok());
}

TEST(Loops, EachOneRunsOnThisProcessor) {
  alignas(64) static std::byte near[kNearBytes] = {};
  for (const ComputeLoop& loop : usable_loops()) {
    EXPECT_GT(loop.ops_per_round, 0) << loop.key;
    loop.run(10, near);
  }
}

TEST(Loops, WhatIsReadDecidesTheResult) {
  alignas(64) static std::byte bytes[4096] = {};
  const ReadLoop read = widest_read();
  const std::uint64_t nothing = read(bytes, sizeof bytes, 0);
  bytes[0] = std::byte{1};
  EXPECT_NE(read(bytes, sizeof bytes, 0), nothing);
  EXPECT_EQ(read(bytes, sizeof bytes, 2048),
            read(bytes, sizeof bytes, 0));  // asking changes nothing
}

TEST(ThreadedRate, RunsTheWorkOncePerThreadAndRound) {
  std::atomic<std::size_t> calls{0};
  EXPECT_GT(best_rate(3, 4, 100,
                      [&calls](std::size_t thread) {
                        EXPECT_LT(thread, 3U);
                        ++calls;
                      }),
            0);
  EXPECT_EQ(calls.load(), 12U);
}

}  // namespace
}  // namespace bench
