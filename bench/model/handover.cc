#include "bench/model/handover.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <utility>
#include <vector>

#include "bench/model/timed_model.h"
#include "bench/options.h"
#include "bench/statistics.h"
#include "hardening/base/clock.h"
#include "provisioning/file_verifier.h"
#include "runtime/model/packed_model.h"
#include "runtime/tokenizer/tokenizer.h"

namespace bench {
namespace {

using base::Result;
using base::Status;

constexpr std::array<std::string_view, 4> kPhases{"checks and mapping", "head and backend",
                                                  "weights and KV cache", "tokenizer"};

class Laps {
 public:
  double next_ms() {
    const std::int64_t now_ns = clock_.monotonic_ns();
    return static_cast<double>(now_ns - std::exchange(last_ns_, now_ns)) / 1e6;
  }

 private:
  base::SystemClock clock_;
  std::int64_t last_ns_ = clock_.monotonic_ns();
};

// What a successor does, phase by phase, in milliseconds.
Result<std::array<double, kPhases.size()>> take_over(const LocalModel& former,
                                                     const LocalModelOptions& options) {
  base::Fd memfd(::fcntl(former.weights.get(), F_DUPFD_CLOEXEC, 0));
  std::array<double, kPhases.size()> times{};
  Laps laps;
  auto weights = TRY(provisioning::FileVerifier::inherit(std::move(memfd), former.file_sha256));
  times[0] = laps.next_ms();
  const auto packed = TRY(runtime::PackedModel::parse(weights.bytes()));
  runtime::ModelFile model = TRY(runtime::read_model_file(packed.file()));
  const kernels::Limits limits = former.ops->limits();
  const auto ops = kernels::make_cpu_ops({.limits = limits, .threads = options.threads});
  if (ops == nullptr) return base::exhausted("no backend");
  times[1] = laps.next_ms();
  runtime::TransformerOptions load;
  load.memory.context_tokens = former.decoder->plan().context_tokens;
  load.memory.kv_bytes = former.decoder->plan().kv_bytes;
  load.memory.rows_max = limits.rows_max;
  const auto decoder = TRY(runtime::Transformer::load(std::move(weights), *ops, load));
  times[2] = laps.next_ms();
  const auto tokenizer = TRY(runtime::Tokenizer::create(std::move(model.vocabulary)));
  times[3] = laps.next_ms();
  return times;
}

Status print_times(const LocalModel& former, const LocalModelOptions& options, std::size_t rounds) {
  fmt::print("  a first engine loads in {:.0f} ms; one after it takes over in\n",
             former.load_seconds * 1e3);
  std::array<std::vector<double>, kPhases.size() + 1> all;
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto times = TRY(take_over(former, options));
    double total = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      all[i].push_back(times[i]);
      total += times[i];
    }
    all.back().push_back(total);
  }
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    fmt::print("    {:<22} {:8.1f} ms\n", kPhases[i], median(all[i]));
  }
  fmt::print("    {:<22} {:8.1f} ms\n", "one after the other", median(all.back()));
  return {};
}

Status print_speeds(TimedModel& sealed, TimedModel& kept_private, std::span<const Measure> measures,
                    std::size_t rounds) {
  fmt::print("  tokens/s               sealed    private      ratio\n");
  for (const Measure& measure : measures) {
    std::vector<double> with, without, ratios;
    for (std::size_t round = 0; round < rounds; ++round) {
      with.push_back(TRY(sealed.run(measure)));
      without.push_back(TRY(kept_private.run(measure)));
      ratios.push_back(with.back() / without.back());
    }
    fmt::print("    {:<16} {:10.1f} {:10.1f} {:10.3f}\n", measure.name(), median(with),
               median(without), median(ratios));
  }
  return {};
}

Status handover(int argc, char** argv) {
  const Options options = TRY(Options::parse(argc, argv, {"--threads", "--rounds", "--measures"}));
  if (options.arguments().size() != 1) return base::invalid_input("one model file is needed");
  const std::string& path = options.arguments()[0];
  const auto measures = TRY(parse_measures(options.text("--measures", "decode 16; prefill 256")));
  const std::size_t rounds = std::max<std::uint64_t>(1, TRY(options.number("--rounds", 5)));
  LocalModelOptions load;
  load.threads = std::max<std::uint64_t>(1, TRY(options.number("--threads", load.threads)));
  TimedModel sealed = TRY(TimedModel::load(path, measures, load));
  fmt::print("{}  ({}, {} threads)\n", path, sealed.model().ops->name(), load.threads);
  TRY(print_times(sealed.model(), load, rounds));
  load.sealed = false;
  TimedModel kept_private = TRY(TimedModel::load(path, measures, load));
  return print_speeds(sealed, kept_private, measures, rounds);
}

}  // namespace

int run_handover(int argc, char** argv) {
  const Status status = handover(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "handover: {}\n", status.error().message);
  return 1;
}

}  // namespace bench
