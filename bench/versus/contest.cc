#include "bench/versus/contest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "bench/machine_load.h"
#include "bench/statistics.h"

namespace bench {
namespace {

using base::Result;

// Kinds of work for which different variants may be best.
enum Work : std::size_t { kPrompt, kSingle, kBatch, kContext, kWorks };

Work work_of(const Measure& measure) {
  if (measure.kind == Measure::Kind::kPrefill) return kPrompt;
  if (measure.kind == Measure::Kind::kDecodeAtContext) return kContext;
  return measure.batch == 1 ? kSingle : kBatch;
}

// A little of it, to choose a variant by.
Measure little(Work work) {
  constexpr std::array<Measure, kWorks> kLittle{{
      {.kind = Measure::Kind::kPrefill, .tokens = 128},
      {.kind = Measure::Kind::kDecode, .tokens = 8},
      {.kind = Measure::Kind::kDecode, .tokens = 4, .batch = 8},
      {.kind = Measure::Kind::kDecodeAtContext, .tokens = 4, .context = 2048},
  }};
  return kLittle[work];
}

struct Contestant {
  std::string name;
  std::unique_ptr<PeerProcess> process;  // null: out
  std::array<bool, kWorks> takes_part{};
};

void drop(Contestant& contestant, const base::Error& why) {
  fmt::print(stderr, "  {} is out: {}\n", contestant.name, why.message);
  contestant.process.reset();
}

class Contest {
 public:
  Contest(TimedModel& ours, const ContestOptions& options) : ours_(ours), options_(options) {
    for (const Measure& measure : options.measures) wanted_[work_of(measure)] = true;
  }

  void enter(const Variant& variant) {
    Contestant contestant{variant.name, nullptr, wanted_};
    auto process = PeerProcess::start(variant.command);
    if (!process.ok()) return drop(contestant, process.error());
    contestant.process = std::move(process.value());
    if (options_.pilot && !try_out(contestant)) return;
    contestants_.push_back(std::move(contestant));
    // Who is best at nothing leaves at once: its memory is wanted.
    std::erase_if(contestants_, [](const Contestant& each) {
      return std::none_of(each.takes_part.begin(), each.takes_part.end(),
                          [](bool takes) { return takes; });
    });
  }

  Result<std::vector<Score>> play() {
    std::vector<Score> scores(options_.measures.size());
    std::vector<std::map<std::string, std::vector<double>>> rates(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i].measure = options_.measures[i];
    for (std::size_t round = 0; round < options_.rounds; ++round) {
      for (std::size_t i = 0; i < scores.size(); ++i) TRY(play_once(scores[i], rates[i]));
    }
    for (std::size_t i = 0; i < scores.size(); ++i) choose_best(scores[i], rates[i]);
    return scores;
  }

 private:
  // Whether it survived. Takes the places of those it beats.
  bool try_out(Contestant& contestant) {
    for (std::size_t work = 0; work < kWorks; ++work) {
      if (!wanted_[work]) continue;
      const auto rate = contestant.process->run(little(static_cast<Work>(work)));
      if (!rate.ok()) {
        drop(contestant, rate.error());
        return false;
      }
      tried_[work].push_back({rate.value(), contestant.name});
    }
    for (std::size_t work = 0; work < kWorks; ++work) {
      if (!wanted_[work]) continue;
      const bool best =
          std::max_element(tried_[work].begin(), tried_[work].end())->second == contestant.name;
      contestant.takes_part[work] = best;
      for (Contestant& other : contestants_)
        other.takes_part[work] = other.takes_part[work] && !best;
    }
    return true;
  }

  base::Status play_once(Score& score, std::map<std::string, std::vector<double>>& rates) {
    const MachineLoad our_load;
    score.ours.push_back(TRY(ours_.run(score.measure)));
    score.foreign_share = std::max(score.foreign_share, our_load.foreign_share());
    for (Contestant& contestant : contestants_) {
      if (contestant.process == nullptr || !contestant.takes_part[work_of(score.measure)]) continue;
      const MachineLoad load(contestant.process->pid());
      const auto rate = contestant.process->run(score.measure);
      if (!rate.ok()) {
        drop(contestant, rate.error());
        continue;
      }
      score.foreign_share = std::max(score.foreign_share, load.foreign_share());
      rates[contestant.name].push_back(rate.value());
    }
    return {};
  }

  void choose_best(Score& score, const std::map<std::string, std::vector<double>>& rates) const {
    for (const auto& [name, runs] : rates) {
      if (runs.size() < options_.rounds ||
          (!score.peer.empty() && median(runs) <= median(score.peer)))
        continue;
      score.peer = runs;
      score.variant = name;
    }
  }

  TimedModel& ours_;
  const ContestOptions& options_;
  std::array<bool, kWorks> wanted_{};
  std::vector<Contestant> contestants_;
  std::array<std::vector<std::pair<double, std::string>>, kWorks> tried_;
};

}  // namespace

Result<std::vector<Score>> hold_contest(TimedModel& ours, const std::vector<Variant>& variants,
                                        const ContestOptions& options) {
  Contest contest(ours, options);
  for (const Variant& variant : variants) contest.enter(variant);
  return contest.play();
}

}  // namespace bench
