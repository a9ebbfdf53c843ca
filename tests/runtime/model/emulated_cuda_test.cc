// A whole model on the CUDA backend, whose kernels the emulator runs: near the reference backend,
// and the same bits however prompts are cut, in whatever company, recorded or not, on one device or
// two.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/emulated/emulated_device.h"
#include "kernels/cuda/kernel_set.h"
#include "runtime/engine/sampler.h"
#include "runtime/model/model_file.h"
#include "runtime/model/transformer.h"
#include "tests/runtime/model/forward_pass.h"
#include "tests/runtime/model/test_file.h"

namespace runtime {
namespace {

constexpr std::size_t kRowsMax = 16;
constexpr std::size_t kContext = 64;
constexpr std::size_t kTokens = 9;

TransformerOptions options() {
  return {.memory = {.context_tokens = kContext,
                     .sequences = 4,
                     .block_tokens = 32,
                     .rows_max = kRowsMax,
                     .logit_rows_max = kRowsMax},
          .progress = {}};
}

kernels::Limits limits_of(const std::vector<std::byte>& bytes) {
  return backend_limits(read_model_file(bytes).value().spec, kRowsMax, kContext);
}

struct Device {
  bool sm90a = true;
  bool record = true;
  std::uint64_t order_seed = 0;
};

std::unique_ptr<kernels::Ops> make_ops(const kernels::Limits& limits, const Device& device) {
  std::string error;
  auto ops = kernels::cuda::make_cuda_ops(
      kernels::cuda::make_emulated_device({.capability = device.sm90a ? 90 : 80,
                                           .memory_bytes = std::uint64_t{256} << 20,
                                           .order_seed = device.order_seed,
                                           .recordings = device.record}),
      kernels::cuda::emulated_kernel_set(device.sm90a),
      {.limits = limits, .memory_bytes = std::uint64_t{128} << 20, .record_steps = device.record},
      &error);
  EXPECT_NE(ops, nullptr) << error;
  return ops;
}

struct Loaded {
  std::vector<std::unique_ptr<kernels::Ops>> ops;
  std::unique_ptr<Transformer> decoder;
};

Loaded load(const std::vector<std::byte>& bytes, std::vector<std::unique_ptr<kernels::Ops>> ops) {
  Loaded loaded{std::move(ops), nullptr};
  std::vector<StageDevice> devices;
  for (const auto& each : loaded.ops) devices.push_back({.ops = each.get()});
  auto decoder = Transformer::load(provisioning::FileVerifier::trust(bytes), devices, options());
  EXPECT_TRUE(decoder.ok()) << decoder.error().message;
  if (decoder.ok()) loaded.decoder = std::move(decoder).value();
  return loaded;
}

Loaded on_device(const std::vector<std::byte>& bytes, const Device& device,
                 std::size_t stages = 1) {
  std::vector<std::unique_ptr<kernels::Ops>> ops;
  for (std::size_t i = 0; i < stages; ++i) ops.push_back(make_ops(limits_of(bytes), device));
  return load(bytes, std::move(ops));
}

// Root mean square.
double size_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

// The largest difference of a row of logits, as a share of the row's root mean square.
double distance(const Logits& a, const Logits& b) {
  double largest = 0;
  for (std::size_t row = 0; row < a.size(); ++row) {
    std::vector<float> difference = a[row];
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= b[row][i];
    largest = std::max(largest, size_of(difference) / size_of(b[row]));
  }
  return largest;
}

struct Model {
  const char* shape;
  const char* mix;
};

class EmulatedCudaTest : public testing::TestWithParam<Model> {
 protected:
  EmulatedCudaTest() : bytes_(synthetic(GetParam().shape, GetParam().mix)) {}
  std::vector<std::byte> bytes_;
};

TEST_P(EmulatedCudaTest, IsNearTheReferenceAndKeepsItsBits) {
  const auto tokens = prompt(kTokens, 11);
  std::vector<std::unique_ptr<kernels::Ops>> reference;
  reference.push_back(kernels::make_reference_ops(limits_of(bytes_)));
  const Loaded exact = load(bytes_, std::move(reference));
  const Loaded device = on_device(bytes_, {});
  ASSERT_NE(device.decoder, nullptr);
  const Logits whole = run_in_chunks(*device.decoder, tokens, kTokens, {0});
  ASSERT_EQ(whole.size(), kTokens);
  // Activations are rounded to bf16 (2^-9) before each product, a few times per layer, through
  // random weights: about 1 % comes out.
  EXPECT_LT(distance(whole, run_in_chunks(*exact.decoder, tokens, kTokens, {0})), 0.02);
  for (const std::size_t chunk : {1u, 4u})
    EXPECT_EQ(run_in_chunks(*device.decoder, tokens, chunk, {2}), whole) << "chunks of " << chunk;
}

INSTANTIATE_TEST_SUITE_P(Models, EmulatedCudaTest,
                         testing::Values(Model{"tiny-llama", "Q4_K_M"},
                                         Model{"tiny-qwen3", "Q8_0"}),
                         [](const auto& model) {
                           std::string name = model.param.shape;
                           std::erase(name, '-');
                           return name;
                         });

TEST(EmulatedCuda, NeitherOrderNorRecordingNorCompanyNorStagesChangeABit) {
  const auto bytes = synthetic("tiny-qwen2", "Q8_0");
  const auto tokens = prompt(4, 3);
  const auto other = prompt(3, 9);
  const Loaded device = on_device(bytes, {});
  const Loaded shuffled = on_device(bytes, {.record = false, .order_seed = 7});
  const Loaded split = on_device(bytes, {}, 2);
  const Logits alone = run_in_chunks(*device.decoder, tokens, 1, {0});
  EXPECT_EQ(run_in_chunks(*shuffled.decoder, tokens, 1, {1}), alone);
  EXPECT_EQ(run_in_chunks(*split.decoder, tokens, 2, {1}), alone);

  const std::vector<std::int32_t> blocks{2}, other_blocks{3};
  const SequenceSlice slices[] = {{other, 0, other_blocks, 0}, {tokens, 0, blocks, 4}};
  const auto rows = device.decoder->forward(slices);
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  Logits mixed;
  append_rows(rows.value(), device.decoder->shape().vocabulary, mixed);
  EXPECT_EQ(mixed, alone);
}

TEST(EmulatedCuda, DrawsTheTokensThatTheHostDraws) {
  const auto bytes = synthetic("tiny-llama", "Q8_0");
  const Loaded device = on_device(bytes, {.sm90a = false});
  ASSERT_TRUE(device.decoder->draws());
  const auto tokens = prompt(3, 5);
  const std::vector<std::int32_t> blocks[] = {{0}, {1}, {2}};
  const kernels::SampleRow draws[] = {
      {.temperature = 0},
      {.temperature = 0.9F, .seed = 5, .position = 3},
      {.temperature = 1.2F, .top_k = 50, .top_p = 0.8F, .seed = 6, .position = 3}};
  std::vector<SequenceSlice> slices;
  for (const auto& table : blocks) slices.push_back({tokens, 0, table, 1});
  const std::size_t vocabulary = device.decoder->shape().vocabulary;
  const auto shown = device.decoder->forward(slices);
  ASSERT_TRUE(shown.ok()) << shown.error().message;
  std::vector<TokenId> expected;
  Sampler sampler(vocabulary);
  for (std::size_t i = 0; i < 3; ++i) {
    SamplingParams params;
    params.temperature = draws[i].temperature;
    params.top_k = draws[i].top_k;
    params.top_p = draws[i].top_p;
    params.seed = draws[i].seed;
    expected.push_back(sampler
                           .sample({shown.value().logits.subspan(i * vocabulary, vocabulary),
                                    params,
                                    nullptr,
                                    {},
                                    draws[i].choice,
                                    draws[i].position})
                           .value());
    slices[i].draw = &draws[i];
  }
  const auto drawn = device.decoder->forward(slices);
  ASSERT_TRUE(drawn.ok()) << drawn.error().message;
  EXPECT_THAT(drawn.value().drawn, testing::ElementsAreArray(expected));
}

}  // namespace
}  // namespace runtime
