// Which format each matrix of a model gets: one for all, or the mixtures of llama.cpp's quantise
// tool, so that what is timed here has the bytes of the files people use.
#ifndef BENCH_SYNTH_QUANT_MIX_H_
#define BENCH_SYNTH_QUANT_MIX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/format.h"

namespace bench {

// The layers in which a matrix gets a format of its own.
enum class LayerSet : std::uint8_t {
  kNone,
  kAll,
  kFirstTwo,
  kFirstSixteenth,
  kFirstEighth,
  kEdgesAndThirds,  // the first and last eighth, and every third between
};

struct LayerRule {
  kernels::Format format;  // of most layers
  LayerSet special = LayerSet::kNone;
  kernels::Format special_format = kernels::Format::kF32;
  bool for_groups = false;  // special only where at least four query heads share a value head
};

struct QuantMix {
  std::string_view name;
  kernels::Format format;     // of every matrix not named below
  kernels::Format head;       // output matrix; the embedding where one matrix is both
  kernels::Format embedding;  // token embedding where it is a matrix of its own
  kernels::Format attention_output;
  LayerRule value;
  LayerRule mlp_output;
};

// Names of formats ("Q4_0") give that format to every matrix; "Q4_K_M" and its like, and those
// formats llama.cpp never uses alone (Q2_K, IQ4_NL, IQ4_XS, TQ1_0, TQ2_0), give its mixture.
std::span<const QuantMix> quant_mixes();
const QuantMix* find_quant_mix(std::string_view name);

// What the rules ask of a model.
struct MixedModel {
  std::uint32_t layers = 0;
  std::uint32_t heads_per_kv_head = 1;
  bool tied_output = false;
};

// The format of a matrix of `cols` columns, by its GGUF name. Where its rows do not divide into
// blocks, llama.cpp's stand-in with shorter blocks; where those do not fit either, F16.
kernels::Format mixed_format(const QuantMix& mix, const MixedModel& model,
                             std::string_view tensor_name, std::size_t cols);

}  // namespace bench

#endif  // BENCH_SYNTH_QUANT_MIX_H_
