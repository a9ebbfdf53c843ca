// From the store's objects to a model that may serve, or may not: releases with golden prompts and
// evaluation sets, and what is remembered from one start to the next.
#include "daemon/engine/start_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <map>

#include "bench/synth/synthetic_model.h"
#include "daemon/engine/golden_maker.h"
#include "hardening/base/clock.h"
#include "hardening/base/hex.h"
#include "provisioning/envelope.h"
#include "provisioning/model_directory.h"
#include "tests/daemon/engine/wrong_decoder.h"
#include "tests/provisioning/scratch_directory.h"
#include "tests/provisioning/trust/trust_documents.h"

namespace daemon_engine {
namespace {

using testing::HasSubstr;

template <std::size_t kBytes>
std::array<std::byte, kBytes> digest_of(const EVP_MD* hash, std::string_view text) {
  std::array<std::byte, kBytes> digest{};
  unsigned size = 0;
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()),
                       &size, hash, nullptr),
            1);
  EXPECT_EQ(size, kBytes);
  return digest;
}

template <std::size_t kBytes>
std::string_view view(const std::array<std::byte, kBytes>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), kBytes};
}

class StartChecksTest : public testing::Test {
 protected:
  StartChecksTest() {
    const bench::SyntheticModel model(*bench::find_synthetic_shape("tiny-llama"),
                                      *bench::find_quant_mix("Q4_0"), 3);
    const std::vector<std::byte> file = model.file();
    files_["model/x.gguf"] = std::string(reinterpret_cast<const char*>(file.data()), file.size());
    config_.source = "release";
    config_.threads = 1;
    config_.context_tokens = 64;
    config_.step_tokens_max = 16;
    config_.sequences_max = 2;
    config_.keep_weights = "never";
  }

  // Puts the files into objects/, as an import does, and a statement of them into the
  // configuration.
  void publish() {
    provisioning::Release release = trust_test::make_release();
    std::vector<provisioning::ReleaseFile> list;
    for (const auto& [name, text] : files_) {
      provisioning::ReleaseFile file = trust_test::make_file(name, text.size());
      file.sha256 = digest_of<32>(EVP_sha256(), text);
      file.sha384 = digest_of<48>(EVP_sha384(), text);
      std::string pieces;
      for (std::size_t at = 0; at < text.size(); at += provisioning::kChunkBytes) {
        pieces += view(digest_of<32>(EVP_sha256(),
                                     std::string_view(text).substr(at, provisioning::kChunkBytes)));
      }
      file.chunks = digest_of<32>(EVP_sha256(), pieces);
      objects_.write(base::to_hex(file.sha256), text);
      objects_.write(base::to_hex(file.sha256) + ".chunks", pieces);
      list.push_back(file);
    }
    trust_test::set_files(release, list);
    release.golden = files_.contains("qualify/golden.json") ? "qualify/golden.json" : "";
    release.evaluations.clear();
    if (files_.contains("qualify/facts.json")) release.evaluations = {"qualify/facts.json"};
    config_.release_text = trust_test::seal_release(release, {&officer_});
    config_.trust_root_text =
        trust_test::seal_root(trust_test::make_root({&officer_}, 1, {&officer_}, 1), {&officer_});
  }

  base::Result<LoadedModel> load(const EngineHooks& hooks = {}) {
    return LoadedModel::load(
        objects_.open(), {},
        {.config = config_, .clock = clock_, .progress = nobody_, .page = nullptr, .hooks = hooks});
  }

  base::Result<StartChecks> start(const EngineHooks& hooks = {},
                                  BackendKind kind = BackendKind::kCpu) {
    auto model = load(hooks);
    EXPECT_TRUE(model.ok()) << model.error().message;
    model.value().backend.kind = kind;
    const auto engines = make_check_engines(model.value(), config_).value();
    return run_start_checks(model.value(), config_, engines, clock_, nobody_);
  }

  void add_golden() {
    publish();
    const auto model = load();
    ASSERT_TRUE(model.ok()) << model.error().message;
    const LoadedModel& loaded = model.value();
    const auto set = make_golden({.engine = *loaded.engine,
                                  .window = 4,
                                  .tools = {*loaded.tokenizer, nullptr, 64},
                                  .kernels = loaded.ops->name(),
                                  .exact = true,
                                  .time = 0,
                                  .progress = [](std::uint64_t, std::uint64_t) {}},
                                 {base::Json("one two"), base::Json("three")}, 5);
    ASSERT_TRUE(set.ok()) << set.error().message;
    golden_ = set.value();
    files_["qualify/golden.json"] = golden_.serialize();
  }

