// Whole tiny models on the GPU: near the reference, and bit for bit the same in any company, in
// chunks of any size, recorded or not, and in a process begun afresh.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "bench/synth/synthetic_model.h"
#include "runtime/model/model_file.h"
#include "runtime/model/transformer.h"
#include "tests/gpu/gpu_under_test.h"
#include "tests/gpu/run_alone.h"
#include "tests/runtime/model/test_file.h"

namespace gpu_test {
namespace {

using runtime::SequenceSlice;
using runtime::TokenId;
using runtime::Transformer;

constexpr std::size_t kRowsMax = 64;
constexpr std::size_t kContext = 96;
constexpr std::size_t kBlockTokens = 16;

struct Model {
  std::unique_ptr<kernels::Ops> ops;  // outlives the decoder
  std::unique_ptr<Transformer> decoder;
};

struct Case {
  const char* shape;
  const char* mix;
};
constexpr Case kCases[] = {{"tiny-llama", "Q4_K_M"},
                           {"tiny-llama", "BF16"},
                           {"tiny-qwen2", "Q8_0"},
                           {"tiny-qwen3", "Q4_0"},
                           {"tiny-mistral", "F16"}};

enum class On { kGpu, kGpuUnrecorded, kReference };

Model load(const Case& which, On on, std::size_t gpus = 1) {
  const auto bytes = bench::SyntheticModel(*bench::find_synthetic_shape(which.shape),
                                           *bench::find_quant_mix(which.mix), 3)
                         .file();
  const auto file = runtime::read_model_file(bytes);
  EXPECT_TRUE(file.ok());
  const kernels::Limits limits = runtime::backend_limits(file.value().spec, kRowsMax, kContext);
  Model model;
  model.ops = on == On::kReference
                  ? kernels::make_reference_ops(limits)
                  : make_ops(limits, {.record_steps = on != On::kGpuUnrecorded, .gpus = gpus});
  if (model.ops == nullptr) return model;
  auto loaded = Transformer::load(provisioning::FileVerifier::trust(bytes), *model.ops,
                                  {.memory = {.context_tokens = kContext,
                                              .sequences = 6,
                                              .block_tokens = kBlockTokens,
                                              .rows_max = kRowsMax,
                                              .logit_rows_max = kRowsMax},
                                   .progress = {}});
  EXPECT_TRUE(loaded.ok()) << which.shape << ": " << loaded.error().message;
  if (loaded.ok()) model.decoder = std::move(loaded).value();
  return model;
}

std::vector<TokenId> prompt(std::size_t count, std::size_t seed) {
  std::vector<TokenId> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<TokenId>((i * 31 + seed * 97 + 5) % 500);
  return tokens;
}

// The blocks of sequence `number`: six a sequence.
std::vector<std::int32_t> blocks_of(std::size_t number) {
  std::vector<std::int32_t> blocks(kContext / kBlockTokens);
  for (std::size_t i = 0; i < blocks.size(); ++i)
    blocks[i] = static_cast<std::int32_t>(number * blocks.size() + i);
  std::reverse(blocks.begin(), blocks.end());
  return blocks;
}

using Logits = std::vector<float>;  // [rows, vocabulary]

Logits forward(Transformer& decoder, std::span<const SequenceSlice> slices) {
  const auto rows = decoder.forward(slices);
  EXPECT_TRUE(rows.ok()) << rows.error().message;
  if (!rows.ok()) return {};
  return {rows.value().logits.begin(), rows.value().logits.end()};
}

// Logits of every token, computed `chunk` at a time as sequence `number`.
Logits in_chunks(Transformer& decoder, const std::vector<TokenId>& tokens, std::size_t chunk,
                 std::size_t number) {
  const auto blocks = blocks_of(number);
  Logits all;
  for (std::size_t at = 0; at < tokens.size(); at += chunk) {
    const std::size_t count = std::min(chunk, tokens.size() - at);
    const SequenceSlice slice{std::span(tokens).subspan(at, count), static_cast<std::int32_t>(at),
                              blocks, count};
    const Logits rows = forward(decoder, std::span(&slice, 1));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

bool same_bits(const Logits& a, const Logits& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// FNV-1a (Fowler, Noll and Vo 1991), of bits: to tell runs apart, not to withstand anybody.
std::uint64_t digest(const Logits& logits, std::uint64_t hash = 0xcbf29ce484222325U) {
  for (const float value : logits) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    hash = (hash ^ bits) * 0x100000001b3U;
  }
  return hash;
}

class GpuModel : public GpuTest {};

TEST_F(GpuModel, IsNearTheReference) {
  for (const Case& which : kCases) {
    Model on_gpu = load(which, On::kGpu);
    Model on_reference = load(which, On::kReference);
    if (on_gpu.decoder == nullptr || on_reference.decoder == nullptr) continue;
    const auto tokens = prompt(is_short() ? 20 : 60, 1);
    const Logits actual = in_chunks(*on_gpu.decoder, tokens, 32, 0);
    const Logits expected = in_chunks(*on_reference.decoder, tokens, 32, 0);
    ASSERT_EQ(actual.size(), expected.size());
    double squares = 0, errors = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const double error = static_cast<double>(actual[i]) - static_cast<double>(expected[i]);
      squares += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
      errors += error * error;
    }
    EXPECT_GT(squares, 0);
    const double share = std::sqrt(errors / squares);
    std::printf("%s %s: root mean square error %.4f of the logits\n", which.shape, which.mix,
                share);
    EXPECT_LT(share, 0.03) << which.shape << " " << which.mix;
  }
}

TEST_F(GpuModel, GivesTheSameBitsInChunksOfAnySize) {
  for (const Case& which : kCases) {
    Model model = load(which, On::kGpu);
    if (model.decoder == nullptr) continue;
    const auto tokens = prompt(is_short() ? 18 : 60, 2);
    const Logits whole = in_chunks(*model.decoder, tokens, 60, 0);
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{17}}) {
      EXPECT_TRUE(same_bits(in_chunks(*model.decoder, tokens, chunk, 1), whole))
          << which.shape << " " << which.mix << ", chunks of " << chunk;
    }
  }
}

// Steps of decode of one to six sequences, in two orders, recorded and not.
TEST_F(GpuModel, GivesTheSameBitsInAnyCompanyRecordedOrNot) {
  for (const Case& which : kCases) {
    const auto tokens = prompt(24, 3);
    Model alone = load(which, On::kGpuUnrecorded);
    if (alone.decoder == nullptr) continue;
    const Logits expected = in_chunks(*alone.decoder, tokens, 1, 0);
    const std::size_t vocabulary = alone.decoder->shape().vocabulary;
    for (const On on : {On::kGpu, On::kGpuUnrecorded}) {
      Model model = load(which, on);
      if (model.decoder == nullptr) continue;
      for (std::size_t at = 0; at < tokens.size(); ++at) {
        const std::size_t company = at % 6 + 1;
        // Sequence 0 is the one that is looked at; the others are at other places with other
        // tokens.
        std::vector<std::vector<std::int32_t>> blocks;
        std::vector<std::vector<TokenId>> next;
        for (std::size_t i = 0; i < company; ++i) {
          blocks.push_back(blocks_of(i));
          next.push_back({i == 0 ? tokens[at] : static_cast<TokenId>((at * 13 + i * 7) % 500)});
        }
        std::vector<SequenceSlice> slices;
        for (std::size_t i = 0; i < company; ++i) {
          const std::size_t which_one = at % 2 == 0 ? i : company - 1 - i;
          slices.push_back({next[which_one], static_cast<std::int32_t>(at), blocks[which_one], 1});
        }
        const Logits rows = forward(*model.decoder, slices);
        const std::size_t mine = at % 2 == 0 ? 0 : company - 1;
        ASSERT_EQ(rows.size(), company * vocabulary);
        ASSERT_EQ(0, std::memcmp(rows.data() + mine * vocabulary, expected.data() + at * vocabulary,
                                 vocabulary * sizeof(float)))
            << which.shape << " " << which.mix << ", position " << at << " among " << company
            << (on == On::kGpu ? ", recorded" : "");
      }
    }
  }
}

TEST_F(GpuModel, GivesTheSameBitsWhereSeveralGpusShareEachLayer) {
  if (gpus_alike() < 2) GTEST_SKIP() << "there is one GPU alone";
  constexpr Case kWide = {"tiny-wide", "Q4_K_M"};
  Model alone = load(kWide, On::kGpu);
  ASSERT_NE(alone.decoder, nullptr);
  const auto tokens = prompt(is_short() ? 12 : 60, 6);
  const Logits expected = in_chunks(*alone.decoder, tokens, 60, 0);
  for (const std::size_t gpus : {std::size_t{2}, std::size_t{4}}) {
    if (gpus > gpus_alike()) continue;
    Model shared = load(kWide, On::kGpu, gpus);
    ASSERT_NE(shared.decoder, nullptr);
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{60}})
      EXPECT_TRUE(same_bits(in_chunks(*shared.decoder, tokens, chunk, 1), expected))
          << gpus << " GPUs, chunks of " << chunk;
  }
}

