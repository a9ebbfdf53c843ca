// redoubt-bench: measurements, and the small tools that tests and peers need beside them.
#include <cstdio>
#include <cstring>
#include <string_view>

#include "bench/audit/append_bench.h"
#include "bench/import/verify_bench.h"
#include "bench/kernels/kernel_bench.h"
#include "bench/limits/limits.h"
#include "bench/load/load.h"
#include "bench/model/generate.h"
#include "bench/model/handover.h"
#include "bench/model/model_bench.h"
#include "bench/model/requantize.h"
#include "bench/synth/synth.h"
#include "bench/targets/targets.h"
#include "bench/tokenize/tokenize.h"
#include "bench/versus/versus.h"

namespace {

struct Verb {
  std::string_view name;
  int (*run)(int argc, char** argv);  // argv[0] is the verb
  const char* help;
};

constexpr Verb kVerbs[] = {
    {"limits", bench::run_limits, "what this machine can do: memory and arithmetic"},
    {"kernels", bench::run_kernel_bench,
     "each operation: time, GB/s, Gop/s, share of this machine's limit"},
    {"model", bench::run_model_bench, "a model's prefill and decode, in tokens per second"},
    {"handover", bench::run_handover,
     "an engine whose weights outlive it: its successor, its speed"},
    {"versus", bench::run_versus, "the same beside llama.cpp, in turns, as ratios"},
    {"verify", bench::run_verify_bench, "what verifying a file costs beside reading it"},
    {"audit", bench::run_append_bench, "how many records a second the auditor makes durable"},
    {"load", bench::run_load_bench, "streams against a running service"},
    {"wait", bench::run_wait, "until a service is ready"},
    {"targets", bench::run_targets, "the results of bench/run against what is to be reached"},
    {"generate", bench::run_generate, "greedy tokens after given ones"},
    {"requantize", bench::run_requantize, "write a model with its matrices in another format"},
    {"synth", bench::run_synth, "write a random-weight model of a true shape"},
    {"tokenize", bench::run_tokenize, "texts to token ids"},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Verb& verb : kVerbs) {
    if (argc > 1 && verb.name == argv[1]) return verb.run(argc - 1, argv + 1);
  }
  std::fputs("usage: redoubt-bench VERB …\n", stderr);
  for (const Verb& verb : kVerbs) {
    std::fprintf(stderr, "  %-10.*s %s\n", static_cast<int>(verb.name.size()), verb.name.data(),
                 verb.help);
  }
  return 2;
}
