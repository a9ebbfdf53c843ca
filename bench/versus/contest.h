// Our engine and every variant of a peer on one model, measured in turns.
#ifndef BENCH_VERSUS_CONTEST_H_
#define BENCH_VERSUS_CONTEST_H_

#include <memory>
#include <string>
#include <vector>

#include "bench/model/timed_model.h"
#include "bench/versus/peer_process.h"

namespace bench {

// One way to run the peer; `name` says which for people.
struct Variant {
  std::string name;
  std::vector<std::string> command;
};

// Rates of all rounds of one measure.
struct Score {
  Measure measure;
  std::vector<double> ours;
  std::vector<double> peer;  // of the variant with the best median
  std::string variant;       // empty: the peer could not do it
  double foreign_share = 0;  // the most that others took of the processors in one run
};

struct ContestOptions {
  std::vector<Measure> measures;
  std::size_t rounds = 3;
  // First every variant does a little of each kind of work, and for each kind only the best goes
  // on; otherwise all go on.
  bool pilot = false;
};

// A variant that dies or cannot load the model is out; that none is left is not an error.
base::Result<std::vector<Score>> hold_contest(TimedModel& ours,
                                              const std::vector<Variant>& variants,
                                              const ContestOptions& options);

}  // namespace bench

#endif  // BENCH_VERSUS_CONTEST_H_
