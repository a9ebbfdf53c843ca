// What the CPU engine is to reach, as data.
#ifndef BENCH_TARGETS_TARGET_LIST_H_
#define BENCH_TARGETS_TARGET_LIST_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace bench {

enum class Bound : std::uint8_t {
  kNone,
  kRead,        // memory read on 2 MiB pages, all threads
  kArithmetic,  // the fastest measured sequence that holds the format's products (limits.h)
};

// Of a measure (bench/model/measure.h) of a model in one format.
struct ModelTarget {
  std::string_view format;
  std::string_view measure;
  double ratio_min = 1;  // ours to the peer's best, tokens per second
  double share_min = 0;  // of the bound
  Bound bound = Bound::kNone;
  bool always =
      true;  // a run that did not measure it has failed; others are judged where they were
};

inline constexpr std::array<std::string_view, 2> kShapes{"qwen2.5-0.5b", "llama-3.2-1b"};

inline constexpr std::array<ModelTarget, 28> kModelTargets{{
    {"Q8_0", "decode batch 1", 1.25, 0.85, Bound::kRead},
    {"Q4_0", "decode batch 1", 1.3, 0.85, Bound::kRead},
    {"Q4_K_M", "decode batch 1", 1.4, 0.85, Bound::kRead},
    {"F16", "decode batch 1", 1.05, 0.85, Bound::kRead},
    {"Q8_0", "prefill 512", 1.7, 0.65, Bound::kArithmetic},
    {"Q4_0", "prefill 512", 2.2, 0.55, Bound::kArithmetic},
    {"Q4_K_M", "prefill 512", 2.8, 0.50, Bound::kArithmetic},
    {"F16", "prefill 512", 1.1, 0.80, Bound::kArithmetic},
    {"Q8_0", "decode batch 8", 2},
    {"Q4_0", "decode batch 8", 2},
    {"Q4_K_M", "decode batch 8", 2},
    {"F16", "decode batch 8", 2},
    {"Q8_0", "decode batch 16", 2},
    {"Q4_0", "decode batch 16", 2},
    {"Q4_K_M", "decode batch 16", 2},
    {"F16", "decode batch 16", 2},
    {"Q8_0", "prefill 2048", 1.3, 0, Bound::kArithmetic, false},
    {"Q4_0", "prefill 2048", 1.3, 0, Bound::kArithmetic},
    {"Q4_K_M", "prefill 2048", 1.3, 0, Bound::kArithmetic, false},
    {"F16", "prefill 2048", 1.3, 0, Bound::kArithmetic, false},
    {"Q8_0", "decode context 2048", 1.3, 0, Bound::kNone, false},
    {"Q4_0", "decode context 2048", 1.3},
    {"Q4_K_M", "decode context 2048", 1.3, 0, Bound::kNone, false},
    {"F16", "decode context 2048", 1.3, 0, Bound::kNone, false},
    {"Q8_0", "decode context 8192", 1.3, 0, Bound::kNone, false},
    {"Q4_0", "decode context 8192", 1.3},
    {"Q4_K_M", "decode context 8192", 1.3, 0, Bound::kNone, false},
    {"F16", "decode context 8192", 1.3, 0, Bound::kNone, false},
}};

// The service, beside the peer's, under the same streams.
inline constexpr double kServiceTokensRatioMin = 1.5;
inline constexpr double kServiceFirstTokenRatioMax = 0.6;  // p95
// Resident memory of the engine: weights by this factor, the KV cache as planned, and this much.
inline constexpr double kWeightsFactorMax = 1.05;
inline constexpr double kResidentSpareBytes = 150.0 * 1024 * 1024;
// From starting `redoubt serve` to ready: signature and every byte of the weights verified.
inline constexpr double kReadySecondsMax = 1.5;

}  // namespace bench

#endif  // BENCH_TARGETS_TARGET_LIST_H_
