#include "bench/load/arrivals.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace bench {

std::vector<std::int64_t> plan_arrivals(const ArrivalPlan& plan) {
  std::vector<std::int64_t> times;
  times.reserve(plan.count);
  const std::size_t burst = std::max<std::size_t>(plan.burst, 1);
  std::mt19937_64 random(plan.seed);
  double seconds = 0;
  while (times.size() < plan.count) {
    // 53 bits in (0, 1]: std::exponential_distribution differs between libraries.
    const double uniform = (static_cast<double>(random() >> 11) + 1) * 0x1p-53;
    seconds -= std::log(uniform) * static_cast<double>(burst) / plan.rate;
    const std::size_t now = std::min(burst, plan.count - times.size());
    times.insert(times.end(), now, static_cast<std::int64_t>(seconds * 1e9));
  }
  return times;
}

}  // namespace bench
