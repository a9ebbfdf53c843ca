#include "bench/targets/judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/model/model_bench.h"
#include "bench/targets/target_list.h"

namespace bench {
namespace {

Verdict not_measured(std::string subject) {
  Verdict verdict;
  verdict.subject = std::move(subject);
  verdict.bound = "not measured";
  return verdict;
}

// Share of the bound, and the bound in words.
struct Share {
  double value = 0;
  std::string of;
};

Share share_of_read(const Results& results, const ModelResult& model, double rate) {
  const Limit* read = results.limits.find(kReadHugePages);
  if (read == nullptr || read->all_threads <= 0) return {0, "memory read was not measured"};
  return {static_cast<double>(model.work.bytes_per_token) * rate / read->all_threads,
          fmt::format("{}: {:.1f} GB/s", read->what, read->all_threads * 1e-9)};
}

Share share_of_arithmetic(const Results& results, const ModelResult& model, std::size_t tokens,
                          double rate) {
  const double bound = mixed_bound(results.limits, model.kernel_set, model.work);
  if (bound <= 0) return {0, "no arithmetic was measured for this kernel set"};
  const double ops = model.work.prefill_ops(tokens) / static_cast<double>(tokens) * rate;
  const Limit* main =
      arithmetic_bound(results.limits, model.kernel_set, model.work.formats.front().format);
  return {ops / bound, fmt::format("{}{}: {:.0f} Gop/s", main->what,
                                   model.work.formats.size() > 1 ? ", mixed" : "", bound * 1e-9)};
}

Verdict judge_model(const Results& results, const ModelTarget& target, const std::string& name,
                    const ModelResult& model, double ours) {
  Verdict verdict;
  verdict.subject = fmt::format("{} {}", name, target.measure);
  const double peer = model.rate(target.measure, "peer").value_or(0);
  verdict.ours = fmt::format("{:.1f}", ours);
  verdict.reached = peer > 0 && ours >= target.ratio_min * peer;
  if (peer > 0) {
    verdict.peer = fmt::format("{:.1f}", peer);
    verdict.ratio = fmt::format("{:.2f} of {:.2f}", ours / peer, target.ratio_min);
  }
  Share share;
  if (target.bound == Bound::kRead) share = share_of_read(results, model, ours);
  if (target.bound == Bound::kArithmetic) {
    const bool long_prompt = target.measure.ends_with("2048");
    share = share_of_arithmetic(results, model, long_prompt ? 2048 : 512, ours);
  }
  if (target.bound != Bound::kNone) {
    verdict.share = fmt::format("{:.0f} %", 100 * share.value);
    if (target.share_min > 0) verdict.share += fmt::format(" of {:.0f} %", 100 * target.share_min);
    verdict.reached = verdict.reached && share.value >= target.share_min;
  }
  verdict.bound = share.of;
  if (peer <= 0) verdict.bound = "the peer was not measured";
  return verdict;
}

void judge_models(const Results& results, std::vector<Verdict>& verdicts) {
  for (const std::string_view shape : kShapes) {
    for (const ModelTarget& target : kModelTargets) {
      const std::string name = fmt::format("{}-{}", shape, target.format);
      const auto model = results.models.find(name);
      const auto ours =
          model == results.models.end() ? std::nullopt : model->second.rate(target.measure, "ours");
      if (ours) {
        verdicts.push_back(judge_model(results, target, name, model->second, *ours));
      } else if (target.always) {
        verdicts.push_back(not_measured(fmt::format("{} {}", name, target.measure)));
      }
    }
  }
}

Verdict judge_pair(std::string subject, std::optional<double> ours, std::optional<double> peer,
                   double ratio_target, bool at_least) {
  if (!ours || !peer || *ours <= 0 || *peer <= 0) return not_measured(std::move(subject));
  Verdict verdict;
  verdict.subject = std::move(subject);
  verdict.ours = fmt::format("{:.1f}", *ours);
  verdict.peer = fmt::format("{:.1f}", *peer);
  verdict.ratio = fmt::format("{:.2f} of {:.2f}", *ours / *peer, ratio_target);
  verdict.reached = at_least ? *ours >= ratio_target * *peer : *ours <= ratio_target * *peer;
  return verdict;
}

std::optional<double> find_number(const std::optional<base::Json>& json,
                                  const std::vector<std::string_view>& path) {
  return json ? number_at(*json, path) : std::nullopt;
}

void judge_service(const Results& results, std::vector<Verdict>& verdicts) {
  const auto pair = [&](std::string_view what, const std::vector<std::string_view>& path,
                        double target, bool at_least) {
    verdicts.push_back(judge_pair(std::string(what), find_number(results.our_load, path),
                                  find_number(results.peer_load, path), target, at_least));
  };
  pair("service, 8 streams, tokens/s", {"tokens_per_second"}, kServiceTokensRatioMin, true);
  pair("service, 8 streams, first token p95, ms", {"first_token_ms", "p95"},
       kServiceFirstTokenRatioMax, false);
  for (const char* side : {"ours", "peer"}) {
    const auto& load = side[0] == 'o' ? results.our_load : results.peer_load;
    if (find_number(load, {"faults"}).value_or(0) > 0) {
      verdicts.push_back(
          not_measured(fmt::format("service, 8 streams: {}: requests failed", side)));
    }
  }
}

Verdict judge_memory(const Results& results) {
  const auto resident = find_number(results.service, {"engine_resident_bytes"});
  const auto weights = find_number(results.service, {"weights_bytes"});
  const auto kv = find_number(results.service, {"kv_bytes"});
  if (!resident || !weights || !kv || *resident <= 0 || *weights <= 0)
    return not_measured("engine, resident MiB");
  constexpr double kMib = 1024.0 * 1024;
  const double allowed = kWeightsFactorMax * *weights + *kv + kResidentSpareBytes;
  Verdict verdict;
  verdict.subject = "engine, resident MiB";
  verdict.ours = fmt::format("{:.0f}", *resident / kMib);
  verdict.share = fmt::format("{:.0f} %", 100 * *resident / allowed);
  verdict.bound =
      fmt::format("{} x {:.0f} weights + {:.0f} KV cache + {:.0f} = {:.0f} MiB", kWeightsFactorMax,
                  *weights / kMib, *kv / kMib, kResidentSpareBytes / kMib, allowed / kMib);
  verdict.reached = *resident <= allowed;
  return verdict;
}

Verdict judge_start(const Results& results) {
  const auto seconds = find_number(results.service, {"ready_seconds"});
  if (!seconds || *seconds <= 0) return not_measured("start to ready, s");
  Verdict verdict;
  verdict.subject = "llama-3.2-1b-Q4_K_M start to ready, s";
  verdict.ours = fmt::format("{:.2f}", *seconds);
  verdict.bound = fmt::format("at most {} s, verified", kReadySecondsMax);
  verdict.reached = *seconds <= kReadySecondsMax;
  return verdict;
}

}  // namespace

std::vector<Verdict> judge(const Results& results) {
  std::vector<Verdict> verdicts;
  judge_models(results, verdicts);
  judge_service(results, verdicts);
  verdicts.push_back(judge_memory(results));
  verdicts.push_back(judge_start(results));
  return verdicts;
}

}  // namespace bench
