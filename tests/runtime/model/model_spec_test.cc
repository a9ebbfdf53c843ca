#include "runtime/model/model_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/runtime/model/test_model.h"

namespace runtime {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

// The spec of a model whose tensors are as the spec wants them.
base::Result<ModelSpec> read(const TestModel& model) {
  const std::vector<std::byte> bytes = model.bytes();
  const GgufFile file = TRY(GgufFile::parse(bytes));
  const ModelSpec spec = TRY(read_model_spec(file));
  TRY(check_tensors(file, expected_tensors(spec)));
  return spec;
}

base::Error error_of(const TestModel& model) {
  const auto spec = read(model);
  return spec.ok() ? base::Error{ErrorCode::kIo, 0, "accepted"} : spec.error();
}

void add_qkv_bias(TestModel& model) {
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    model.tensors[layer + "attn_q.bias"] = {0, 32};
    model.tensors[layer + "attn_k.bias"] = {0, 16};
    model.tensors[layer + "attn_v.bias"] = {0, 16};
  }
}

TEST(ModelSpec, ReadsLlama) {
  const auto spec = read(test_model("llama"));
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec.value().family, &llama_family());
  EXPECT_EQ(spec.value().layers, 2u);
  EXPECT_EQ(spec.value().dim, 32u);
  EXPECT_EQ(spec.value().heads, 4u);
  EXPECT_EQ(spec.value().kv_heads, 2u);
  EXPECT_EQ(spec.value().head_dim, 8u);
  EXPECT_EQ(spec.value().ff_dim, 48u);
  EXPECT_EQ(spec.value().vocabulary, 10u);
  EXPECT_EQ(spec.value().context_tokens_max, 4096u);
  EXPECT_FLOAT_EQ(spec.value().attention_scale, 1 / std::sqrt(8.0f));
  EXPECT_EQ(spec.value().window, 0);
  EXPECT_TRUE(spec.value().tied_output);
  EXPECT_FALSE(spec.value().qkv_bias);
  EXPECT_EQ(spec.value().rope.pairs, kernels::RopePairs::kAdjacent);
  EXPECT_EQ(spec.value().rope.dims, 8u);
  EXPECT_EQ(spec.value().rope.base, 10'000);
}

TEST(ModelSpec, ReadsLlamaWithItsOptionalParts) {
  TestModel model = test_model("llama");
  add_qkv_bias(model);
  model.tensors["output.weight"] = {10, 32};
  model.tensors["rope_freqs.weight"] = {0, 4};
  model.tensors["blk.0.attn_output.bias"] = {0, 32};
  model.tensors["blk.1.attn_output.bias"] = {0, 32};
  model.metadata["llama.attention.sliding_window"] = 1024u;
  model.metadata["llama.attention.scale"] = 0.25f;
  const auto spec = read(model);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_TRUE(spec.value().qkv_bias);
  EXPECT_TRUE(spec.value().attention_output_bias);
  EXPECT_TRUE(spec.value().has_rope_divisors);
  EXPECT_FALSE(spec.value().tied_output);
  EXPECT_EQ(spec.value().window, 1024);
  EXPECT_EQ(spec.value().attention_scale, 0.25f);
}

TEST(ModelSpec, ReadsQwen2WithItsBiases) {
  TestModel model = test_model("qwen2");
  add_qkv_bias(model);
  const auto spec = read(model);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_TRUE(spec.value().qkv_bias);
  EXPECT_EQ(spec.value().rope.pairs, kernels::RopePairs::kHalves);
}

TEST(ModelSpec, ReadsQwen3WithHeadsOfTheirOwnWidth) {
  TestModel model = test_model("qwen3");
  model.metadata["qwen3.attention.key_length"] = 16u;
  model.metadata["qwen3.attention.value_length"] = 16u;
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    model.tensors[layer + "attn_q.weight"] = {64, 32};
    model.tensors[layer + "attn_k.weight"] = {32, 32};
    model.tensors[layer + "attn_v.weight"] = {32, 32};
    model.tensors[layer + "attn_output.weight"] = {32, 64};
    model.tensors[layer + "attn_q_norm.weight"] = {0, 16};
    model.tensors[layer + "attn_k_norm.weight"] = {0, 16};
  }
  const auto spec = read(model);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec.value().head_dim, 16u);
  EXPECT_EQ(spec.value().q_dim(), 64u);
  EXPECT_TRUE(spec.value().family->qk_norm);
}

