#include "runtime/model/model_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/model/limits.h"
#include "runtime/model/metadata_reader.h"

namespace runtime {
namespace {

using base::Result;
using base::Status;

// The layout of ggml's blocks since 2023-05 (GGML_QNT_VERSION).
constexpr std::uint64_t kQuantizationVersion = 2;

// What may stand in a message as it is.
bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

Result<const Family*> find_family(const GgufFile& file) {
  const GgufValue* value = file.find("general.architecture");
  if (value == nullptr)
    return base::invalid_input("metadata \"general.architecture\" is missing: not a model file");
  const auto name = value->as_string();
  std::string known;
  for (const Family* family : families()) {
    if (name == family->architecture) return family;
    known += known.empty() ? "" : ", ";
    known += family->architecture;
  }
  const bool plain =
      name && name->size() <= 32 && std::all_of(name->begin(), name->end(), is_name_char);
  return base::unsupported(
      fmt::format("metadata \"general.architecture\" is {}; {} are implemented",
                  plain ? *name : "not a name", known));
}

// Whether the file has the optional part that this tensor shows.
Result<bool> has_part(const GgufFile& file, Presence presence, std::string_view tensor) {
  const bool found = file.find_tensor(tensor) != nullptr;
  if (!found && presence == Presence::kRequired) {
    return base::invalid_input(fmt::format("tensor \"{}\" is missing", tensor));
  }
  return found && presence != Presence::kAbsent;
}

// Facts about the whole file that would make us misread it.
Status check_container(const GgufFile& file) {
  const GgufValue* split = file.find("split.count");
  if (split != nullptr && split->as_uint() != 0u && split->as_uint() != 1u) {
    return base::unsupported("metadata \"split.count\" is not 1: join the model's files into one");
  }
  const GgufValue* version = file.find("general.quantization_version");
  if (version != nullptr && version->as_uint() != kQuantizationVersion) {
    return base::unsupported(
        fmt::format("metadata \"general.quantization_version\" is not {}", kQuantizationVersion));
  }
  return {};
}

Status read_shape(MetadataReader& metadata, ModelSpec& spec) {
  spec.layers = TRY(metadata.size("block_count", limits::kLayersMax));
  spec.dim = TRY(metadata.size("embedding_length", limits::kDimMax));
  spec.ff_dim = TRY(metadata.size("feed_forward_length", limits::kFfDimMax));
  spec.context_tokens_max = TRY(metadata.size("context_length", limits::kContextTokensMax));
  spec.rms_eps =
      static_cast<float>(TRY(metadata.number("attention.layer_norm_rms_epsilon", {1e-12, 1})));
  return {};
}

Status read_heads(MetadataReader& metadata, ModelSpec& spec) {
  spec.heads = TRY(metadata.size("attention.head_count", limits::kHeadsMax));
  spec.kv_heads = TRY(metadata.size_or("attention.head_count_kv", spec.heads, spec.heads));
  if (spec.heads % spec.kv_heads != 0) {
    return base::invalid_input(fmt::format("{} is {}, which does not divide the {} heads",
                                           metadata.named("attention.head_count_kv"), spec.kv_heads,
                                           spec.heads));
  }
  const bool says_length = metadata.value("attention.key_length") != nullptr;
  if (!says_length && spec.dim % spec.heads != 0) {
    return base::invalid_input(
        fmt::format("{} is missing, and {} dimensions do not divide into {} heads",
                    metadata.named("attention.key_length"), spec.dim, spec.heads));
  }
  spec.head_dim = says_length ? TRY(metadata.size("attention.key_length", limits::kHeadDimMax))
                              : spec.dim / spec.heads;
  const std::size_t value_dim =
      TRY(metadata.size_or("attention.value_length", limits::kHeadDimMax, spec.head_dim));
  if (spec.head_dim > limits::kHeadDimMax || spec.head_dim % 2 != 0 || value_dim != spec.head_dim) {
    return base::unsupported(
        fmt::format("heads of {} for keys and {} for values; one even size up to {} is read",
                    spec.head_dim, value_dim, limits::kHeadDimMax));
  }
  const double usual = 1 / std::sqrt(static_cast<double>(spec.head_dim));
  const double scale = TRY(metadata.number_or("attention.scale", {0, 100}, 0));
  spec.attention_scale = static_cast<float>(scale == 0 ? usual : scale);
  return {};
}

Status read_window(MetadataReader& metadata, ModelSpec& spec) {
  if (!spec.family->sliding_window)
    return {};  // then the key, if there is one, is refused as unknown
  const GgufValue* value = metadata.value("attention.sliding_window");
  if (value == nullptr || value->as_uint() == 0u) return {};
  spec.window = static_cast<std::int32_t>(
      TRY(metadata.size("attention.sliding_window", limits::kContextTokensMax)));
  return {};
}

// Queries are multiplied by 1 + c ln(1 + floor(position / original)); that is 1 below the original
// context, where we stop.
Status read_temperature(MetadataReader& metadata, ModelSpec& spec) {
  if (!spec.family->attention_temperature) return {};
  if (TRY(metadata.number_or("attention.temperature_scale", {0, 100}, 0)) == 0) return {};
  std::size_t original = spec.context_tokens_max;
  if (spec.rope.scaling == RopeScaling::kYarn) original = spec.rope.original_context_tokens;
  original =
      TRY(metadata.size_or("attention.temperature_length", limits::kContextTokensMax, original));
  spec.context_tokens_max = std::min(spec.context_tokens_max, original);
  return {};
}

// Keys that some converters write for every architecture; a dense model has no experts.
Status refuse_other_kinds(MetadataReader& metadata) {
  for (const std::string_view key : {"expert_count", "expert_used_count"}) {
    const GgufValue* value = metadata.value(key);
    if (value != nullptr && value->as_uint() != 0u) {
      return base::unsupported(metadata.named(key) +
                               " is not 0: mixtures of experts are not implemented");
    }
  }
  metadata.skip("tensor_data_layout");
  return metadata.refuse_unasked();
}

Status read_vocabulary_size(const GgufFile& file, MetadataReader& metadata, ModelSpec& spec) {
  const GgufTensor* table = file.find_tensor("token_embd.weight");
  if (table == nullptr) return base::invalid_input("tensor \"token_embd.weight\" is missing");
  spec.vocabulary = table->rows();
  if (spec.vocabulary > limits::kVocabularyMax) {
    return base::exhausted(fmt::format("tensor \"token_embd.weight\" has {} rows; the limit is {}",
                                       spec.vocabulary, limits::kVocabularyMax));
  }
  const std::size_t said =
      TRY(metadata.size_or("vocab_size", limits::kVocabularyMax, spec.vocabulary));
  const GgufValue* tokens = file.find("tokenizer.ggml.tokens");
  const std::uint64_t listed = tokens == nullptr ? spec.vocabulary : tokens->count();
  if (said != spec.vocabulary || listed != spec.vocabulary) {
    return base::invalid_input(
        fmt::format("tensor \"token_embd.weight\" has {} rows, vocab_size says {}, "
                    "tokenizer.ggml.tokens has {}",
                    spec.vocabulary, said, listed));
  }
  return {};
}

Status read_parts(const GgufFile& file, ModelSpec& spec) {
  const Family& family = *spec.family;
  spec.qkv_bias = TRY(has_part(file, family.qkv_bias, "blk.0.attn_q.bias"));
  spec.attention_output_bias =
      TRY(has_part(file, family.attention_output_bias, "blk.0.attn_output.bias"));
  spec.has_rope_divisors = TRY(has_part(file, family.rope_divisors, "rope_freqs.weight"));
  spec.tied_output = file.find_tensor("output.weight") == nullptr;
  return {};
}

}  // namespace

std::span<const Family* const> families() {
  static const Family* const kFamilies[] = {&llama_family(), &mistral_family(), &qwen2_family(),
                                            &qwen3_family()};
  return kFamilies;
}

Result<ModelSpec> read_model_spec(const GgufFile& file) {
  ModelSpec spec;
  spec.family = TRY(find_family(file));
  TRY(check_container(file));
  MetadataReader metadata(file, spec.family->architecture);
  TRY(read_shape(metadata, spec));
  TRY(read_heads(metadata, spec));
  spec.rope = TRY(
      read_rope_spec(metadata, spec.family->rope_pairs, spec.head_dim, spec.context_tokens_max));
  TRY(read_window(metadata, spec));
  TRY(read_temperature(metadata, spec));
  TRY(read_vocabulary_size(file, metadata, spec));
  TRY(refuse_other_kinds(metadata));
  TRY(read_parts(file, spec));
  return spec;
}

kernels::Limits backend_limits(const ModelSpec& spec, std::size_t rows_max,
                               std::size_t context_tokens) {
  return {.rows_max = rows_max,
          .cols_max = std::max({spec.dim, spec.ff_dim, spec.q_dim()}),
          .heads_max = spec.heads,
          .head_dim_max = spec.head_dim,
          .context_tokens_max = context_tokens};
}

}  // namespace runtime
