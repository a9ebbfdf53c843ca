// What a run of bench/run wrote, one JSON file each, in one directory.
#ifndef BENCH_TARGETS_RESULTS_H_
#define BENCH_TARGETS_RESULTS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/limits/limits.h"
#include "bench/model/model_work.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace bench {

// Move-only in effect: work.formats looks at names inside json, which stay where they are when it
// is moved.
struct ModelResult {
  base::Json json;  // of `versus`
  std::string kernel_set;
  ModelWork work;

  // tokens per second; nothing when it was not measured
  std::optional<double> rate(std::string_view measure, std::string_view side) const;
  std::string variant(std::string_view measure) const;
};

struct Results {
  MachineLimits limits;                       // of limits*.json, the best of each
  std::map<std::string, ModelResult> models;  // "qwen2.5-0.5b-Q8_0"
  std::optional<base::Json> our_load;         // load-ours.json
  std::optional<base::Json> peer_load;        // load-peer.json
  std::optional<base::Json> service;          // service.json
  double foreign_share = 0;                   // the most of any measure
};

base::Result<Results> read_results(const std::string& directory);

// A number somewhere inside: number_at(json, {"first_token_ms", "p95"}).
std::optional<double> number_at(const base::Json& json, const std::vector<std::string_view>& path);

}  // namespace bench

#endif  // BENCH_TARGETS_RESULTS_H_
