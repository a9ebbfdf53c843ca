// A whole model that two or four devices share, layer by layer, whose kernels the emulator runs:
// the bits of one device, in prefill and in decode, in logits and in drawn tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/emulated/emulated_device.h"
#include "kernels/cuda/kernel_set.h"
#include "kernels/cuda/tensor_parallel.h"
#include "runtime/model/model_file.h"
#include "runtime/model/transformer.h"
#include "tests/runtime/model/forward_pass.h"
#include "tests/runtime/model/test_file.h"

namespace runtime {
namespace {

using testing::HasSubstr;

constexpr std::size_t kRowsMax = 8;
constexpr std::size_t kContext = 64;
constexpr std::size_t kTokens = 5;

TransformerOptions options() {
  return {.memory = {.context_tokens = kContext,
                     .sequences = 4,
                     .block_tokens = 16,
                     .rows_max = kRowsMax,
                     .logit_rows_max = kRowsMax},
          .progress = {}};
}

struct Machine {
  std::size_t devices = 1;
  bool sm90a = true;
  std::uint64_t order_seed = 0;  // in which blocks and threads run
};

std::unique_ptr<kernels::Ops> make_ops(const std::vector<std::byte>& bytes,
                                       const Machine& machine) {
  const kernels::cuda::CudaOpsOptions ops_options{
      .limits = backend_limits(read_model_file(bytes).value().spec, kRowsMax, kContext),
      .memory_bytes = std::uint64_t{64} << 20};
  const auto& kernels = kernels::cuda::emulated_kernel_set(machine.sm90a);
  std::vector<std::unique_ptr<kernels::cuda::Device>> devices;
  for (std::size_t i = 0; i < machine.devices; ++i) {
    devices.push_back(kernels::cuda::make_emulated_device({.capability = machine.sm90a ? 90 : 80,
                                                           .memory_bytes = std::uint64_t{128} << 20,
                                                           .order_seed = machine.order_seed}));
  }
  std::string error;
  auto ops = machine.devices == 1
                 ? make_cuda_ops(std::move(devices.front()), kernels, ops_options, &error)
                 : make_tensor_parallel_ops(std::move(devices), kernels, ops_options, &error);
  EXPECT_NE(ops, nullptr) << error;
  return ops;
}

struct Loaded {
  std::unique_ptr<kernels::Ops> ops;
  std::unique_ptr<Transformer> decoder;
};

Loaded load(const std::vector<std::byte>& bytes, const Machine& machine) {
  Loaded loaded{make_ops(bytes, machine), nullptr};
  auto decoder =
      Transformer::load(provisioning::FileVerifier::trust(bytes), *loaded.ops, options());
  EXPECT_TRUE(decoder.ok()) << decoder.error().message;
  if (decoder.ok()) loaded.decoder = std::move(decoder).value();
  return loaded;
}

// What the device itself draws, token after token: greedy where `temperature` is 0.
std::vector<TokenId> draw(Decoder& decoder, std::vector<TokenId> tokens, float temperature,
                          std::size_t count) {
  const std::vector<std::int32_t> blocks{3};
  std::vector<TokenId> drawn;
  std::size_t at = 0;
  while (drawn.size() < count) {
    const kernels::SampleRow how{.temperature = temperature,
                                 .seed = 7,
                                 .position = static_cast<std::uint32_t>(tokens.size())};
    const SequenceSlice slice{std::span(tokens).subspan(at), static_cast<std::int32_t>(at), blocks,
                              1, &how};
    const auto rows = decoder.forward(std::span(&slice, 1));
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    if (!rows.ok()) break;
    at = tokens.size();
    drawn.push_back(rows.value().drawn[0]);
    tokens.push_back(drawn.back());
  }
  return drawn;
}

struct Model {
  const char* name;
  const char* mix;
  bool bias;  // of queries, keys and values, and without norms of heads: qwen2
};

std::vector<std::byte> bytes_of(const Model& model) {
  bench::SyntheticShape shape = *bench::find_synthetic_shape("tiny-wide");
  if (model.bias) {
    shape.architecture = shape.pre_tokenizer = "qwen2";
    shape.qk_norm = false;
    shape.qkv_bias = shape.tied_output = true;
  }
  return bench::SyntheticModel(shape, *bench::find_quant_mix(model.mix), 3).file();
}

class TensorParallelModelTest : public testing::TestWithParam<Model> {};

TEST_P(TensorParallelModelTest, HasTheBitsOfOneDevice) {
  const auto bytes = bytes_of(GetParam());
  const auto tokens = prompt(kTokens, 11);
  const Loaded one = load(bytes, {});
  ASSERT_NE(one.decoder, nullptr);
  const Logits whole = run_in_chunks(*one.decoder, tokens, kTokens, {0});
  ASSERT_EQ(whole.size(), kTokens);
  const auto greedy = draw(*one.decoder, tokens, 0, 2);
  const auto random = draw(*one.decoder, tokens, 0.9F, 2);
  for (const std::size_t devices : {2u, 4u}) {
    const Loaded several = load(bytes, {.devices = devices, .order_seed = devices});
    ASSERT_NE(several.decoder, nullptr);
    EXPECT_EQ(several.ops->name(), one.ops->name());
    for (const std::size_t chunk : {kTokens, std::size_t{3}, std::size_t{1}}) {
      EXPECT_EQ(run_in_chunks(*several.decoder, tokens, chunk, {2}), whole)
          << devices << " devices, chunks of " << chunk;
    }
    ASSERT_TRUE(several.decoder->draws());
    EXPECT_EQ(draw(*several.decoder, tokens, 0, 2), greedy) << devices << " devices";
    EXPECT_EQ(draw(*several.decoder, tokens, 0.9F, 2), random) << devices << " devices";
  }
}

INSTANTIATE_TEST_SUITE_P(Models, TensorParallelModelTest,
                         testing::Values(Model{"norms", "Q4_K_M", false},
                                         Model{"biases", "Q8_0", true}),
                         [](const auto& model) { return model.param.name; });

TEST(TensorParallelModel, TheOtherKernelsSumsCrossAsWell) {
  const auto bytes = bytes_of({"norms", "Q8_0", false});
  const auto tokens = prompt(3, 5);
  const Loaded one = load(bytes, {.sm90a = false});
  const Loaded two = load(bytes, {.devices = 2, .sm90a = false});
  ASSERT_TRUE(one.decoder != nullptr && two.decoder != nullptr);
  EXPECT_EQ(run_in_chunks(*two.decoder, tokens, 2, {1}),
            run_in_chunks(*one.decoder, tokens, 3, {0}));
}

// Also where blocks were copied: a prefix that two conversations share.
TEST(TensorParallelModel, CompanyAndCopiedBlocksChangeNoBit) {
  const auto bytes = bytes_of({"norms", "Q8_0", false});
  const auto tokens = prompt(20, 5);
  const auto other = prompt(2, 9);
  const Loaded one = load(bytes, {});
  const Loaded two = load(bytes, {.devices = 2});
  ASSERT_TRUE(one.decoder != nullptr && two.decoder != nullptr);
  const Logits whole = run_in_chunks(*one.decoder, tokens, 4, {0, 1});
  EXPECT_EQ(run_in_chunks(*two.decoder, tokens, 8, {4, 5}), whole);
  ASSERT_TRUE(two.decoder->copy_block(4, 9).ok());
  const std::vector<std::int32_t> blocks{9, 10}, other_blocks{3};
  const SequenceSlice slices[] = {{other, 0, other_blocks, 0},
                                  {std::span(tokens).subspan(16), 16, blocks, 4}};
  const auto rows = two.decoder->forward(slices);
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  Logits mixed;
  append_rows(rows.value(), two.decoder->shape().vocabulary, mixed);
  EXPECT_EQ(mixed, Logits(whole.begin() + 16, whole.end()));
}

TEST(TensorParallelModel, ADeviceKeepsItsShare) {
  const auto bytes = bytes_of({"norms", "Q8_0", false});
  const MemoryPlan one = load(bytes, {}).decoder->plan();
  const MemoryPlan two = load(bytes, {.devices = 2}).decoder->plan();
  const MemoryPlan four = load(bytes, {.devices = 4}).decoder->plan();
  EXPECT_EQ(two.kv_bytes * 2, one.kv_bytes);
  EXPECT_EQ(four.kv_bytes * 4, one.kv_bytes);
  // Table, head and norms are everywhere; a half and a quarter of the rest.
  const std::uint64_t shared = one.weights_bytes - two.weights_bytes;
  EXPECT_GT(shared, one.weights_bytes / 3);
  EXPECT_NEAR(static_cast<double>(one.weights_bytes - four.weights_bytes),
              1.5 * static_cast<double>(shared), 0.02 * static_cast<double>(shared));
}

TEST(TensorParallelModel, AModelThatIsTooNarrowIsRefusedByThePlan) {
  const auto bytes = synthetic("tiny-llama", "Q8_0");
  for (const std::size_t devices : {2u, 4u}) {
    const auto ops = make_ops(bytes, {.devices = devices});
    ASSERT_NE(ops, nullptr);
    const auto refused =
        Transformer::load(provisioning::FileVerifier::trust(bytes), *ops, options());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, base::ErrorCode::kUnsupported) << refused.error().message;
  }
  const auto ops = make_ops(bytes, {.devices = 2});
  const auto refused = Transformer::load(provisioning::FileVerifier::trust(bytes), *ops, options());
  EXPECT_THAT(refused.error().message,
              HasSubstr("tensor \"blk.0.attn_output.weight\" (256 by 256, Q8_0) cannot be shared "
                        "out among so many GPUs"));
}

}  // namespace
}  // namespace runtime