// The digest is printed, so that runs on other days and cards can be compared.
TEST_F(GpuModel, GivesTheSameBitsInAProcessBegunAfresh) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const Case& which : kCases) {
    Model model = load(which, On::kGpu);
    if (model.decoder == nullptr) return;
    hash = digest(in_chunks(*model.decoder, prompt(is_short() ? 10 : 50, 4), 9, 0), hash);
  }
  if (const char* const path = child_word(); path != nullptr) {
    std::FILE* const file = std::fopen(path, "w");
    ASSERT_NE(file, nullptr);
    std::fprintf(file, "%016" PRIx64 "\n", hash);
    std::fclose(file);
    return;
  }
  std::printf("golden tiny-models%s %016" PRIx64 "\n", is_short() ? "-short" : "", hash);
  char path[] = "/tmp/redoubt-gpu-digest-XXXXXX";
  const int descriptor = ::mkstemp(path);
  ASSERT_GE(descriptor, 0);
  ::close(descriptor);
  EXPECT_EQ(run_alone("GpuModel.GivesTheSameBitsInAProcessBegunAfresh", path), 0);
  std::uint64_t other = 0;
  std::FILE* const file = std::fopen(path, "r");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(std::fscanf(file, "%" SCNx64, &other), 1);
  std::fclose(file);
  (void)::unlink(path);
  EXPECT_EQ(other, hash);
}

TEST_F(GpuModel, TakesNoMemoryOfTheDeviceOnceItHasWarmedUp) {
  if (is_emulated()) GTEST_SKIP() << "of a real GPU alone";
  Model model = load(kCases[0], On::kGpu);
  ASSERT_NE(model.decoder, nullptr);
  const auto tokens = prompt(60, 5);
  in_chunks(*model.decoder, tokens, 60, 0);
  in_chunks(*model.decoder, tokens, 1, 1);
  std::size_t before = 0, after = 0, total = 0;
  ASSERT_EQ(cudaMemGetInfo(&before, &total), cudaSuccess);
  for (int i = 0; i < 20; ++i) {
    in_chunks(*model.decoder, tokens, 60, 0);
    in_chunks(*model.decoder, tokens, 1, 1);
  }
  ASSERT_EQ(cudaMemGetInfo(&after, &total), cudaSuccess);
  EXPECT_EQ(before, after) << "(another process on this GPU would show, too)";
}

}  // namespace
}  // namespace gpu_test
