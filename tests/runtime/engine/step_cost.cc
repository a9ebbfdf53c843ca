// What the engine takes of a step beside the model: planning, sampling, events. Prints microseconds
// per step for a vocabulary of 151,936 with a decoder that computes nothing.
//
//   step_cost [STEPS [THREADS]]
//
// Steps per case: 3 when run as a test, 200 for figures. Threads of the decoder: 1.
//
// Two shapes of logits: "peaked" as a trained model's, and "flat", normal with deviation 2, where a
// nucleus has tens of thousands of tokens.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <random>
#include <string_view>
#include <vector>

#include "hardening/base/check.h"
#include "kernels/ops.h"
#include "runtime/engine/engine.h"

namespace {

using namespace runtime;

constexpr std::size_t kVocabulary = 151'936;

class PlainTokenizer final : public Tokenizer {
 public:
  PlainTokenizer() { vocabulary_.tokens.resize(kVocabulary); }
  base::Status encode(std::string_view, const EncodeOptions&, std::size_t,
                      std::vector<TokenId>&) const override {
    return {};
  }
  base::Status encode_spans(std::span<const TextSpan>, bool, std::size_t,
                            std::vector<TokenId>&) const override {
    return {};
  }
  std::string_view piece(TokenId, bool) const override { return " token"; }
  std::string decode(const std::vector<TokenId>&, bool) const override { return {}; }
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  const std::vector<TokenId>& end_tokens() const override { return ends_; }
  bool adds_bos() const override { return false; }

 private:
  Vocabulary vocabulary_;
  std::vector<TokenId> ends_;
};

// The same logits for every row.
class StillDecoder final : public Decoder {
 public:
  struct Logits {
    float width;
    float peak;
  };

  StillDecoder(std::size_t rows, const Logits& logits, kernels::Ops& ops) : ops_(ops) {
    shape_ = {kVocabulary, 4096, 32, 4096, 256, rows};
    std::mt19937_64 generator(1);
    std::normal_distribution<float> normal(0, logits.width);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t v = 0; v < kVocabulary; ++v) logits_.push_back(normal(generator));
      // A few dozen likely tokens, each a little less so.
      for (int i = 0; i < 40; ++i) {
        logits_[row * kVocabulary + generator() % kVocabulary] +=
            logits.peak - 0.3F * static_cast<float>(i);
      }
    }
    max_.assign(rows, 30);
    sums_.assign(rows, 1);
  }
  const DecoderShape& shape() const override { return shape_; }
  base::Result<LogitRows> forward(std::span<const SequenceSlice> slices) override {
    std::size_t rows = 0;
    for (const SequenceSlice& slice : slices) rows += slice.logits_count;
    return LogitRows{std::span(logits_).first(rows * kVocabulary), std::span(max_).first(rows),
                     std::span(sums_).first(rows)};
  }
  base::Status copy_block(std::int32_t, std::int32_t) override { return {}; }
  std::size_t host_threads() const override { return ops_.host_threads(); }

 protected:
  void run_on_host(std::size_t tasks, HostTask run, const void* context) override {
    ops_.for_each_host(tasks, run, context);
  }

 private:
  kernels::Ops& ops_;
  DecoderShape shape_;
  std::vector<float> logits_;
  std::vector<float> max_;
  std::vector<float> sums_;
};

struct Case {
  std::string_view name;
  SamplingParams sampling;
  bool logprobs = false;
};

double microseconds_per_step(Decoder& decoder, std::size_t batch, const Case& what, int steps) {
  const PlainTokenizer tokenizer;
  auto engine = Engine::create({.sequences_max = batch}, decoder, tokenizer);
  CHECK(engine.ok());
  for (std::size_t i = 0; i < batch; ++i) {
    GenerationRequest request;
    request.id = i;
    request.prompt.assign(500, static_cast<TokenId>(100 + i));
    for (std::size_t t = 0; t < request.prompt.size(); ++t)
      request.prompt[t] += static_cast<TokenId>(97 * t);
    request.tokens_max = 1000;
    request.sampling = what.sampling;
    request.sampling.seed = i;
    request.logprobs = what.logprobs;
    request.top_logprobs = what.logprobs ? 20 : 0;
    CHECK(engine.value()->submit(std::move(request)).ok());
  }
  std::size_t events = 0;
  const Engine::EventSink sink = [&events](const GenerationEvent&) { ++events; };
  // Until every prompt is computed.
  while (events < batch) {
    events = 0;
    CHECK(engine.value()->step(sink).ok());
  }
  events = 0;
  std::vector<double> times;
  for (int i = 0; i < steps; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    CHECK(engine.value()->step(sink).ok());
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  CHECK(events == batch * static_cast<std::size_t>(steps));
  std::ranges::sort(times);
  return times[times.size() / 2];
}

bool read_count(std::string_view text, int& count) {
  return std::from_chars(text.data(), text.data() + text.size(), count).ec == std::errc() &&
         count >= 1;
}

}  // namespace

int main(int argc, char** argv) {
  int steps = 3;
  int threads = 1;
  if (argc > 1 && !read_count(argv[1], steps)) return 2;
  if (argc > 2 && !read_count(argv[2], threads)) return 2;
  const auto sampled = [](float temperature) {
    SamplingParams params;
    params.temperature = temperature;
    return params;
  };
  std::vector<Case> cases = {
      {"greedy", sampled(0)},
      {"temperature 0.7", sampled(0.7F)},
      {"top_p 0.95", sampled(1)},
      {"min_p 0.05", sampled(1)},
      {"top_k 40, top_p 0.95", sampled(0.7F)},
      {"penalties, top_p 0.95", sampled(1)},
      {"greedy, 20 logprobs", sampled(0), true},
  };
  for (const std::size_t i : {2U, 4U, 5U}) cases[i].sampling.top_p = 0.95F;
  cases[3].sampling.min_p = 0.05F;
  cases[4].sampling.top_k = 40;
  cases[5].sampling.repetition_penalty = 1.1F;
  cases[5].sampling.presence_penalty = 0.5F;
  const auto ops =
      kernels::make_cpu_ops({.limits = {}, .threads = static_cast<std::size_t>(threads)});
  CHECK(ops != nullptr);
  StillDecoder peaked(8, {.width = 2, .peak = 22}, *ops);
  StillDecoder flat(8, {.width = 2, .peak = 0}, *ops);
  fmt::print("{:<24}{:>12}{:>12}{:>12}{:>12}\n", "us per step (median)", "peaked, 1", "peaked, 8",
             "flat, 1", "flat, 8");
  for (const Case& what : cases) {
    fmt::print("{:<24}", what.name);
    for (StillDecoder* const decoder : {&peaked, &flat}) {
      for (const std::size_t batch : {std::size_t{1}, std::size_t{8}}) {
        fmt::print("{:>12.0f}", microseconds_per_step(*decoder, batch, what, steps));
        std::fflush(stdout);
      }
    }
    fmt::print("\n");
  }
  return 0;
}
