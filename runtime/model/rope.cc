#include "runtime/model/rope.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "hardening/base/check.h"
#include "runtime/model/limits.h"

namespace runtime {
namespace {

using base::Result;
using base::Status;

constexpr FloatRange kFactorRange{1e-6, 1e6};

// The ramp of YaRN goes from pair `low` (kept) to pair `high` (squeezed).
struct YarnRamp {
  double low;
  double high;
};

// The pair that turns `turns` times over the original context (Peng et al. 2023, appendix of
// section 3.2: the inverse of r(d) = L / wavelength(d)).
double pair_with_turns(const RopeSpec& spec, double turns) {
  const double positions = static_cast<double>(spec.original_context_tokens);
  return static_cast<double>(spec.dims) * std::log(positions / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(spec.base));
}

// Rounded outwards to whole pairs and kept inside the head, as the paper's code and llama.cpp do.
YarnRamp yarn_ramp(const RopeSpec& spec) {
  return {std::max(0.0, std::floor(pair_with_turns(spec, spec.beta_fast))),
          std::min(static_cast<double>(spec.dims) - 1,
                   std::ceil(pair_with_turns(spec, spec.beta_slow)))};
}

// 1 for pairs that keep their frequency, 0 for those that are squeezed.
double kept_share(const YarnRamp& ramp, std::size_t pair) {
  // The ramp may be empty; a thousandth of a pair keeps the division sound (as llama.cpp has it).
  const double width = std::max(0.001, ramp.high - ramp.low);
  return 1 - std::clamp((static_cast<double>(pair) - ramp.low) / width, 0.0, 1.0);
}

// What YaRN multiplies cosines and sines by. With a log multiplier m it is the quotient of two such
// temperatures, for models trained with "mscale" 1 and "mscale_all_dim" m.
double yarn_magnitude(const RopeSpec& spec) {
  if (spec.extrapolation == 0 || spec.factor <= 1) return 1;
  const double log_factor = std::log(spec.factor);
  const double magnitude = 0.1 * log_factor + 1;
  return spec.log_multiplier == 0 ? magnitude
                                  : magnitude / (0.1 * spec.log_multiplier * log_factor + 1);
}

Status read_yarn(MetadataReader& metadata, std::size_t context_tokens, RopeSpec& spec) {
  spec.original_context_tokens = TRY(metadata.size_or("rope.scaling.original_context_length",
                                                      limits::kContextTokensMax, context_tokens));
  spec.extrapolation = TRY(metadata.number_or("rope.scaling.yarn_ext_factor", {0, 1}, 1));
  spec.beta_fast = TRY(metadata.number_or("rope.scaling.yarn_beta_fast", {1e-3, 1e6}, 32));
  spec.beta_slow = TRY(metadata.number_or("rope.scaling.yarn_beta_slow", {1e-3, 1e6}, 1));
  spec.log_multiplier = TRY(metadata.number_or("rope.scaling.yarn_log_multiplier", {0, 100}, 0));
  const double attention =
      TRY(metadata.number_or("rope.scaling.yarn_attn_factor", kFactorRange, 1));
  // llama.cpp makes this factor itself as soon as the ramp applies, and then leaves the file's
  // aside.
  if (spec.extrapolation == 0) spec.attention_factor *= attention;
  return {};
}

Status read_scaling(MetadataReader& metadata, std::size_t context_tokens, RopeSpec& spec) {
  const bool has_factor = metadata.value("rope.scaling.factor") != nullptr;
  spec.factor = TRY(metadata.number_or("rope.scaling.factor", {0, kFactorRange.max}, 0));
  const double old_factor = TRY(metadata.number_or("rope.scale_linear", {0, kFactorRange.max}, 0));
  if (!has_factor) spec.factor = old_factor;  // the key's name before 2023-09
  if (spec.factor == 0) spec.factor = 1;      // converters write 0 for "none"
  spec.attention_factor = TRY(metadata.number_or("rope.scaling.attn_factor", kFactorRange, 1));
  metadata.skip("rope.scaling.finetuned");

  const auto type = TRY(metadata.string_or("rope.scaling.type", "linear"));
  if (type == "yarn") {
    spec.scaling = RopeScaling::kYarn;
    return read_yarn(metadata, context_tokens, spec);
  }
  metadata.skip("rope.scaling.original_context_length");
  if (type == "none") {
    spec.factor = 1;
  } else if (type == "linear") {
    spec.scaling = spec.factor == 1 ? RopeScaling::kNone : RopeScaling::kLinear;
  } else {
    return base::unsupported(metadata.named("rope.scaling.type") +
                             " is none of none, linear, yarn");
  }
  return {};
}

}  // namespace

Result<RopeSpec> read_rope_spec(MetadataReader& metadata, kernels::RopePairs pairs,
                                std::size_t head_dim, std::size_t context_tokens) {
  RopeSpec spec;
  spec.pairs = pairs;
  spec.dims = TRY(metadata.size_or("rope.dimension_count", head_dim, head_dim));
  if (spec.dims % 2 != 0) {
    return base::invalid_input(
        fmt::format("{} is {}, an odd number", metadata.named("rope.dimension_count"), spec.dims));
  }
  // Above one, so that frequencies fall and YaRN's logarithm is not zero.
  spec.base = TRY(metadata.number_or("rope.freq_base", {1.001, 1e12}, 10'000));
  TRY(read_scaling(metadata, context_tokens, spec));
  return spec;
}

RopeTable::RopeTable(const RopeSpec& spec, std::span<const float> divisors)
    : magnitude_(spec.attention_factor) {
  const std::size_t pairs = spec.dims / 2;
  CHECK(divisors.empty() || divisors.size() == pairs);
  const YarnRamp ramp = spec.scaling == RopeScaling::kYarn ? yarn_ramp(spec) : YarnRamp{0, 0};
  for (std::size_t j = 0; j < pairs; ++j) {
    double kept =
        std::pow(spec.base, -2.0 * static_cast<double>(j) / static_cast<double>(spec.dims));
    if (!divisors.empty()) kept /= static_cast<double>(divisors[j]);
    const double squeezed = kept / spec.factor;
    double share = 0;
    if (spec.scaling == RopeScaling::kYarn) share = kept_share(ramp, j) * spec.extrapolation;
    frequencies_.push_back(squeezed * (1 - share) + kept * share);
  }
  if (spec.scaling == RopeScaling::kYarn) magnitude_ *= yarn_magnitude(spec);
}

void RopeTable::fill(std::int32_t position, std::span<float> cos_sin) const {
  const std::size_t pairs = frequencies_.size();
  CHECK(cos_sin.size() == 2 * pairs);
  for (std::size_t j = 0; j < pairs; ++j) {
    const double angle = static_cast<double>(position) * frequencies_[j];
    cos_sin[j] = static_cast<float>(std::cos(angle) * magnitude_);
    cos_sin[pairs + j] = static_cast<float>(std::sin(angle) * magnitude_);
  }
}

}  // namespace runtime