TEST(ModelSpec, EndsMistralsContextWhereItsQueriesWouldGrow) {
  TestModel model = test_model("mistral3");
  model.metadata["mistral3.context_length"] = 65'536u;
  model.metadata["mistral3.rope.scaling.type"] = "yarn";
  model.metadata["mistral3.rope.scaling.factor"] = 16.0f;
  model.metadata["mistral3.rope.scaling.original_context_length"] = 4096u;
  const auto whole = read(model);
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_EQ(whole.value().context_tokens_max, 65'536u);
  model.metadata["mistral3.attention.temperature_scale"] = 0.1f;
  const auto cut = read(model);
  ASSERT_TRUE(cut.ok()) << cut.error().message;
  EXPECT_EQ(cut.value().context_tokens_max, 4096u);
}

TEST(ModelSpec, BackendLimitsCoverTheWidestRow) {
  const auto spec = read(test_model("llama"));
  ASSERT_TRUE(spec.ok());
  const kernels::Limits limits = backend_limits(spec.value(), 7, 100);
  EXPECT_EQ(limits.rows_max, 7u);
  EXPECT_EQ(limits.cols_max, 48u);
  EXPECT_EQ(limits.heads_max, 4u);
  EXPECT_EQ(limits.head_dim_max, 8u);
  EXPECT_EQ(limits.context_tokens_max, 100u);
}

struct MetadataCase {
  const char* key;
  TestModel::Value value;
  ErrorCode code;
  const char* message;
};

TEST(ModelSpec, RefusesMetadataItCannotFollow) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const MetadataCase cases[] = {
      {"general.architecture", "gpt-j", ErrorCode::kUnsupported,
       "\"general.architecture\" is gpt-j; llama, mistral3, qwen2, qwen3 are implemented"},
      {"general.architecture", "\x1b[31m", ErrorCode::kUnsupported, "is not a name;"},
      {"general.architecture", 3u, ErrorCode::kUnsupported, "is not a name;"},
      {"split.count", 3u, ErrorCode::kUnsupported, "join the model's files into one"},
      {"general.quantization_version", 1u, ErrorCode::kUnsupported,
       "quantization_version\" is not 2"},
      {"llama.block_count", 0u, ErrorCode::kInvalidInput,
       "\"llama.block_count\" is 0; 1 to 1024 are read"},
      {"llama.block_count", 1025u, ErrorCode::kInvalidInput,
       "\"llama.block_count\" is 1025; 1 to 1024 are read"},
      {"llama.block_count", "2", ErrorCode::kInvalidInput,
       "\"llama.block_count\" is not an integer"},
      {"llama.feed_forward_length", std::vector<std::string>{"48"}, ErrorCode::kUnsupported,
       "differs by layer"},
      {"llama.embedding_length", 1u << 18, ErrorCode::kInvalidInput, "1 to 131072 are read"},
      {"llama.attention.head_count_kv", 3u, ErrorCode::kInvalidInput,
       "does not divide the 4 heads"},
      {"llama.attention.head_count_kv", 8u, ErrorCode::kInvalidInput, "is 8; 1 to 4 are read"},
      {"llama.attention.head_count", 5u, ErrorCode::kInvalidInput, "does not divide the 5 heads"},
      {"llama.attention.key_length", 9u, ErrorCode::kUnsupported,
       "heads of 9 for keys and 9 for values"},
      {"llama.attention.value_length", 16u, ErrorCode::kUnsupported,
       "heads of 8 for keys and 16 for values"},
      {"llama.attention.layer_norm_rms_epsilon", 0.0f, ErrorCode::kInvalidInput,
       "layer_norm_rms_epsilon\" is 0"},
      {"llama.attention.layer_norm_rms_epsilon", nan, ErrorCode::kInvalidInput,
       "layer_norm_rms_epsilon\" is nan"},
      {"llama.attention.layer_norm_rms_epsilon", 1u, ErrorCode::kInvalidInput,
       "is of type uint32; a float is wanted"},
      {"llama.rope.dimension_count", 7u, ErrorCode::kInvalidInput, "is 7, an odd number"},
      {"llama.rope.dimension_count", 10u, ErrorCode::kInvalidInput, "is 10; 1 to 8 are read"},
      {"llama.rope.freq_base", -1.0f, ErrorCode::kInvalidInput, "\"llama.rope.freq_base\" is -1"},
      {"llama.rope.scaling.type", "longrope", ErrorCode::kUnsupported,
       "is none of none, linear, yarn"},
      {"llama.rope.scaling.factor", nan, ErrorCode::kInvalidInput,
       "\"llama.rope.scaling.factor\" is nan"},
      {"llama.vocab_size", 11u, ErrorCode::kInvalidInput, "has 10 rows, vocab_size says 11"},
      {"tokenizer.ggml.tokens", std::vector<std::string>{"a"}, ErrorCode::kInvalidInput,
       "tokenizer.ggml.tokens has 1"},
      {"llama.expert_count", 8u, ErrorCode::kUnsupported,
       "mixtures of experts are not implemented"},
      {"llama.logit_scale", 2.0f, ErrorCode::kUnsupported, "\"llama.logit_scale\" is not known"},
  };
  for (const MetadataCase& entry : cases) {
    SCOPED_TRACE(entry.message);
    TestModel model = test_model("llama");
    model.metadata[entry.key] = entry.value;
    const base::Error error = error_of(model);
    EXPECT_THAT(error.message, HasSubstr(entry.message));
    EXPECT_EQ(error.code, entry.code);
  }
}

