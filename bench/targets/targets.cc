#include "bench/targets/targets.h"

#include <fmt/format.h>

#include <cstdio>

#include "bench/options.h"
#include "bench/targets/judge.h"
#include "hardening/base/file.h"

namespace bench {
namespace {

using base::Json;
using base::Result;

constexpr double kQuiet = 0.05;

void print(const Results& results, const std::vector<Verdict>& verdicts) {
  fmt::print("{:<44}{:>9}{:>9}{:>15}{:>14}       {}\n", "", "ours", "peer", "ratio", "share",
             "bound");
  std::size_t reached = 0;
  for (const Verdict& v : verdicts) {
    fmt::print("{:<44}{:>9}{:>9}{:>15}{:>14}  {}  {}\n", v.subject, v.ours, v.peer, v.ratio,
               v.share, v.reached ? "yes" : "NO ", v.bound);
    reached += v.reached ? 1 : 0;
  }
  const Limit* amx = results.limits.find("amx-int8");
  if (amx != nullptr) {
    fmt::print("\n{}: {:.0f} Gop/s ({} threads); no bound of ours.\n", amx->what,
               amx->all_threads * 1e-9, results.limits.threads);
  }
  if (results.foreign_share > kQuiet) {
    fmt::print(
        "Others took up to {:.0f} % of the processors while this was measured: run it again on a "
        "quiet machine.\n",
        100 * results.foreign_share);
  }
  fmt::print("{} of {} reached\n", reached, verdicts.size());
}

Json to_json(const Results& results, const std::vector<Verdict>& verdicts) {
  Json rows = Json::array();
  for (const Verdict& v : verdicts) {
    rows.push_back(Json::object({{"target", v.subject},
                                 {"ours", v.ours},
                                 {"peer", v.peer},
                                 {"ratio", v.ratio},
                                 {"share", v.share},
                                 {"bound", v.bound},
                                 {"reached", v.reached}}));
  }
  Json json =
      Json::object({{"targets", std::move(rows)}, {"foreign_share", results.foreign_share}});
  json.set("limits", limits_json(results.limits));
  Json models = Json::object();
  for (const auto& [name, model] : results.models) models.set(name, model.json);
  json.set("models", std::move(models));
  return json;
}

// Whether all targets are reached.
Result<bool> targets(int argc, char** argv) {
  const Options options = TRY(Options::parse(argc, argv, {"--json"}));
  if (options.arguments().size() != 1)
    return base::invalid_input("the directory of the results is needed");
  const Results results = TRY(read_results(options.arguments()[0]));
  const std::vector<Verdict> verdicts = judge(results);
  print(results, verdicts);
  const std::string path = options.text("--json", "");
  if (!path.empty())
    TRY(base::replace_file(path, to_json(results, verdicts).dump_pretty() + "\n", 0644));
  for (const Verdict& verdict : verdicts) {
    if (!verdict.reached) return false;
  }
  return true;
}

}  // namespace

int run_targets(int argc, char** argv) {
  const auto reached = targets(argc, argv);
  if (reached.ok()) return reached.value() ? 0 : 1;
  fmt::print(stderr, "targets: {}\n", reached.error().message);
  return 2;
}

}  // namespace bench
