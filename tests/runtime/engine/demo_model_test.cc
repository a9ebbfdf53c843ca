// The same invariance as engine_invariance_test, with the demo model, its tokenizer and the CPU
// backend: here the promise of kernels/ops.h is put to the test from end to end.
#include <gtest/gtest.h>

#include "hardening/base/file.h"
#include "runtime/engine/engine.h"
#include "runtime/model/model_file.h"
#include "runtime/model/transformer.h"
#include "tests/runtime/engine/transcript.h"
#include "tests/runtime/model/test_file.h"

namespace runtime {
namespace {

constexpr const char* kModelPath = "provisioning/demo/redoubt-demo.gguf";
constexpr std::size_t kModelBytesMax = std::size_t{64} << 20;
constexpr std::size_t kRowsMax = 64;

class DemoModel : public testing::Test {
 protected:
  // One load for all tests; nothing in it but the contents of unused KV blocks changes.
  static void SetUpTestSuite() {
    auto text = base::read_text_file(kModelPath, kModelBytesMax);
    ASSERT_TRUE(text.ok()) << text.error().message;
    const auto bytes = std::as_bytes(std::span(text.value()));
    auto model = read_model_file(bytes);
    ASSERT_TRUE(model.ok()) << model.error().message;
    const MemoryRequest memory = {.context_tokens = 256,
                                  .sequences = 6,
                                  .block_tokens = 16,
                                  .rows_max = kRowsMax,
                                  .logit_rows_max = 16};
    const kernels::CpuOptions cpu = {.limits = backend_limits(model.value().spec, kRowsMax, 256),
                                     .threads = 2};
    ops_ = kernels::make_cpu_ops(cpu).release();
    ASSERT_NE(ops_, nullptr);
    TransformerOptions options;
    options.memory = memory;
    auto decoder = Transformer::load(provisioning::FileVerifier::trust(bytes), *ops_, options);
    ASSERT_TRUE(decoder.ok()) << decoder.error().message;
    decoder_ = std::move(decoder).value().release();
    auto tokenizer = Tokenizer::create(std::move(model.value().vocabulary));
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    tokenizer_ = std::move(tokenizer).value().release();
  }
  static void TearDownTestSuite() {
    delete decoder_;
    delete ops_;
    delete tokenizer_;
  }

  static std::unique_ptr<Engine> make_engine(const EngineOptions& options) {
    auto engine = Engine::create(options, *decoder_, *tokenizer_);
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    return std::move(engine).value();
  }

  static GenerationRequest ask(std::uint64_t id, std::string_view question) {
    GenerationRequest request;
    request.id = id;
    const std::string text = "<|begin|><|user|>" + std::string(question) + "<|end|><|assistant|>";
    EXPECT_TRUE(tokenizer_->encode(text, {.parse_special = true}, 200, request.prompt).ok());
    request.tokens_max = 40;
    request.sampling.temperature = 0;
    request.logprobs = true;
    request.top_logprobs = 5;
    return request;
  }

  // Different lengths, a shared beginning, several choices, penalties, an echo.
  static std::vector<GenerationRequest> questions() {
    std::vector<GenerationRequest> requests = {
        ask(1, "What is Redoubt?"),
        ask(2, "What is Redoubt for?"),
        ask(3, "How do I import a model?"),
        ask(4,
            "Who may read the audit log, and how can an inspector check it without trusting the "
            "machine?"),
        ask(5, "Hello"),
        ask(6, "What is Redoubt?")};
    requests[1].choices = 3;
    requests[1].sampling.temperature = 1.2F;
    requests[1].sampling.top_p = 0.95F;
    requests[1].sampling.seed = 7;
    requests[2].sampling.temperature = 0.8F;
    requests[2].sampling.top_k = 20;
    requests[2].sampling.repetition_penalty = 1.2F;
    requests[2].sampling.seed = 9;
    requests[3].ignore_end_tokens = true;
    requests[4].echo_logprobs = true;
    return requests;
  }

  static Transcripts run_alone(const std::vector<GenerationRequest>& requests) {
    Transcripts transcripts;
    for (const GenerationRequest& request : requests) {
      const auto engine =
          make_engine({.sequences_max = 4, .step_tokens_max = kRowsMax, .prefix_cache = false});
      EXPECT_TRUE(engine->submit(request).ok());
      run_all(*engine, transcripts);
    }
    return transcripts;
  }

  static kernels::Ops* ops_;
  static Transformer* decoder_;
  static Tokenizer* tokenizer_;
};

kernels::Ops* DemoModel::ops_ = nullptr;
Transformer* DemoModel::decoder_ = nullptr;
Tokenizer* DemoModel::tokenizer_ = nullptr;

TEST_F(DemoModel, AnswersAboutRedoubtAndEndsItself) {
  Transcripts transcripts = run_alone({ask(1, "What is Redoubt?")});
  const Transcript& answer = transcripts[{1, 0}];
  EXPECT_NE(answer.text().find("Redoubt"), std::string::npos) << answer.text();
  EXPECT_EQ(answer.text(), tokenizer_->decode(answer.tokens()));
}

TEST_F(DemoModel, AloneEqualsTogether) {
  const std::vector<GenerationRequest> requests = questions();
  const Transcripts alone = run_alone(requests);
  ASSERT_EQ(alone.size(), 8U);
  for (const EngineOptions& options :
       {EngineOptions{.sequences_max = 8, .step_tokens_max = 64},
        EngineOptions{.sequences_max = 5, .step_tokens_max = 7},
        EngineOptions{.sequences_max = 3, .step_tokens_max = 20, .prefix_cache = false}}) {
    const auto engine = make_engine(options);
    Transcripts together;
    for (const GenerationRequest& request : requests) {
      ASSERT_TRUE(engine->submit(request).ok());
      run_step(*engine, together);
    }
    run_all(*engine, together);
    EXPECT_TRUE(alone == together);
    EXPECT_EQ(engine->stats().cached_prompt_tokens > 0, true);
  }
}

TEST_F(DemoModel, ResumedGoesOnWithTheSameBits) {
  const std::vector<GenerationRequest> requests = questions();
  const Transcripts alone = run_alone(requests);
  std::vector<GenerationRequest> resumed = requests;
  for (GenerationRequest& request : resumed) {
    for (std::uint32_t choice = 0; choice < request.choices; ++choice) {
      std::vector<TokenId> tokens = alone.at({request.id, choice}).tokens();
      tokens.resize(std::min<std::size_t>(tokens.size(), 9));
      request.resume.push_back(tokens);
    }
  }
  const auto engine = make_engine({.sequences_max = 8, .step_tokens_max = 30});
  Transcripts after;
  for (const GenerationRequest& request : resumed) ASSERT_TRUE(engine->submit(request).ok());
  run_all(*engine, after);
  for (const auto& [key, whole] : alone) {
    std::vector<Line> rest = whole.lines;
    std::erase_if(rest, [](const Line& line) { return line.prompt; });
    if (rest.size() <= 9) continue;
    rest.erase(rest.begin(), rest.begin() + 9);
    EXPECT_EQ(rest == after[key].lines, true)
        << "request " << key.first << " choice " << key.second;
  }
}

}  // namespace
}  // namespace runtime
