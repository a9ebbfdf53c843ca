// How much of the processors others took while something was timed: a figure measured beside other
// work is worth less, and a table should say so.
#ifndef BENCH_MACHINE_LOAD_H_
#define BENCH_MACHINE_LOAD_H_

#include <sys/types.h>

#include <cstdint>

namespace bench {

class MachineLoad {
 public:
  // Starts now; time of this process and of `other` (0: of no other) is not foreign.
  explicit MachineLoad(pid_t other = 0);

  // Since the start, of all processors' time: 0 to 1. Good to about a hundredth of a second.
  double foreign_share() const;

 private:
  pid_t other_;
  double started_busy_;
  double started_own_;
  std::int64_t started_ns_;
};

}  // namespace bench

#endif  // BENCH_MACHINE_LOAD_H_
