// Whole models of true shapes with random weights: loading, decode at batch 1 and more, prompts,
// and the time to a first token, as the service computes them.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "bench/gpu/gpu_bench.h"
#include "bench/gpu/random_model.h"
#include "bench/model/sequence.h"
#include "kernels/cuda/gpus.h"
#include "runtime/model/model_file.h"
#include "runtime/model/transformer.h"

namespace bench {
namespace {

using runtime::SequenceSlice;
using runtime::TokenId;
using runtime::Transformer;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRowsMax = 2048;
constexpr std::size_t kContext = 4096;
constexpr std::size_t kBlockTokens = 32;
constexpr std::size_t kShortContext = 128;
constexpr std::size_t kLongContext = 1024;
constexpr std::size_t kWarmSteps = 4;
constexpr std::size_t kBatchMax = 256;
constexpr std::uint32_t kDeadlineMs = 60'000;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Subject {
  std::string name;  // "8B Q4_K_M"
  std::unique_ptr<kernels::Ops> ops;
  std::unique_ptr<Transformer> decoder;
  double streamed_bytes = 0;
  double matrix_flops = 0;
  double head_flops = 0;
  bool large = false;  // 70B
  bool fp8 = false;
  bool floats = false;  // bf16

  std::string_view target(std::string_view eight_bf16, std::string_view eight_q8,
                          std::string_view eight_q4, std::string_view seventy_q4,
                          std::string_view seventy_fp8) const {
    if (large) return fp8 ? seventy_fp8 : floats ? "-" : seventy_q4;
    if (floats && !fp8) return eight_bf16;
    return fp8 || name.find("Q8_0") != std::string::npos ? eight_q8 : eight_q4;
  }
};

void fail(const Subject& subject, const base::Error& error) {
  std::fprintf(stderr, "%s: %s (%s)\n", subject.name.c_str(), error.message.c_str(),
               std::string(subject.ops == nullptr ? "" : subject.ops->failure()).c_str());
}

// Steps of one token for each of `batch` sequences that have `context` tokens behind them.
bool measure_decode(Subject& subject, std::size_t batch, std::size_t context, std::size_t steps) {
  Transformer& decoder = *subject.decoder;
  const std::size_t each = (context + kWarmSteps + steps) / kBlockTokens + 1;
  const std::size_t blocks = decoder.shape().blocks;
  if (batch > decoder.shape().logit_rows_max || batch * each > blocks ||
      context + kWarmSteps + steps > kContext) {
    std::printf(
        "note\t%s decode batch %zu at %zu: not run: the memory of this GPU holds no such cache\n",
        subject.name.c_str(), batch, context);
    return true;
  }
  std::vector<Sequence> sequences;
  for (std::size_t i = 0; i < batch; ++i) {
    sequences.emplace_back(i * each, each);
    sequences.back().move_to(context);
  }
  const bool draws = decoder.draws();
  kernels::SampleRow greedily;
  greedily.temperature = 0;
  std::vector<TokenId> tokens(batch, 17);
  std::vector<SequenceSlice> slices(batch);
  Clock::time_point begin;
  for (std::size_t step = 0; step < kWarmSteps + steps; ++step) {
    if (step == kWarmSteps) begin = Clock::now();
    for (std::size_t i = 0; i < batch; ++i) {
      slices[i] = sequences[i].slice(std::span(tokens).subspan(i, 1), true);
      if (draws) slices[i].draw = &greedily;
    }
    const auto rows = decoder.forward(slices);
    if (!rows.ok()) return fail(subject, rows.error()), false;
    const std::size_t vocabulary = decoder.shape().vocabulary;
    for (std::size_t i = 0; i < batch; ++i) {
      tokens[i] = draws ? std::max<TokenId>(rows.value().drawn[i], 0)
                        : greedy(rows.value().logits.subspan(i * vocabulary, vocabulary));
      sequences[i].advance(1);
    }
  }
  const double per_step = seconds_since(begin) / static_cast<double>(steps);
  const double rate = static_cast<double>(batch) / per_step;
  const std::string_view target =
      batch == 1 ? subject.target("G1", "G2", "G3", "G4", "G5")
                 : subject.target("G8", subject.fp8 ? "G7" : "-", "-", "-", "-");
  print_row({.target = std::string(target),
             .what = fmt::format("{} decode, batch {}, context {}", subject.name, batch, context),
             .value = rate,
             .unit = "tokens/s",
             .bytes_per_second = subject.streamed_bytes / per_step,
             .flops_per_second = subject.matrix_flops * rate,
             .note = fmt::format("{:.3f} ms a step{}", per_step * 1e3,
                                 draws ? "" : ", sampled on the host")});
  return true;
}

bool measure_prompt(Subject& subject, std::size_t length, bool first_token,
                    std::size_t repetitions) {
  Transformer& decoder = *subject.decoder;
  Sequence sequence(0, kContext / kBlockTokens);
  std::vector<TokenId> prompt(length);
  for (std::size_t i = 0; i < length; ++i) prompt[i] = static_cast<TokenId>(i * 7919 % 100'000);
  std::vector<double> seconds;
  for (std::size_t i = 0; i <= repetitions; ++i) {
    sequence.rewind();
    const auto begin = Clock::now();
    const auto token = prefill(decoder, sequence, prompt);
    if (!token.ok()) return fail(subject, token.error()), false;
    if (i > 0) seconds.push_back(seconds_since(begin));
  }
  std::nth_element(seconds.begin(),
                   seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2),
                   seconds.end());
  const double time = seconds[seconds.size() / 2];
  const double tokens = static_cast<double>(length);
  const double flops =
      ((subject.matrix_flops - subject.head_flops) * tokens + subject.head_flops) / time;
  if (first_token) {
    print_row({.target = subject.large ? (subject.fp8 ? "G13" : "-")
                                       : (subject.floats || subject.fp8 ? "G13" : "-"),
               .what = fmt::format("{} first token of a prompt of {}", subject.name, length),
               .value = time * 1e3,
               .unit = "ms",
               .flops_per_second = flops});
  } else {
    print_row(
        {.target = std::string(subject.target("G11", subject.fp8 ? "G12" : "-", "-", "-", "-")),
         .what = fmt::format("{} prompt of {}", subject.name, length),
         .value = tokens / time,
         .unit = "tokens/s",
         .flops_per_second = flops,
         .note = "attention's own products not counted"});
  }
  return true;
}

// What the largest batch asks for, or what the GPU has beside weights (an eighth more than the
// file's) and work space; one whole context at least.
std::uint64_t cache_bytes(const Subject& subject, const runtime::ModelSpec& spec,
                          std::uint64_t memory_bytes, double weights) {
  const auto bytes_of = [&](std::size_t tokens) {
    return subject.ops->kv_cache_bytes(
        {spec.layers, spec.kv_heads, spec.head_dim, kBlockTokens, tokens / kBlockTokens},
        kernels::KvFormat::kF16);
  };
  constexpr double kWorkBytes = 4e9;
  const double room = 0.9 * static_cast<double>(memory_bytes) - 1.125 * weights - kWorkBytes;
  const double wanted = static_cast<double>(bytes_of(kBatchMax * (kLongContext + 64)));
  return static_cast<std::uint64_t>(
      std::max(std::min(wanted, room), static_cast<double>(bytes_of(kContext))));
}

bool load(Subject& subject, const SyntheticShape& shape, const std::string& mix, bool fp8,
          std::uint64_t memory_bytes) {
  const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  auto made = make_random_model(shape, mix, threads);
  if (!made.ok()) return fail(subject, made.error()), false;
  RandomModel model = std::move(made).value();
  const auto file = runtime::read_model_file(model.file.bytes());
  if (!file.ok()) return fail(subject, file.error()), false;
  kernels::cuda::GpuOptions options;
  options.limits = runtime::backend_limits(file.value().spec, kRowsMax, kContext);
  options.fp8 = fp8;
  options.host_threads = threads;
  options.step_deadline_ms = kDeadlineMs;
  std::string error;
  subject.ops = kernels::cuda::make_gpu_ops(options, &error);
  if (subject.ops == nullptr) {
    std::fprintf(stderr, "%s: %s\n", subject.name.c_str(), error.c_str());
    return false;
  }
  subject.streamed_bytes = model.streamed_bytes * (fp8 && subject.floats ? 0.5 : 1.0);
  subject.matrix_flops = model.matrix_flops;
  subject.head_flops = model.head_flops;
  const double file_bytes = static_cast<double>(model.file.bytes().size());
  runtime::TransformerOptions load_options;
  load_options.memory.context_tokens = kContext;
  load_options.memory.kv_bytes =
      cache_bytes(subject, file.value().spec, memory_bytes, file_bytes * (fp8 ? 0.5 : 1));
  load_options.memory.block_tokens = kBlockTokens;
  load_options.memory.rows_max = kRowsMax;
  load_options.memory.logit_rows_max = kBatchMax;
  const auto begin = Clock::now();
  auto loaded = Transformer::load(std::move(model.file), *subject.ops, load_options);
  if (!loaded.ok()) return fail(subject, loaded.error()), false;
  const double seconds = seconds_since(begin);
  subject.decoder = std::move(loaded).value();
  print_row(
      {.target = "G20",
       .what = subject.name + " load from memory",
       .value = file_bytes / seconds / 1e9,
       .unit = "GB/s",
       .note = fmt::format("{:.1f} s, {:.1f} GB, {} threads", seconds, file_bytes / 1e9, threads)});
  return true;
}

}  // namespace

