#include "bench/versus/versus.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "bench/model/model_bench.h"
#include "bench/options.h"
#include "bench/statistics.h"
#include "bench/versus/contest.h"
#include "hardening/base/file.h"

namespace bench {
namespace {

using base::Json;
using base::Result;
using base::Status;

constexpr std::string_view kMeasures =
    "prefill 512; prefill 2048; decode 32; decode 16 batch 4; decode 16 batch 8; decode 16 batch "
    "16; "
    "decode 16 context 2048; decode 16 context 8192";
constexpr double kQuiet = 0.05;

struct Plan {
  std::string path;
  std::string script;
  std::vector<std::string> pythons;
  LocalModelOptions load;
  ContestOptions contest;
  std::string json_path;
};

std::vector<std::string> split_paths(std::string_view list) {
  std::vector<std::string> paths;
  for (std::size_t start = 0; start < list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    if (end > start) paths.emplace_back(list.substr(start, end - start));
    start = end + 1;
  }
  return paths;
}

Result<Plan> parse_plan(int argc, char** argv) {
  const Options options = TRY(Options::parse(
      argc, argv,
      {"--peer", "--script", "--measures", "--rounds", "--threads", "--pilot", "--json"}));
  if (options.arguments().size() != 1) return base::invalid_input("one model file is needed");
  Plan plan;
  plan.path = options.arguments()[0];
  plan.script = options.text("--script", "bench/peers.py");
  plan.pythons = split_paths(options.text("--peer", ""));
  if (plan.pythons.empty())
    return base::invalid_input("--peer: a Python that has llama-cpp-python is needed");
  plan.load.threads =
      std::max<std::uint64_t>(1, TRY(options.number("--threads", plan.load.threads)));
  plan.contest.measures = TRY(parse_measures(options.text("--measures", kMeasures)));
  plan.contest.rounds =
      std::max<std::uint64_t>(1, TRY(options.number("--rounds", plan.contest.rounds)));
  plan.contest.pilot = options.text("--pilot", "no") == "yes";
  plan.json_path = options.text("--json", "");
  return plan;
}

std::vector<Variant> make_variants(const Plan& plan) {
  std::vector<Variant> variants;
  for (std::size_t build = 0; build < plan.pythons.size(); ++build) {
    for (const char* repacked : {"0", "1"}) {
      for (const char* flash : {"0", "1"}) {
        const std::string name =
            fmt::format("build {}, {} weights, flash attention {}", build + 1,
                        *repacked == '1' ? "repacked" : "plain", *flash == '1' ? "on" : "off");
        variants.push_back(
            {name,
             {plan.pythons[build], plan.script, plan.path, "--threads",
              std::to_string(plan.load.threads), "--flash", flash, "--repacked", repacked}});
      }
    }
  }
  return variants;
}

Json numbers(const std::vector<double>& values) {
  Json array = Json::array();
  for (const double value : values) array.push_back(value);
  return array;
}

void print(const Plan& plan, const LocalModel& model, const std::vector<Score>& scores) {
  fmt::print("{}  ({}, {} threads, medians of {} rounds in turns)\n", plan.path, model.ops->name(),
             plan.load.threads, plan.contest.rounds);
  fmt::print("  {:<22}{:>10}{:>10}{:>8}\n", "tokens/s", "ours", "peer", "ratio");
  for (const Score& score : scores) {
    const double ours = median(score.ours);
    const double peer = median(score.peer);
    fmt::print("  {:<22}{:>10.1f}{:>10.1f}{:>8.2f}   {}{}\n", score.measure.name(), ours, peer,
               peer > 0 ? ours / peer : 0,
               score.variant.empty() ? "the peer could not do it" : score.variant,
               score.foreign_share > kQuiet
                   ? fmt::format("; others took {:.0f} % of the machine", 100 * score.foreign_share)
                   : "");
  }
}

Json to_json(const Plan& plan, const LocalModel& model, const std::vector<Score>& scores) {
  Json json = describe_model(model);
  json.set("model", plan.path);
  json.set("threads", static_cast<std::uint64_t>(plan.load.threads));
  Json measures = Json::object();
  for (const Score& score : scores) {
    measures.set(score.measure.name(), Json::object({{"ours", median(score.ours)},
                                                     {"peer", median(score.peer)},
                                                     {"variant", score.variant},
                                                     {"foreign_share", score.foreign_share},
                                                     {"our_rounds", numbers(score.ours)},
                                                     {"peer_rounds", numbers(score.peer)}}));
  }
  json.set("measures", std::move(measures));
  return json;
}

Status versus(int argc, char** argv) {
  const Plan plan = TRY(parse_plan(argc, argv));
  TimedModel ours = TRY(TimedModel::load(plan.path, plan.contest.measures, plan.load));
  const auto scores = TRY(hold_contest(ours, make_variants(plan), plan.contest));
  print(plan, ours.model(), scores);
  if (plan.json_path.empty()) return {};
  return base::replace_file(plan.json_path,
                            to_json(plan, ours.model(), scores).dump_pretty() + "\n", 0644);
}

}  // namespace

int run_versus(int argc, char** argv) {
  const Status status = versus(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "versus: {}\n", status.error().message);
  return 1;
}

}  // namespace bench