  const trust_test::Signer officer_ = trust_test::make_signer();
  const LoadReporter nobody_ = [](std::uint64_t, std::uint64_t, std::string_view) {};
  const EngineHooks broken_ = {
      .decorate_decoder = [](runtime::Decoder& decoder) -> std::unique_ptr<runtime::Decoder> {
        return std::make_unique<WrongDecoder>(decoder);
      }};
  std::map<std::string, std::string> files_;
  ScratchDirectory objects_;
  EngineConfig config_;
  GoldenSet golden_;
  base::SystemClock clock_;
};

TEST_F(StartChecksTest, LoadsTheModelOfARelease) {
  publish();
  const auto model = load();
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model.value().digest.size(), 64U);
  EXPECT_EQ(model.value().signer, officer_.id);
  EXPECT_THAT(model.value().file, HasSubstr("x.gguf"));
  EXPECT_FALSE(model.value().golden);
}

TEST_F(StartChecksTest, RefusesAReleaseThatNobodyEntitledSigned) {
  publish();
  const trust_test::Signer other = trust_test::make_signer();
  config_.trust_root_text =
      trust_test::seal_root(trust_test::make_root({&other}, 1, {&other}, 1), {&other});
  const auto model = load();
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, base::ErrorCode::kDenied);
}

TEST_F(StartChecksTest, RefusesAnObjectThatHasChanged) {
  publish();
  std::string file = files_["model/x.gguf"];
  const std::string object = base::to_hex(digest_of<32>(EVP_sha256(), file));
  file[file.size() / 2] = static_cast<char>(file[file.size() / 2] ^ 1);
  objects_.write(object, file);
  const auto model = load();
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, base::ErrorCode::kDenied);
}

TEST_F(StartChecksTest, LoadsABareModelFromTheStoreByKeysOrByTheTrustRoot) {
  publish();
  ScratchDirectory original;
  original.write("x.gguf", files_["model/x.gguf"]);
  const auto key = provisioning::PrivateKey::generate(provisioning::Curve::kP384).value();
  const auto statement = provisioning::describe_directory(original.open(), "bare").value();
  const auto envelope =
      provisioning::seal_payload(provisioning::serialize_statement(statement), key).value();
  config_.source = "bare";
  config_.release_text = "";
  config_.trust_root_text = "";
  config_.signature_text = provisioning::serialize_envelope(envelope);
  config_.trusted_keys_pem = {key.public_key().value().pem()};
  const auto by_key = load();
  ASSERT_TRUE(by_key.ok()) << by_key.error().message;
  EXPECT_EQ(by_key.value().digest, base::to_hex(statement.root_digest()));
  config_.model_digest = by_key.value().digest;
  ASSERT_TRUE(start().ok());
  config_.model_digest.back() ^= 1;
  EXPECT_THAT(load().error().message, HasSubstr("the store was changed"));
  config_.model_digest = "";

  provisioning::TrustRoot root = trust_test::make_root({&officer_}, 1, {&officer_}, 1);
  root.model.bare = true;
  config_.trust_root_text = trust_test::seal_root(root, {&officer_});
  EXPECT_EQ(load().error().code, base::ErrorCode::kDenied) << "the root does not know this key";
  const auto pem = key.public_key().value();
  root.keys.push_back({pem.hint(), "ecdsa-p384-sha384", "maker", pem.pem()});
  root.model.key_ids = {pem.hint()};
  config_.trust_root_text = trust_test::seal_root(root, {&officer_});
  const auto by_root = load();
  EXPECT_TRUE(by_root.ok()) << by_root.error().message;
  root.model.bare = false;
  config_.trust_root_text = trust_test::seal_root(root, {&officer_});
  EXPECT_THAT(load().error().message, HasSubstr("does not take models without a release"));
}

TEST_F(StartChecksTest, RecordsAKnownAnswerAndFindsItAgain) {
  publish();
  const auto first = start();
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first.value().known_answer.find("result")->as_string(), "recorded");
  ASSERT_TRUE(first.value().known_answers);
  EXPECT_FALSE(first.value().qualification);
  config_.known_answers = *first.value().known_answers;
  const auto second = start();
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(second.value().known_answer.find("result")->as_string(), "matched");
  EXPECT_FALSE(second.value().known_answers);
}

TEST_F(StartChecksTest, RefusesAMachineThatAnswersOtherwise) {
  publish();
  config_.known_answers = start().value().known_answers.value();
  const auto broken = start(broken_);
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, base::ErrorCode::kDenied);
  EXPECT_THAT(broken.error().message, HasSubstr("known-answer test failed: token 1 is "));
}

