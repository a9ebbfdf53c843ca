// When requests are meant to start, for a load that does not wait for answers.
#ifndef BENCH_LOAD_ARRIVALS_H_
#define BENCH_LOAD_ARRIVALS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

struct ArrivalPlan {
  double rate = 1;        // requests per second on average; above 0
  std::size_t count = 0;  // requests in all
  std::size_t burst = 1;  // that many at the same instant; 1 is a Poisson process
  std::uint64_t seed = 1;
};

// Nanoseconds after the start of the load, ascending. Bursts come at exponentially distributed
// distances with the mean that keeps the rate; the same plan gives the same times.
std::vector<std::int64_t> plan_arrivals(const ArrivalPlan& plan);

}  // namespace bench

#endif  // BENCH_LOAD_ARRIVALS_H_