TEST(ModelSpec, RefusesMissingMetadata) {
  for (const std::string key :
       {"general.architecture", "llama.block_count", "llama.embedding_length",
        "llama.feed_forward_length", "llama.context_length", "llama.attention.head_count",
        "llama.attention.layer_norm_rms_epsilon"}) {
    TestModel model = test_model("llama");
    model.metadata.erase(key);
    EXPECT_THAT(error_of(model).message, HasSubstr("metadata \"" + key + "\" is missing"));
  }
}

TEST(ModelSpec, AWindowIsRefusedWhereOnlySomeLayersMayHaveIt) {
  TestModel model = test_model("qwen2");
  add_qkv_bias(model);
  model.metadata["qwen2.attention.sliding_window"] = 1024u;
  EXPECT_THAT(error_of(model).message,
              HasSubstr("\"qwen2.attention.sliding_window\" is not known"));
}

TEST(ModelSpec, RefusesTensorsThatAreNotAsTheMetadataSay) {
  const auto refused = [](const std::function<void(TestModel&)>& change) {
    TestModel model = test_model("llama");
    change(model);
    return error_of(model).message;
  };
  EXPECT_THAT(refused([](TestModel& m) { m.tensors.erase("blk.1.ffn_up.weight"); }),
              HasSubstr("tensor \"blk.1.ffn_up.weight\" is missing"));
  EXPECT_THAT(refused([](TestModel& m) { m.tensors.erase("token_embd.weight"); }),
              HasSubstr("tensor \"token_embd.weight\" is missing"));
  EXPECT_THAT(refused([](TestModel& m) {
                m.tensors["blk.0.attn_k.weight"] = {32, 32};
              }),
              HasSubstr("tensor \"blk.0.attn_k.weight\" is [32, 32]; the metadata say [16, 32]"));
  EXPECT_THAT(refused([](TestModel& m) {
                m.tensors["blk.0.attn_norm.weight"] = {2, 32};
              }),
              HasSubstr("tensor \"blk.0.attn_norm.weight\" is [2, 32]; the metadata say [32]"));
  EXPECT_THAT(
      refused([](TestModel& m) { m.tensors["output_norm.weight"].format = kernels::Format::kF16; }),
      HasSubstr("tensor \"output_norm.weight\" is F16; norms and biases must be F32"));
  EXPECT_THAT(refused([](TestModel& m) {
                m.tensors["blk.2.attn_q.weight"] = {32, 32};
              }),
              HasSubstr("tensor \"blk.2.attn_q.weight\" is not part of such a model"));
  EXPECT_THAT(refused([](TestModel& m) {
                m.tensors["blk.0.attn_q.bias"] = {0, 32};
              }),
              HasSubstr("tensor \"blk.0.attn_k.bias\" is missing"));
  EXPECT_THAT(refused([](TestModel& m) {
                m.tensors["rope_freqs.weight"] = {0, 8};
              }),
              HasSubstr("tensor \"rope_freqs.weight\" is [1, 8]; the metadata say [4]"));
}

TEST(ModelSpec, RefusesQwen2WithoutBiases) {
  EXPECT_THAT(error_of(test_model("qwen2")).message,
              HasSubstr("tensor \"blk.0.attn_q.bias\" is missing"));
}

}  // namespace
}  // namespace runtime
