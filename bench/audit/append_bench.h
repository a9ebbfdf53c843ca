// `redoubt-bench audit`: how many records a second the real auditor makes durable, and how long one
// waits.
#ifndef BENCH_AUDIT_APPEND_BENCH_H_
#define BENCH_AUDIT_APPEND_BENCH_H_

namespace bench {

// audit DIRECTORY [--redoubt PATH] [--rate N] [--seconds N] [--window N] [--json FILE]: starts
// `redoubt role auditor` in its sandbox on a fresh log below DIRECTORY (the disk that is measured),
// then sends it pairs of records as the gateway does: at --rate a second, on a fixed schedule
// (5,000); and as many as it takes with --window of them on their way (512). Times are from the
// moment a record was due to the acknowledgement that it is durable. argv[0] is not looked at.
// Returns an exit status: 0 when the rate was kept and 99 of 100 waited at most 10 ms.
int run_append_bench(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_AUDIT_APPEND_BENCH_H_
