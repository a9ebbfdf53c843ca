// Which measured sequence bounds which format.
#include <array>
#include <span>

#include "bench/limits/limits.h"

namespace bench {
namespace {

bool is_float(std::string_view format) {
  return format == "F32" || format == "F16" || format == "BF16";
}

// With activations of magnitude 127 at most, VPMADDUBSW's pairs sum to 254 times the largest code;
// how many of them fit an int16 says which sequence a format can use. Codes that are signed bytes
// or come from a table of such have one pair, and a sign to move over.
std::span<const std::string_view> avx2_keys(std::string_view format) {
  static constexpr std::array<std::string_view, 1> kSigned{"int8-sign"};
  static constexpr std::array<std::string_view, 2> kTwoPairs{"int8-maddubs-2", "int8-maddubs"};
  static constexpr std::array<std::string_view, 2> kFourPairs{"int8-maddubs-4", "int8-maddubs-2"};
  static constexpr std::array<std::string_view, 10> kUpToFiveBits{
      "Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "TQ1_0", "TQ2_0"};
  for (const std::string_view name : kUpToFiveBits) {
    if (format == name) return kFourPairs;
  }
  if (format == "Q6_K") return kTwoPairs;
  return kSigned;
}

std::span<const std::string_view> keys_of(std::string_view kernel_set, std::string_view format) {
  static constexpr std::array<std::string_view, 1> kWideFloat{"fma-512"};
  static constexpr std::array<std::string_view, 1> kFloat{"fma-256"};
  static constexpr std::array<std::string_view, 2> kWideDot{"dpbusd-512", "dpbusd-256"};
  static constexpr std::array<std::string_view, 1> kVexDot{"dpbusd-vex"};
  // The kernels of AMX are those of AVX-512 but for quantised prefill. They stay held against the
  // best vector sequence: a format with a scale every 32 columns does not let sums rest in tile
  // registers, which is what the peak of AMX is measured with.
  const bool wide = kernel_set.find("avx512") != std::string_view::npos || kernel_set == "cpu-amx";
  if (is_float(format)) return wide ? kWideFloat : kFloat;
  if (wide) return kWideDot;
  if (kernel_set.find("vnni") != std::string_view::npos) return kVexDot;
  return avx2_keys(format);
}

}  // namespace

const Limit* arithmetic_bound(const MachineLimits& limits, std::string_view kernel_set,
                              std::string_view format_name) {
  const Limit* best = nullptr;
  for (const std::string_view key : keys_of(kernel_set, format_name)) {
    const Limit* limit = limits.find(key);
    if (limit != nullptr && (best == nullptr || limit->all_threads > best->all_threads))
      best = limit;
  }
  return best;
}

}  // namespace bench
