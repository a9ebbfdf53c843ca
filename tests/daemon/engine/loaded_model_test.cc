// From a signed directory to an engine, and from an engine's weights to the next engine.
#include "daemon/engine/loaded_model.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "bench/synth/synthetic_model.h"
#include "hardening/base/clock.h"
#include "provisioning/envelope.h"
#include "provisioning/model_directory.h"
#include "tests/provisioning/scratch_directory.h"

namespace daemon_engine {
namespace {

using testing::HasSubstr;

class LoadedModelTest : public testing::Test {
 protected:
  LoadedModelTest() {
    const bench::SyntheticModel model(*bench::find_synthetic_shape("tiny-llama"),
                                      *bench::find_quant_mix("Q4_0"), 3);
    const std::vector<std::byte> file = model.file();
    write_model({reinterpret_cast<const char*>(file.data()), file.size()});
    config_.trusted_keys_pem = {key_.public_key().value().pem()};
    config_.threads = 1;
    config_.context_tokens = 64;
    config_.step_tokens_max = 16;
    config_.sequences_max = 2;
    config_.keep_weights = "always";  // whatever pages this machine has
  }

  void write_model(std::string_view file) {
    directory_.write("model.gguf", file);
    const auto statement = provisioning::describe_directory(directory_.open(), "test").value();
    const auto envelope =
        provisioning::seal_payload(provisioning::serialize_statement(statement), key_).value();
    directory_.write("model.sig", provisioning::serialize_envelope(envelope));
  }

  base::Result<LoadedModel> load(base::Fd former_weights = {}) {
    const LoadReporter nobody = [](std::uint64_t, std::uint64_t, std::string_view) {};
    return LoadedModel::load(
        directory_.open(), std::move(former_weights),
        {.config = config_, .clock = clock_, .progress = nobody, .page = nullptr, .hooks = {}});
  }

  static std::vector<float> logits(LoadedModel& model) {
    const std::vector<runtime::TokenId> tokens{3, 1, 4, 1, 5};
    const std::vector<std::int32_t> blocks{0};
    const runtime::SequenceSlice slice{tokens, 0, blocks, 1};
    const auto rows = model.decoder->forward(std::span(&slice, 1));
    EXPECT_TRUE(rows.ok());
    return {rows.value().logits.begin(), rows.value().logits.end()};
  }

  const provisioning::PrivateKey key_ =
      provisioning::PrivateKey::generate(provisioning::Curve::kP384).value();
  ScratchDirectory directory_;
  EngineConfig config_;
  base::SystemClock clock_;
};

TEST_F(LoadedModelTest, TakesOverWeightsWithoutReadingTheModel) {
  auto first = load();
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_FALSE(first.value().adopted);
  ASSERT_TRUE(first.value().kept.memory.is_open());
  EXPECT_GT(first.value().kept.bytes, 0U);
  EXPECT_THAT(first.value().kept.key, HasSubstr(" layout 1"));
  const std::vector<float> expected = logits(first.value());
  base::Fd kept = std::move(first.value().kept.memory);
  { const LoadedModel dead = std::move(first).value(); }

  directory_.write("model.gguf", "gone");  // nobody looks
  auto second = load(std::move(kept));
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_TRUE(second.value().adopted);
  EXPECT_FALSE(second.value().kept.memory.is_open());
  EXPECT_EQ(second.value().note, "");
  EXPECT_EQ(logits(second.value()), expected);
}

TEST_F(LoadedModelTest, NamesAllThatItsTokensFollowFrom) {
  const auto plain = load();
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  EXPECT_EQ(plain.value().kernel_set, plain.value().ops->name());
  EXPECT_EQ(plain.value().release, "") << "a bare model";
  config_.kv_format = "q8_0";
  const auto quantised = load();
  ASSERT_TRUE(quantised.ok()) << quantised.error().message;
  EXPECT_EQ(quantised.value().kernel_set, std::string(quantised.value().ops->name()) + "+kv-q8_0");
}

TEST_F(LoadedModelTest, LoadsTheFileWhereTheWeightsAreOfAnother) {
  auto first = load();
  ASSERT_TRUE(first.ok()) << first.error().message;
  const bench::SyntheticModel other(*bench::find_synthetic_shape("tiny-llama"),
                                    *bench::find_quant_mix("Q8_0"), 4);
  const std::vector<std::byte> file = other.file();
  write_model({reinterpret_cast<const char*>(file.data()), file.size()});
  auto second = load(std::move(first.value().kept.memory));
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_FALSE(second.value().adopted);
  EXPECT_THAT(second.value().note,
              HasSubstr("the former engine's weights are not used: weights of a file with sha256"));
  EXPECT_TRUE(second.value().kept.memory.is_open());
  EXPECT_NE(logits(second.value()), logits(first.value()));
}

TEST_F(LoadedModelTest, LoadsTheFileWhereTheWeightsCouldStillBeChanged) {
  base::Fd memory(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(memory.get(), 1 << 20), 0);
  auto model = load(std::move(memory));
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_FALSE(model.value().adopted);
  EXPECT_THAT(model.value().note, HasSubstr("seals"));
}

TEST_F(LoadedModelTest, WantsAValidSignatureForFormerWeightsToo) {
  auto first = load();
  ASSERT_TRUE(first.ok()) << first.error().message;
  config_.trusted_keys_pem = {provisioning::PrivateKey::generate(provisioning::Curve::kP384)
                                  .value()
                                  .public_key()
                                  .value()
                                  .pem()};
  const auto second = load(std::move(first.value().kept.memory));
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("signature"));
}

TEST_F(LoadedModelTest, KeepsNothingWhenToldSo) {
  config_.keep_weights = "never";
  auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_FALSE(model.value().kept.memory.is_open());
  const std::vector<float> expected = logits(model.value());
  config_.keep_weights = "always";
  auto kept = load();
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  EXPECT_EQ(logits(kept.value()), expected);
}

TEST_F(LoadedModelTest, KeepsWeightsByItselfOrSaysWhyNot) {
  config_.keep_weights = "auto";
  auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  if (model.value().kept.memory.is_open()) {
    EXPECT_EQ(model.value().note, "");
  } else {
    EXPECT_THAT(model.value().note, HasSubstr("the next engine will read the model again"));
  }
  EXPECT_FALSE(logits(model.value()).empty());
}

TEST_F(LoadedModelTest, RefusesAFileThatIsNotTheSignedOne) {
  directory_.write("model.gguf", "changed");
  const auto model = load();
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("sha256"));
}

}  // namespace
}  // namespace daemon_engine
