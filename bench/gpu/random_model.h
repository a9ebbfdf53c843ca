// A model of a true shape with random weights, in memory: as bench/synth writes it, but that a
// matrix is made of a few random rows again and again, since an 8B would otherwise take minutes to
// draw. For speed alone.
#ifndef BENCH_GPU_RANDOM_MODEL_H_
#define BENCH_GPU_RANDOM_MODEL_H_

#include <cstddef>
#include <string>

#include "bench/synth/synthetic_shape.h"
#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"

namespace bench {

// "llama-3.1-8b", "llama-3.1-70b"; null for any other name.
const SyntheticShape* find_large_shape(const std::string& name);

struct RandomModel {
  base::VerifiedFile file;
  double streamed_bytes = 0;  // that a token of decode reads: all but the embedding table
  double matrix_flops = 0;    // of a token, layers and head
  double head_flops = 0;
};
// kExhausted when the host has no memory for it.
base::Result<RandomModel> make_random_model(const SyntheticShape& shape, const std::string& mix,
                                            std::size_t threads);

}  // namespace bench

#endif  // BENCH_GPU_RANDOM_MODEL_H_
