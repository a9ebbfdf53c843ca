// bench/synth makes what these tests and every benchmark run on.
#include "bench/synth/synthetic_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "bench/synth/random_blocks.h"
#include "bench/synth/synth.h"
#include "hardening/base/file.h"
#include "kernels/dequantize.h"
#include "runtime/model/model_file.h"

namespace bench {
namespace {

std::vector<std::byte> model_bytes(std::string_view shape, std::string_view mix,
                                   std::uint64_t seed) {
  return SyntheticModel(*find_synthetic_shape(shape), *find_quant_mix(mix), seed).file();
}

TEST(SyntheticModel, EveryTinyShapeIsAModel) {
  for (const SyntheticShape& shape : synthetic_shapes()) {
    if (!shape.name.starts_with("tiny-")) continue;
    const auto model = runtime::read_model_file(model_bytes(shape.name, "Q4_K_M", 1));
    ASSERT_TRUE(model.ok()) << shape.name << ": " << model.error().message;
    EXPECT_EQ(model.value().spec.family->architecture, shape.architecture);
    EXPECT_EQ(model.value().vocabulary.tokens.size(), shape.vocabulary);
    EXPECT_FALSE(model.value().chat_template.empty());
  }
}

TEST(SyntheticModel, TheSeedMakesTheBytes) {
  EXPECT_EQ(model_bytes("tiny-qwen2", "Q4_K_M", 5), model_bytes("tiny-qwen2", "Q4_K_M", 5));
  EXPECT_NE(model_bytes("tiny-qwen2", "Q4_K_M", 5), model_bytes("tiny-qwen2", "Q4_K_M", 6));
}

// 24 layers: the mixes of llama.cpp's Q4_K_M, and what it takes for rows that K formats cannot
// hold.
TEST(SyntheticModel, MixesFormatsAsStated) {
  const SyntheticModel model(*find_synthetic_shape("qwen2.5-0.5b"), *find_quant_mix("Q4_K_M"), 1);
  std::vector<std::uint32_t> layers_with_more_bits;
  for (const SyntheticTensor& tensor : model.tensors()) {
    if (tensor.name == "token_embd.weight" || tensor.name == "blk.2.attn_v.weight") {
      EXPECT_EQ(tensor.format, kernels::Format::kQ8_0) << tensor.name;
    } else if (tensor.name == "blk.3.attn_v.weight" || tensor.name == "blk.2.attn_q.weight") {
      EXPECT_EQ(tensor.format, kernels::Format::kQ5_0) << tensor.name;
    }
    if (tensor.name.find("ffn_down") != std::string::npos &&
        tensor.format == kernels::Format::kQ6_K) {
      layers_with_more_bits.push_back(
          static_cast<std::uint32_t>(std::stoul(tensor.name.substr(4))));
    }
  }
  EXPECT_THAT(layers_with_more_bits,
              testing::ElementsAre(0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23));
}

// "Q2_K: Q6_K …": the formats of a mixture, in the order of the names below.
std::string formats_of(std::string_view mix, const MixedModel& model, std::size_t cols) {
  std::string formats;
  for (const char* name : {"output.weight", "token_embd.weight", "blk.0.attn_q.weight",
                           "blk.0.attn_v.weight", "blk.7.attn_v.weight", "blk.0.attn_output.weight",
                           "blk.1.ffn_down.weight", "blk.12.ffn_down.weight"}) {
    const kernels::Format format = mixed_format(*find_quant_mix(mix), model, name, cols);
    formats += (formats.empty() ? "" : " ") + std::string(kernels::format_info(format).name);
  }
  return formats;
}

TEST(QuantMix, GivesTheFormatsOfLlamaCppsMixtures) {
  const MixedModel model{.layers = 32, .heads_per_kv_head = 4};
  EXPECT_EQ(formats_of("Q2_K", model, 512), "Q6_K Q2_K Q2_K Q4_K Q4_K Q3_K Q3_K Q3_K");
  EXPECT_EQ(formats_of("Q3_K_M", model, 512), "Q6_K Q3_K Q3_K Q5_K Q4_K Q4_K Q5_K Q4_K");
  EXPECT_EQ(formats_of("Q4_K_M", model, 512), "Q6_K Q4_K Q4_K Q6_K Q4_K Q4_K Q6_K Q6_K");
  EXPECT_EQ(formats_of("Q5_K_M", model, 512), "Q6_K Q5_K Q5_K Q6_K Q5_K Q5_K Q6_K Q6_K");
  EXPECT_EQ(formats_of("IQ4_XS", model, 512), "Q6_K IQ4_XS IQ4_XS Q5_K Q5_K IQ4_XS Q5_K IQ4_XS");
  EXPECT_EQ(formats_of("TQ1_0", model, 512), "Q6_K Q4_K TQ1_0 TQ1_0 TQ1_0 TQ1_0 TQ1_0 TQ1_0");
  EXPECT_EQ(formats_of("MXFP4", model, 512), "MXFP4 MXFP4 MXFP4 MXFP4 MXFP4 MXFP4 MXFP4 MXFP4");
}

TEST(QuantMix, KeepsValuesSmallWhereFewHeadsShareThem) {
  const MixedModel model{.layers = 32, .heads_per_kv_head = 2};
  EXPECT_EQ(formats_of("Q2_K", model, 512), "Q6_K Q2_K Q2_K Q3_K Q3_K Q3_K Q3_K Q3_K");
  EXPECT_EQ(formats_of("IQ4_NL", model, 512),
            "Q6_K IQ4_NL IQ4_NL IQ4_NL IQ4_NL IQ4_NL Q5_K IQ4_NL");
}

TEST(QuantMix, FallsBackToShorterBlocksAndThenToF16) {
  const MixedModel model{.layers = 32, .heads_per_kv_head = 4, .tied_output = true};
  EXPECT_EQ(formats_of("Q2_K", model, 96), "Q8_0 Q8_0 Q4_0 Q5_0 Q5_0 Q4_0 Q4_0 Q4_0");
  EXPECT_EQ(formats_of("IQ4_XS", model, 96), "Q8_0 Q8_0 IQ4_NL Q5_1 Q5_1 IQ4_NL Q5_1 IQ4_NL");
  EXPECT_EQ(formats_of("TQ2_0", model, 100), "F16 F16 F16 F16 F16 F16 F16 F16");
}

TEST(RandomBlocks, HaveTheMeanAndDeviationAskedFor) {
  constexpr std::size_t kCols = 1 << 16;
  for (const QuantMix& mix : quant_mixes()) {
    std::vector<std::byte> row(*kernels::row_bytes(mix.format, kCols));
    fill_random_row(mix.format, kCols, 0.05f, 1, row);
    std::vector<float> values(kCols);
    kernels::dequantize_row(mix.format, row.data(), kCols, values.data());
    double sum = 0;
    double squares = 0;
    for (const float value : values) {
      sum += static_cast<double>(value);
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    EXPECT_NEAR(sum / kCols, 0, 0.003) << mix.name;
    EXPECT_NEAR(std::sqrt(squares / kCols), 0.05, 0.004) << mix.name;
  }
}

int run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "synth");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return run_synth(static_cast<int>(argv.size()), argv.data());
}

TEST(Synth, WritesTheModelToAFile) {
  const std::string path = testing::TempDir() + "synthetic_model_test.gguf";
  ASSERT_EQ(run({"--shape", "tiny-llama3", "--quant", "Q6_K", "--seed", "9", "-o", path}), 0);
  const auto written = base::read_text_file(path, 64 << 20);
  ASSERT_TRUE(written.ok()) << written.error().message;
  const auto expected = model_bytes("tiny-llama3", "Q6_K", 9);
  ASSERT_EQ(written.value().size(), expected.size());
  EXPECT_EQ(std::memcmp(written.value().data(), expected.data(), expected.size()), 0);
}

TEST(Synth, RefusesOptionsItDoesNotKnow) {
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"--shape", "gpt-5", "--quant", "F16", "-o", "/dev/null"}), 2);
  EXPECT_EQ(run({"--shape", "tiny-llama", "--quant", "Q1", "-o", "/dev/null"}), 2);
  EXPECT_EQ(run({"--shape", "tiny-llama", "--quant", "F16", "--seed", "1x", "-o", "/dev/null"}), 2);
  EXPECT_EQ(run({"--shape", "tiny-llama", "--quant", "F16", "--loud", "1", "-o", "/dev/null"}), 2);
  EXPECT_EQ(run({"--shape", "tiny-llama", "--quant", "F16", "-o"}), 2);
  EXPECT_EQ(run({"--shape", "tiny-llama", "--quant", "F16", "-o", "/no/such/directory/x"}), 1);
}

}  // namespace
}  // namespace bench
