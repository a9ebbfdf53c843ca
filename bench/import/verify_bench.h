// `redoubt-bench verify`: what verifying a file costs whoever would read it into memory anyway.
#ifndef BENCH_IMPORT_VERIFY_BENCH_H_
#define BENCH_IMPORT_VERIFY_BENCH_H_

namespace bench {

// verify FILE [--threads N] [--rounds N] [--cached yes] [--json FILE]: in turns, the engine's
// reader (provisioning::FileVerifier::read_pieces), the same with nothing hashed (as many threads
// that fill the same kind of memory, piece by piece), and one thread that does so. The file leaves
// the page cache before each, unless --cached. Prints medians and what verification adds. argv[0]
// is not looked at. Returns an exit status.
int run_verify_bench(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_IMPORT_VERIFY_BENCH_H_