int bench_gpu_model(const std::string& shape_name, const std::string& mix, bool fp8, bool quick) {
  const SyntheticShape* const shape = find_large_shape(shape_name);
  if (shape == nullptr) {
    std::fprintf(stderr, "no shape %s\n", shape_name.c_str());
    return 2;
  }
  Subject subject;
  subject.large = shape->layers > 60;
  subject.fp8 = fp8;
  subject.floats = mix == "BF16" || mix == "F16";
  subject.name = fmt::format("{} {}{}", shape->name, mix, fp8 ? " as fp8" : "");
  const auto inventory = kernels::cuda::find_gpus();
  if (inventory.support != kernels::cuda::GpuSupport::kUsable) {
    std::fprintf(stderr, "no GPU to measure: %s\n", inventory.reason.c_str());
    return 77;
  }
  if (!load(subject, *shape, mix, fp8, inventory.gpus.front().memory_bytes)) return 1;
  const std::size_t steps = quick ? 48 : 128;
  if (!measure_decode(subject, 1, kShortContext, steps)) return 1;
  for (const std::size_t batch : {8U, 32U, 128U, 256U}) {
    if (quick && (batch == 8 || batch == 256)) continue;
    if (!measure_decode(subject, batch, kLongContext, steps / 4)) return 1;
  }
  if (!measure_prompt(subject, 2048, false, quick ? 3 : 7)) return 1;
  return measure_prompt(subject, 1024, true, quick ? 3 : 7) ? 0 : 1;
}

}  // namespace bench