TEST_F(StartChecksTest, BlamesGpusForAnAnswerThatTheyGaveRightlyBefore) {
  publish();
  config_.known_answers = start().value().known_answers.value();
  const auto broken = start(broken_, BackendKind::kCuda);
  ASSERT_FALSE(broken.ok());
  EXPECT_TRUE(is_wrong_answer(broken.error()));
  EXPECT_THAT(broken.error().message, HasSubstr("known-answer test failed: token 1 is "));
}

// A model on trial is judged as it ever was, whatever computes.
TEST_F(StartChecksTest, BlamesAModelThatDoesNotQualifyOnGpus) {
  add_golden();
  publish();
  config_.qualify = true;
  const auto broken = start(broken_, BackendKind::kCuda);
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, base::ErrorCode::kDenied);
  EXPECT_THAT(broken.error().message, HasSubstr("qualification failed"));
}

TEST_F(StartChecksTest, AsksAnewWhereTheKvCacheHasAnotherFormat) {
  publish();
  config_.known_answers = start().value().known_answers.value();
  config_.kv_format = "q8_0";
  const auto other = start();
  ASSERT_TRUE(other.ok()) << other.error().message;
  EXPECT_EQ(other.value().known_answer.find("result")->as_string(), "recorded");
  config_.known_answers = other.value().known_answers.value();
  config_.kv_format = "f16";
  EXPECT_EQ(start().value().known_answer.find("result")->as_string(), "matched") << "both are kept";
}

TEST_F(StartChecksTest, BeginsAnewWhereTheKnownAnswersAreDamaged) {
  publish();
  config_.known_answers = "{";
  const auto checks = start();
  ASSERT_TRUE(checks.ok()) << checks.error().message;
  EXPECT_THAT(checks.value().note, HasSubstr("cannot be read"));
  EXPECT_TRUE(checks.value().known_answers);
}

TEST_F(StartChecksTest, QualifiesByGoldenPromptsAndEvaluations) {
  add_golden();
  files_["qualify/facts.json"] =
      R"({"type":"redoubt-evaluation","format":1,"name":"facts","kind":"likelihood","minimum":-100,"tokens_max":4,)"
      R"("items":[{"prompt":"one","answer":" two"}]})";
  publish();
  config_.qualify = true;
  const auto checks = start();
  ASSERT_TRUE(checks.ok()) << checks.error().message;
  const base::Json& report = checks.value().qualification.value();
  EXPECT_EQ(report.find("golden")->find("mode")->as_string(), "exact");
  EXPECT_EQ(report.find("golden")->find("prompts")->as_int(), 2);
  EXPECT_EQ(report.find("evaluations")->as_array().size(), 1U);
  EXPECT_THAT(*checks.value().known_answers, HasSubstr("\"prompt\":["))
      << "of the first golden prompt";
}

TEST_F(StartChecksTest, QualifiesWithinTheToleranceOnAnotherKernelSet) {
  add_golden();
  publish();
  config_.qualify = true;
  config_.backend = "reference";
  const auto checks = start();
  ASSERT_TRUE(checks.ok()) << checks.error().message;
  EXPECT_EQ(checks.value().qualification->find("golden")->find("mode")->as_string(), "tolerance");
}

TEST_F(StartChecksTest, RejectsAModelWhoseGoldenTokensDoNotComeOut) {
  add_golden();
  const auto right = golden_.prompts[1].expected[3];
  golden_.prompts[1].expected[3] = right == 0 ? 1 : 0;
  files_["qualify/golden.json"] = golden_.serialize();
  publish();
  config_.qualify = true;
  const auto checks = start();
  ASSERT_FALSE(checks.ok());
  EXPECT_THAT(checks.error().message,
              HasSubstr("qualification failed: golden prompt \"2\": token 4 is"));
  config_.qualify = false;
  EXPECT_TRUE(start().ok()) << "that was asked for once";
}

TEST_F(StartChecksTest, RejectsAModelThatKnowsTooLittle) {
  files_["qualify/facts.json"] =
      R"({"type":"redoubt-evaluation","format":1,"name":"facts","kind":"exact","minimum":0.8,"tokens_max":4,)"
      R"("items":[{"prompt":"one","answer":"no model says this"}]})";
  publish();
  config_.qualify = true;
  const auto checks = start();
  ASSERT_FALSE(checks.ok());
  EXPECT_EQ(checks.error().message, "qualification failed: facts 0.00, minimum 0.80");
}

TEST_F(StartChecksTest, RejectsASetThatCannotBeRead) {
  files_["qualify/facts.json"] = "[]";
  publish();
  config_.qualify = true;
  const auto checks = start();
  ASSERT_FALSE(checks.ok());
  EXPECT_THAT(checks.error().message, HasSubstr("facts.json: the document is not an object"));
}

}  // namespace
}  // namespace daemon_engine
