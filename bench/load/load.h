// redoubt-bench load: streams against a running service, ours or anybody's that speaks OpenAI's
// API.
//
//   load [--url URL] [--ca FILE] [--model NAME] [--endpoint completions|chat]
//        [--streams N]                        closed loop: N clients, each one request at a time
//        [--rate R [--burst B] [--seed S]]    open loop: R requests per second, Poisson, or in
//                                             bursts of B; then --streams is the most at once
//        [--requests N] [--tokens N] [--prompt-bytes N] [--pids PID,…] [--json FILE]
//
// The defaults of the first three are REDOUBT_URL, REDOUBT_CA and REDOUBT_MODEL; the API key is
// REDOUBT_API_KEY. Prints the time to the first token and between tokens (every sample is kept:
// percentiles are exact), tokens per second, faults, and the memory of the processes named. In an
// open loop times count from the planned start (load_run.h).
//
// redoubt-bench wait [--url URL] [--ca FILE] [--path /ready] [--seconds N]: until it answers 200.
#ifndef BENCH_LOAD_LOAD_H_
#define BENCH_LOAD_LOAD_H_

namespace bench {

int run_load_bench(int argc, char** argv);
int run_wait(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_LOAD_LOAD_H_
