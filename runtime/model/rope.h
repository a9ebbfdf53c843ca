// Rotary position embedding (Su et al. 2021, section 3.4.2) and the ways models stretch it to
// longer contexts.
//
// Pair j of a head is turned by position * frequency[j]. Without scaling frequency[j] =
// base^(-2j/dims).
//
//   linear   frequency / factor: positions are squeezed (Chen et al. 2023, equation 4)
//   YaRN     fast pairs keep their frequency, slow ones are squeezed by the factor, with a ramp
//   between
//            (Peng et al. 2023, section 3.2 "NTK-by-parts", equations 17 to 23), and the
//            attention's temperature changes by a factor on the cosines and sines (section 3.4,
//            equation 22: sqrt(1/t) = 0.1 ln(s) + 1)
//   llama3   each pair has a divisor, a tensor of the file ("rope_freqs.weight")
//
// All of it is done once, in double precision.
#ifndef RUNTIME_MODEL_ROPE_H_
#define RUNTIME_MODEL_ROPE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hardening/base/result.h"
#include "kernels/ops.h"
#include "runtime/model/metadata_reader.h"

namespace runtime {

enum class RopeScaling : std::uint8_t { kNone, kLinear, kYarn };

struct RopeSpec {
  kernels::RopePairs pairs = kernels::RopePairs::kAdjacent;
  std::size_t dims = 0;  // elements of a head that are turned; even
  double base = 10'000;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1;
  double attention_factor = 1;  // on cosines and sines, whatever the scaling

  // YaRN only. (llama.cpp reads the file's betas and multiplier for some architectures and takes
  // its defaults for others; here they count wherever the file has them.)
  std::size_t original_context_tokens = 0;
  double extrapolation = 1;  // how much of the ramp applies: 0 is none, which leaves linear scaling
  double beta_fast = 32;     // pairs that turn more often than this over the original context stay
  double beta_slow = 1;      // pairs that turn less often are squeezed by the whole factor
  double log_multiplier = 0;  // DeepSeek's and Mistral's "mscale_all_dim"; 0 for none
};

// The rope.* keys. `pairs` is the family's, `head_dim` the default and limit of dims,
// `context_tokens` the default of the original context.
base::Result<RopeSpec> read_rope_spec(MetadataReader& metadata, kernels::RopePairs pairs,
                                      std::size_t head_dim, std::size_t context_tokens);

// Makes the rows of kernels::Rope::cos_sin.
class RopeTable {
 public:
  // `divisors` is empty, or has dims/2 positive numbers.
  RopeTable(const RopeSpec& spec, std::span<const float> divisors);

  std::span<const double> frequencies() const { return frequencies_; }  // [dims/2]
  double magnitude() const { return magnitude_; }                       // on every cosine and sine

  // cos_sin [dims]: dims/2 cosines, then dims/2 sines, of a position.
  void fill(std::int32_t position, std::span<float> cos_sin) const;

 private:
  std::vector<double> frequencies_;
  double magnitude_ = 1;
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_ROPE_H_
