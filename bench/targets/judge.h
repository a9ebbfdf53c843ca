// Targets held against results: one row of the table each.
#ifndef BENCH_TARGETS_JUDGE_H_
#define BENCH_TARGETS_JUDGE_H_

#include <string>
#include <vector>

#include "bench/targets/results.h"

namespace bench {

struct Verdict {
  std::string subject;  // "llama-3.2-1b Q4_0  prefill 512"
  std::string ours;     // figures as they are printed; empty: there is none
  std::string peer;
  std::string ratio;  // "2.31 of 2.20"
  std::string share;  // "61 % of 55 %"
  std::string bound;  // what the share is of, or what else is to be known
  bool reached = false;
};

std::vector<Verdict> judge(const Results& results);

}  // namespace bench

#endif  // BENCH_TARGETS_JUDGE_H_
