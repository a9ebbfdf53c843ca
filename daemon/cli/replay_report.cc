#include "daemon/cli/replay_report.h"

#include <fmt/format.h>

namespace daemon_cli {

using base::Json;
using daemon_replay::Difference;
using daemon_replay::Replayed;
using daemon_replay::Verdict;

namespace {

Json verdict_json(const Replayed& replayed) {
  const Verdict& verdict = replayed.verdict;
  Json json = Json::object({{"request", replayed.id},
                            {"record", replayed.finished},
                            {"verdict", daemon_replay::verdict_name(verdict.kind)}});
  if (verdict.kind == Verdict::Kind::kIdentical) {
    json.set("tokens", verdict.tokens);
    json.set("cut_short", verdict.partial);
  }
  if (verdict.kind == Verdict::Kind::kDiffers) {
    const Difference& difference = verdict.difference;
    json.set("choice", difference.choice);
    if (difference.at) json.set("token", *difference.at);
    json.set("recorded", difference.expected);
    json.set("now", difference.got);
  }
  if (!verdict.why.empty()) json.set("why", verdict.why);
  return json;
}

}  // namespace

std::string describe_verdict(const Verdict& verdict) {
  const Difference& difference = verdict.difference;
  switch (verdict.kind) {
    case Verdict::Kind::kIdentical:
      return fmt::format("identical ({} tokens{})", verdict.tokens,
                         verdict.partial ? ", cut short then" : "");
    case Verdict::Kind::kDiffers:
      if (difference.at) {
        return fmt::format("DIFFERS at token {} of choice {}: recorded {}, now {}", *difference.at,
                           difference.choice, difference.expected, difference.got);
      }
      return fmt::format("DIFFERS in choice {}; where, its digest alone does not tell",
                         difference.choice);
    case Verdict::Kind::kSkipped:
      return "skipped: " + verdict.why;
    case Verdict::Kind::kRefused:
      return "refused: " + verdict.why;
  }
  return {};
}

void ReplayReport::add(const Replayed& replayed) {
  const Verdict& verdict = replayed.verdict;
  const auto count = [&verdict](Verdict::Kind kind) { return verdict.kind == kind ? 1u : 0u; };
  identical_ += count(Verdict::Kind::kIdentical);
  differ_ += count(Verdict::Kind::kDiffers);
  skipped_ += count(Verdict::Kind::kSkipped);
  refused_ += count(Verdict::Kind::kRefused);
  if (verdict.kind == Verdict::Kind::kIdentical) {
    tokens_ += verdict.tokens;
    partial_ += verdict.partial ? 1 : 0;
  }
  if (json_) {
    fmt::print("{}\n", verdict_json(replayed).dump());
  } else {
    fmt::print("{}  {}\n",
               replayed.id.empty() ? fmt::format("record {}", replayed.finished) : replayed.id,
               describe_verdict(verdict));
  }
}

void ReplayReport::end() const {
  const std::uint64_t requests = identical_ + differ_ + skipped_ + refused_;
  if (json_) {
    fmt::print("{}\n", Json::object({{"requests", requests},
                                     {"identical", identical_},
                                     {"cut_short", partial_},
                                     {"differ", differ_},
                                     {"skipped", skipped_},
                                     {"refused", refused_},
                                     {"tokens", tokens_}})
                           .dump());
    return;
  }
  fmt::print(
      "{} requests: {} identical ({} tokens; {} were cut short), {} differ, {} skipped, {} "
      "refused\n",
      requests, identical_, tokens_, partial_, differ_, skipped_, refused_);
}

}  // namespace daemon_cli
