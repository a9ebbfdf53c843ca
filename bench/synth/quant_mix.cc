// Source of the mixtures: llama.cpp, src/llama-quant.cpp (llama_tensor_get_type_impl and
// tensor_type_fallback), for dense models without an importance matrix.
#include "bench/synth/quant_mix.h"

#include <charconv>

namespace bench {
namespace {

using kernels::Format;

constexpr QuantMix pure(std::string_view name, Format format) {
  return {name, format, format, format, format, {format}, {format}};
}

constexpr QuantMix with_head(std::string_view name, Format format, Format embedding) {
  QuantMix mix = pure(name, format);
  mix.head = Format::kQ6_K;
  mix.embedding = embedding;
  return mix;
}

constexpr QuantMix q2_k() {
  QuantMix mix = with_head("Q2_K", Format::kQ2_K, Format::kQ2_K);
  mix.attention_output = Format::kQ3_K;
  mix.value = {Format::kQ3_K, LayerSet::kAll, Format::kQ4_K, true};
  mix.mlp_output = {Format::kQ3_K};
  return mix;
}

constexpr QuantMix q3_k_m() {
  QuantMix mix = with_head("Q3_K_M", Format::kQ3_K, Format::kQ3_K);
  mix.attention_output = Format::kQ4_K;
  mix.value = {Format::kQ4_K, LayerSet::kFirstTwo, Format::kQ5_K};
  mix.mlp_output = {Format::kQ4_K, LayerSet::kFirstSixteenth, Format::kQ5_K};
  return mix;
}

// Q4_K_M and Q5_K_M.
constexpr QuantMix with_more_bits(std::string_view name, Format format) {
  QuantMix mix = with_head(name, format, format);
  mix.value = {format, LayerSet::kEdgesAndThirds, Format::kQ6_K};
  mix.mlp_output = {format, LayerSet::kEdgesAndThirds, Format::kQ6_K};
  return mix;
}

// IQ4_NL and IQ4_XS.
constexpr QuantMix iq4(std::string_view name, Format format) {
  QuantMix mix = with_head(name, format, format);
  mix.value = {format, LayerSet::kAll, Format::kQ5_K, true};
  mix.mlp_output = {format, LayerSet::kFirstEighth, Format::kQ5_K};
  return mix;
}

constexpr QuantMix kMixes[] = {
    pure("F32", Format::kF32),
    pure("F16", Format::kF16),
    pure("BF16", Format::kBF16),
    pure("Q8_0", Format::kQ8_0),
    pure("Q4_0", Format::kQ4_0),
    pure("Q4_1", Format::kQ4_1),
    pure("Q5_0", Format::kQ5_0),
    pure("Q5_1", Format::kQ5_1),
    q2_k(),
    q3_k_m(),
    pure("Q4_K", Format::kQ4_K),
    with_more_bits("Q4_K_M", Format::kQ4_K),
    pure("Q5_K", Format::kQ5_K),
    with_more_bits("Q5_K_M", Format::kQ5_K),
    pure("Q6_K", Format::kQ6_K),
    iq4("IQ4_NL", Format::kIQ4_NL),
    iq4("IQ4_XS", Format::kIQ4_XS),
    with_head("TQ1_0", Format::kTQ1_0, Format::kQ4_K),
    with_head("TQ2_0", Format::kTQ2_0, Format::kQ4_K),
    pure("MXFP4", Format::kMXFP4),
};

bool is_in(LayerSet set, std::uint32_t layer, std::uint32_t layers) {
  switch (set) {
    case LayerSet::kNone:
      return false;
    case LayerSet::kAll:
      return true;
    case LayerSet::kFirstTwo:
      return layer < 2;
    case LayerSet::kFirstSixteenth:
      return layer < layers / 16;
    case LayerSet::kFirstEighth:
      return layer < layers / 8;
    case LayerSet::kEdgesAndThirds:
      return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
  }
  return false;
}

Format layer_format(const LayerRule& rule, const MixedModel& model, std::uint32_t layer) {
  if (rule.for_groups && model.heads_per_kv_head < 4) return rule.format;
  return is_in(rule.special, layer, model.layers) ? rule.special_format : rule.format;
}

Format asked_format(const QuantMix& mix, const MixedModel& model, std::string_view name) {
  if (name == "output.weight") return mix.head;
  if (name == "token_embd.weight") return model.tied_output ? mix.head : mix.embedding;
  if (!name.starts_with("blk.")) return mix.format;
  std::uint32_t layer = 0;
  name.remove_prefix(4);
  const auto number = std::from_chars(name.data(), name.data() + name.size(), layer);
  name.remove_prefix(static_cast<std::size_t>(number.ptr - name.data()));
  if (name == ".attn_v.weight") return layer_format(mix.value, model, layer);
  if (name == ".ffn_down.weight") return layer_format(mix.mlp_output, model, layer);
  return name == ".attn_output.weight" ? mix.attention_output : mix.format;
}

// The format of 32 elements that stands in for one of 256.
Format stand_in(Format format) {
  switch (format) {
    case Format::kIQ4_XS:
      return Format::kIQ4_NL;
    case Format::kQ4_K:
      return Format::kQ5_0;
    case Format::kQ5_K:
      return Format::kQ5_1;
    case Format::kQ6_K:
      return Format::kQ8_0;
    default:  // Q2_K, Q3_K, TQ1_0, TQ2_0
      return Format::kQ4_0;
  }
}

}  // namespace

std::span<const QuantMix> quant_mixes() {
  return kMixes;
}

const QuantMix* find_quant_mix(std::string_view name) {
  for (const QuantMix& mix : kMixes) {
    if (mix.name == name) return &mix;
  }
  return nullptr;
}

Format mixed_format(const QuantMix& mix, const MixedModel& model, std::string_view tensor_name,
                    std::size_t cols) {
  const Format asked = asked_format(mix, model, tensor_name);
  const bool is_head =
      tensor_name == "output.weight" || (tensor_name == "token_embd.weight" && model.tied_output);
  if (kernels::row_bytes(asked, cols).has_value()) return asked;
  const Format short_block = is_head ? Format::kQ8_0 : stand_in(asked);
  return kernels::row_bytes(short_block, cols).has_value() ? short_block : Format::kF16;
}

}  // namespace bench
