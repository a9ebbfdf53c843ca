// The best rate of some rounds of the same work on several threads at once.
#ifndef BENCH_LIMITS_THREADED_RATE_H_
#define BENCH_LIMITS_THREADED_RATE_H_

#include <cstddef>
#include <functional>

namespace bench {

// Each round every thread does work(thread), worth `amount` on all threads together; the clock runs
// from the moment all have started until the last has ended. Amount per second.
double best_rate(std::size_t threads, std::size_t rounds, double amount,
                 const std::function<void(std::size_t thread)>& work);

}  // namespace bench

#endif  // BENCH_LIMITS_THREADED_RATE_H_
