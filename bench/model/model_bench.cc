#include "bench/model/model_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "bench/model/local_model.h"
#include "bench/model/sequence.h"
#include "bench/options.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace bench {
namespace {

using base::Json;
using base::Result;
using base::Status;

struct Plan {
  std::string path;
  std::size_t prefill_tokens = 512;
  std::size_t decode_tokens = 128;
  std::vector<std::uint64_t> batches;
  std::size_t repetitions = 3;
  std::string json_path;  // empty: none is written
  LocalModelOptions load;
};

struct Measurement {
  std::string name;  // "prefill 512", "decode batch 4"
  double tokens_per_second = 0;
};

// Tokens that differ from each other, so that nothing is the same work twice.
std::vector<runtime::TokenId> make_prompt(std::size_t count, std::size_t vocabulary, std::size_t salt) {
  std::vector<runtime::TokenId> tokens(count);
  for (std::size_t i = 0; i < count; ++i) {
    tokens[i] = static_cast<runtime::TokenId>((i * 7919 + salt * 104729 + 17) % vocabulary);
  }
  return tokens;
}

Result<double> median_rate(std::size_t repetitions, double tokens, const std::function<Status()>& work) {
  const base::SystemClock clock;
  std::vector<double> rates;
  for (std::size_t i = 0; i < repetitions; ++i) {
    const std::int64_t started_ns = clock.monotonic_ns();
    TRY(work());
    rates.push_back(tokens * 1e9 / static_cast<double>(clock.monotonic_ns() - started_ns));
  }
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() / 2];
}

Result<Measurement> measure_prefill(runtime::Decoder& decoder, const Plan& plan) {
  Sequence sequence(0, decoder.shape().blocks);
  const auto prompt = make_prompt(plan.prefill_tokens, decoder.shape().vocabulary, 0);
  const double rate =
      TRY(median_rate(plan.repetitions, static_cast<double>(prompt.size()), [&]() -> Status {
        sequence.rewind();
        TRY(prefill(decoder, sequence, prompt));
        return {};
      }));
  return Measurement{fmt::format("prefill {}", plan.prefill_tokens), rate};
}

// `batch` sequences, each from an 8-token prompt, a token of each per step.
Result<Measurement> measure_decode(runtime::Decoder& decoder, const Plan& plan, std::size_t batch) {
  constexpr std::size_t kPromptTokens = 8;
  const std::size_t blocks = decoder.shape().blocks / batch;
  const std::size_t vocabulary = decoder.shape().vocabulary;
  std::vector<Sequence> sequences;
  std::vector<runtime::TokenId> last(batch);
  std::vector<runtime::SequenceSlice> slices(batch);
  for (std::size_t b = 0; b < batch; ++b) sequences.emplace_back(b * blocks, blocks);

  std::vector<double> rates;
  for (std::size_t repetition = 0; repetition < plan.repetitions; ++repetition) {
    for (std::size_t b = 0; b < batch; ++b) {
      sequences[b].rewind();
      last[b] = TRY(prefill(decoder, sequences[b], make_prompt(kPromptTokens, vocabulary, b)));
    }
    rates.push_back(TRY(median_rate(1, static_cast<double>(batch * plan.decode_tokens), [&]() -> Status {
      for (std::size_t step = 0; step < plan.decode_tokens; ++step) {
        for (std::size_t b = 0; b < batch; ++b) slices[b] = sequences[b].slice({&last[b], 1}, true);
        const runtime::LogitRows rows = TRY(decoder.forward(slices));
        for (std::size_t b = 0; b < batch; ++b) {
          sequences[b].advance(1);
          last[b] = greedy(rows.logits.subspan(b * vocabulary, vocabulary));
        }
      }
      return {};
    })));
  }
  std::sort(rates.begin(), rates.end());
  return Measurement{fmt::format("decode {} batch {}", plan.decode_tokens, batch), rates[rates.size() / 2]};
}

Result<Plan> parse_plan(int argc, char** argv) {
  const Options options = TRY(Options::parse(
      argc, argv, {"--prefill", "--decode", "--batch", "--threads", "--repetitions", "--backend", "--json"}));
  if (options.arguments().size() != 1) return base::invalid_input("one model file is needed");
  Plan plan;
  plan.path = options.arguments()[0];
  plan.prefill_tokens = TRY(options.number("--prefill", plan.prefill_tokens));
  plan.decode_tokens = TRY(options.number("--decode", plan.decode_tokens));
  plan.batches = TRY(options.numbers("--batch", "1,4,8"));
  plan.repetitions = std::max<std::size_t>(1, TRY(options.number("--repetitions", plan.repetitions)));
  plan.json_path = options.text("--json", "");
  plan.load.backend = options.text("--backend", plan.load.backend);
  plan.load.threads = TRY(options.number("--threads", plan.load.threads));
  plan.load.context_tokens = std::max(plan.prefill_tokens, plan.decode_tokens + 8) + 32;
  for (const std::uint64_t batch : plan.batches) {
    if (batch == 0 || batch > 64) return base::invalid_input("--batch is 1 to 64");
    plan.load.sequences = std::max<std::size_t>(plan.load.sequences, batch);
  }
  return plan;
}

// Resident memory of this process, from /proc/self/status.
std::uint64_t resident_mib() {
  std::FILE* file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return 0;
  char line[256];
  unsigned long kib = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "VmRSS: %lu kB", &kib) == 1) break;  // NOLINT(cert-err34-c): the kernel wrote it
  }
  (void)std::fclose(file);
  return kib >> 10;
}

Status bench(int argc, char** argv) {
  const Plan plan = TRY(parse_plan(argc, argv));
  LocalModel model = TRY(LocalModel::load(plan.path, plan.load));
  std::vector<Measurement> measurements;
  if (plan.prefill_tokens > 0) measurements.push_back(TRY(measure_prefill(*model.decoder, plan)));
  if (plan.decode_tokens > 0) {
    for (const std::uint64_t batch : plan.batches) {
      measurements.push_back(TRY(measure_decode(*model.decoder, plan, batch)));
    }
  }
  const runtime::MemoryPlan& memory = model.decoder->plan();
  Json json = Json::object({{"model", plan.path},
                            {"backend", model.ops->name()},
                            {"threads", static_cast<std::uint64_t>(plan.load.threads)},
                            {"load_seconds", model.load_seconds},
                            {"weights_bytes", memory.weights_bytes},
                            {"kv_bytes", memory.kv_bytes},
                            {"resident_mib", resident_mib()}});
  fmt::print("{}  ({}, {} threads, loaded in {:.2f} s, weights {} MiB, KV {} MiB, resident {} MiB)\n", plan.path,
             model.ops->name(), plan.load.threads, model.load_seconds, memory.weights_bytes >> 20,
             memory.kv_bytes >> 20, resident_mib());
  Json rates = Json::object();
  for (const Measurement& measurement : measurements) {
    fmt::print("  {:<24} {:10.1f} tokens/s\n", measurement.name, measurement.tokens_per_second);
    rates.set(measurement.name, measurement.tokens_per_second);
  }
  json.set("tokens_per_second", std::move(rates));
  if (!plan.json_path.empty()) TRY(base::replace_file(plan.json_path, json.dump_pretty() + "\n", 0644));
  return {};
}

}  // namespace

int run_model_bench(int argc, char** argv) {
  const Status status = bench(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "model: {}\n", status.error().message);
  return 1;
}

}  // namespace bench
