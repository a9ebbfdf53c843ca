// A model that one engine packs and another takes over: the same bits, or a refusal that says why.
#include "runtime/model/packed_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "bench/synth/synthetic_model.h"
#include "runtime/model/model_file.h"
#include "runtime/model/transformer.h"
#include "tests/runtime/model/test_file.h"
#include "tests/runtime/model/test_model.h"

namespace runtime {
namespace {

using provisioning::FileVerifier;
using testing::HasSubstr;

constexpr MemoryRequest kMemory{.context_tokens = 64, .rows_max = 32, .logit_rows_max = 8};

std::vector<std::byte> synthetic(std::string_view shape, std::string_view mix) {
  return bench::SyntheticModel(*bench::find_synthetic_shape(shape), *bench::find_quant_mix(mix), 3)
      .file();
}

std::unique_ptr<kernels::Ops> make_ops(const ModelSpec& spec) {
  return kernels::make_cpu_ops(
      {.limits = backend_limits(spec, kMemory.rows_max, 64), .threads = 2});
}

std::unique_ptr<kernels::Ops> make_ops(const std::vector<std::byte>& file) {
  return make_ops(read_model_spec(GgufFile::parse(file).value()).value());
}

base::VerifiedWeights pack(const std::vector<std::byte>& bytes) {
  const auto ops = make_ops(bytes);
  auto file = FileVerifier::trust(bytes);
  auto weights = pack_model(file, *ops, {.memory = kMemory, .progress = {}});
  EXPECT_TRUE(weights.ok()) << weights.error().message;
  return std::move(weights).value();
}

std::vector<float> logits(Transformer& decoder) {
  const std::vector<TokenId> tokens{1, 5, 9, 200, 7, 7, 31};
  const std::vector<std::int32_t> blocks{1, 0};
  const SequenceSlice slice{tokens, 0, blocks, 3};
  const auto rows = decoder.forward(std::span(&slice, 1));
  EXPECT_TRUE(rows.ok());
  return {rows.value().logits.begin(), rows.value().logits.end()};
}

TEST(PackedModel, GivesTheBitsOfTheFileToEveryEngineAfterTheFirst) {
  for (const char* mix : {"F32", "F16", "Q8_0", "Q4_0", "Q4_K_M", "Q2_K"}) {
    const auto bytes = synthetic("tiny-qwen2", mix);
    const auto ops = make_ops(bytes);
    const auto from_file =
        Transformer::load(FileVerifier::trust(bytes), *ops, {.memory = kMemory, .progress = {}});
    ASSERT_TRUE(from_file.ok()) << mix << ": " << from_file.error().message;
    const std::vector<float> expected = logits(*from_file.value());

    base::Fd handed_on = pack(bytes).take_descriptor();
    for (int generation = 0; generation < 2; ++generation) {
      auto weights = FileVerifier::inherit(std::move(handed_on)).value();
      handed_on = weights.take_descriptor();
      const auto packed = PackedModel::parse(weights.bytes());
      ASSERT_TRUE(packed.ok()) << packed.error().message;
      const ModelFile parts = read_model_file(packed.value().file()).value();
      EXPECT_EQ(parts.vocabulary.tokens.size(),
                read_model_file(bytes).value().vocabulary.tokens.size());
      const auto successor = make_ops(parts.spec);
      const auto decoder =
          Transformer::load(std::move(weights), *successor, {.memory = kMemory, .progress = {}});
      ASSERT_TRUE(decoder.ok()) << mix << ": " << decoder.error().message;
      EXPECT_EQ(logits(*decoder.value()), expected) << mix;
    }
  }
}

TEST(PackedModel, ReportsProgressToTheEndWhileItIsMade) {
  const auto bytes = test_model("llama").bytes();
  const auto ops = make_ops(bytes);
  auto file = FileVerifier::trust(bytes);
  std::vector<std::uint64_t> done;
  std::uint64_t total = 0;
  const auto weights =
      pack_model(file, *ops, {.memory = kMemory, .progress = [&](auto now, auto all) {
                                done.push_back(now);
                                total = all;
                              }});
  ASSERT_TRUE(weights.ok()) << weights.error().message;
  EXPECT_EQ(done.size(), test_model("llama").tensors.size());
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.back(), total);
}

TEST(PackedModel, IsNotMadeWhereThePlanDoesNotFit) {
  const auto bytes = test_model("llama").bytes();
  const auto ops = make_ops(bytes);
  auto file = FileVerifier::trust(bytes);
  MemoryRequest memory = kMemory;
  memory.memory_bytes_max = 1000;
  const auto weights = pack_model(file, *ops, {.memory = memory, .progress = {}});
  ASSERT_FALSE(weights.ok());
  EXPECT_EQ(weights.error().code, base::ErrorCode::kExhausted);
  EXPECT_THAT(weights.error().message, HasSubstr("needed (weights"));
}

TEST(PackedModel, IsForBackendsThatCanAdoptIt) {
  const auto bytes = test_model("llama").bytes();
  const kernels::Limits limits = make_ops(bytes)->limits();
  const auto reference = kernels::make_reference_ops(limits);
  auto file = FileVerifier::trust(bytes);
  EXPECT_EQ(pack_model(file, *reference, {.memory = kMemory, .progress = {}}).error().code,
            base::ErrorCode::kUnsupported);
  EXPECT_TRUE(std::ranges::equal(file.bytes(), bytes));
  const auto adopted =
      Transformer::load(pack(bytes), *reference, {.memory = kMemory, .progress = {}});
  ASSERT_FALSE(adopted.ok());
  EXPECT_THAT(adopted.error().message, HasSubstr("weights in layout 1; 0 is computed with"));
}

// Packed bytes, changed, and taken for a model's.
class Corrupted {
 public:
  explicit Corrupted(const std::vector<std::byte>& file) : weights_(pack(file)) {
    bytes_.assign(weights_.bytes().begin(), weights_.bytes().end());
  }

