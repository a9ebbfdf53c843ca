#include "bench/model/model_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "bench/model/timed_model.h"
#include "bench/options.h"
#include "bench/process_memory.h"
#include "bench/statistics.h"
#include "hardening/base/file.h"

namespace bench {
namespace {

using base::Json;
using base::Result;
using base::Status;

constexpr std::string_view kAllMeasures =
    "prefill 512; prefill 2048; decode 64 batch 1; decode 32 batch 4; decode 32 batch 8; decode 32 "
    "batch 16; "
    "decode 32 context 2048; decode 32 context 8192";
constexpr std::size_t kLimitsBytesMax = 1 << 20;

struct Plan {
  std::string path;
  std::vector<Measure> measures;
  std::size_t repetitions = 3;
  std::string limits_path;  // empty: measured here
  std::string json_path;    // empty: none is written
  LocalModelOptions load;
};

Result<Plan> parse_plan(int argc, char** argv) {
  const Options options = TRY(Options::parse(argc, argv,
                                             {"--measures", "--threads", "--repetitions",
                                              "--backend", "--weights", "--limits", "--json"}));
  if (options.arguments().size() != 1) return base::invalid_input("one model file is needed");
  Plan plan;
  plan.path = options.arguments()[0];
  plan.measures = TRY(parse_measures(options.text("--measures", kAllMeasures)));
  plan.repetitions =
      std::max<std::size_t>(1, TRY(options.number("--repetitions", plan.repetitions)));
  plan.limits_path = options.text("--limits", "");
  plan.json_path = options.text("--json", "");
  plan.load.backend = options.text("--backend", plan.load.backend);
  plan.load.sealed = options.text("--weights", "sealed") == "sealed";
  plan.load.threads =
      std::max<std::uint64_t>(1, TRY(options.number("--threads", plan.load.threads)));
  return plan;
}

// "18.2 GB/s, 62 %" of a decode that reads the weights alone; "660 Gop/s, 45 %" of a prefill.
std::string reached(const MachineLimits& limits, const LocalModel& model, const Measure& measure,
                    double rate) {
  const auto text = [](double value, std::string_view unit, double bound) {
    std::string words = fmt::format("{:7.1f} {:<5}", value * 1e-9, unit);
    if (bound > 0) words += fmt::format(" {:5.1f} %", 100 * value / bound);
    return words;
  };
  if (measure.kind == Measure::Kind::kPrefill) {
    const double ops =
        model.work.prefill_ops(measure.tokens) / static_cast<double>(measure.tokens) * rate;
    return text(ops, "Gop/s", mixed_bound(limits, model.ops->name(), model.work));
  }
  if (measure.kind != Measure::Kind::kDecode || measure.batch != 1) return {};
  const Limit* read = limits.find(kReadHugePages);
  return text(static_cast<double>(model.work.bytes_per_token) * rate, "GB/s",
              read == nullptr ? 0 : read->all_threads);
}

void print_head(const Plan& plan, const LocalModel& model) {
  const runtime::MemoryPlan& memory = model.decoder->plan();
  fmt::print("{}  ({}, {} threads, loaded in {:.2f} s)\n", plan.path, model.ops->name(),
             plan.load.threads, model.load_seconds);
  fmt::print(
      "  weights {} MiB, KV cache {} MiB; a token reads {:.1f} MB of weights, layers take {:.2f} "
      "Gop\n",
      memory.weights_bytes >> 20, memory.kv_bytes >> 20,
      static_cast<double>(model.work.bytes_per_token) * 1e-6,
      model.work.layer_ops_per_token * 1e-9);
}

Status bench(int argc, char** argv) {
  const Plan plan = TRY(parse_plan(argc, argv));
  const MachineLimits limits =
      plan.limits_path.empty()
          ? measure_limits(plan.load.threads)
          : TRY(parse_limits(TRY(base::read_text_file(plan.limits_path, kLimitsBytesMax))));
  TimedModel timed = TRY(TimedModel::load(plan.path, plan.measures, plan.load));
  print_head(plan, timed.model());
  Json rates = Json::object();
  for (const Measure& measure : plan.measures) {
    std::vector<double> runs;
    for (std::size_t i = 0; i < plan.repetitions; ++i) runs.push_back(TRY(timed.run(measure)));
    const double rate = median(runs);
    fmt::print("  {:<24} {:10.1f} tokens/s  {}\n", measure.name(), rate,
               reached(limits, timed.model(), measure, rate));
    rates.set(measure.name(), rate);
  }
  const ProcessMemory memory = process_memory();
  fmt::print("  resident {} MiB, at most {} MiB\n", memory.resident_bytes >> 20,
             memory.peak_bytes >> 20);
  if (plan.json_path.empty()) return {};
  Json json = describe_model(timed.model());
  json.set("model", plan.path);
  json.set("threads", static_cast<std::uint64_t>(plan.load.threads));
  json.set("tokens_per_second", std::move(rates));
  return base::replace_file(plan.json_path, json.dump_pretty() + "\n", 0644);
}

}  // namespace

int run_model_bench(int argc, char** argv) {
  const Status status = bench(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "model: {}\n", status.error().message);
  return 1;
}

}  // namespace bench
