// Requests sent to a service by many clients at once, and when their tokens came.
//
// Closed loop: each of `streams` clients sends its next request when the last one has ended.
// Open loop: requests start at planned times whatever became of the others. There the time to the
// first token counts from the planned start: a request that had to wait for a free client, because
// the service was slow, waited for the service (no coordinated omission). Threads are only where
// requests wait: `streams` is then how many may be under way at once.
#ifndef BENCH_LOAD_LOAD_RUN_H_
#define BENCH_LOAD_LOAD_RUN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/http_stream.h"

namespace bench {

struct LoadPlan {
  HttpTarget target;
  std::string model;
  bool chat = false;  // /v1/chat/completions instead of /v1/completions
  std::size_t streams = 8;
  std::size_t requests = 32;  // in all
  std::size_t tokens = 64;    // of each answer
  std::size_t prompt_bytes = 512;
  std::vector<std::int64_t> arrivals_ns;  // one per request: open loop; empty: closed loop
};

struct LoadResult {
  double seconds = 0;  // from the first start to the last end
  std::size_t tokens = 0;
  std::vector<double> first_token_ms;
  std::vector<double> between_tokens_ms;
  std::vector<double> request_ms;
  std::vector<std::string> faults;  // one per request that failed

  double tokens_per_second() const {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
  }
};

LoadResult run_load(const LoadPlan& plan);

}  // namespace bench

#endif  // BENCH_LOAD_LOAD_RUN_H_