  template <typename T>
  Corrupted& set(std::size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
    return *this;
  }
  Corrupted& resize(std::size_t size) {
    bytes_.resize(size);
    return *this;
  }
  std::size_t size() const { return bytes_.size(); }

  std::string error() const {
    const auto packed = PackedModel::parse(bytes_);
    if (!packed.ok()) return packed.error().message;
    const auto spec = read_model_spec(packed.value().file());
    if (!spec.ok()) return spec.error().message;
    const auto tensors =
        packed.value().tensors(expected_tensors(spec.value()), *make_ops(spec.value()));
    return tensors.ok() ? "accepted" : tensors.error().message;
  }

 private:
  base::VerifiedWeights weights_;
  std::vector<std::byte> bytes_;
};

TEST(PackedModel, RefusesAnythingThatIsNotExactlyItself) {
  const auto file = test_model("llama").bytes();
  const auto fresh = [&] { return Corrupted(file); };
  EXPECT_EQ(fresh().error(), "accepted");
  EXPECT_THAT(fresh().set(0, 'x').error(), HasSubstr("not those of a model"));
  EXPECT_THAT(fresh().set(8, std::uint32_t{2}).error(), HasSubstr("layout 2; 1 is computed with"));
  EXPECT_THAT(fresh().set(12, std::uint32_t{1}).error(), HasSubstr("reserved is 1"));
  EXPECT_THAT(fresh().set(16, std::uint64_t{100}).error(), HasSubstr("a head of"));
  EXPECT_THAT(fresh().set(16, UINT64_MAX).error(), HasSubstr("file bytes is"));
  EXPECT_THAT(fresh().set(24, UINT64_MAX).error(), HasSubstr("head"));
  EXPECT_THAT(fresh().set(24, std::uint64_t{40}).error(), HasSubstr("metadata"));
  EXPECT_THAT(fresh().set(32, 'x').error(), HasSubstr("does not begin with \"GGUF\""));
  Corrupted shorter = fresh();
  EXPECT_THAT(shorter.resize(shorter.size() - 1).error(), HasSubstr("these tensors take"));
  Corrupted longer = fresh();
  EXPECT_THAT(longer.resize(longer.size() + 1).error(), HasSubstr("these tensors take"));
}

}  // namespace
}  // namespace runtime
