// What a model's tokens cost, whoever computes them: bytes of weights that must be read, and
// operations of its matrices.
#ifndef BENCH_MODEL_MODEL_WORK_H_
#define BENCH_MODEL_MODEL_WORK_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "kernels/ops.h"
#include "runtime/model/gguf.h"
#include "runtime/model/model_spec.h"

namespace bench {

struct ModelWork {
  // What decoding a token at batch 1 reads: every matrix once, in the file's own format, of the
  // embedding table one row (all of it where it is the output matrix, too). A layout that needs
  // more bytes than the file does not count for more bandwidth.
  std::uint64_t bytes_per_token = 0;
  std::uint64_t layout_bytes_per_token = 0;  // the same in the backend's layout
  // One multiply-add is two operations; attention's own products are not counted.
  double layer_ops_per_token = 0;
  double head_ops = 0;  // of the output matrix: once per prompt, once per decoded token
  // Names live as long as what was counted: here kernels::format_info.
  // layer_ops_per_token by weight format, the largest share first: a mix has a bound of its own.
  struct FormatOps {
    std::string_view format;
    double ops = 0;
  };
  std::vector<FormatOps> formats;

  double prefill_ops(std::size_t tokens) const {
    return layer_ops_per_token * static_cast<double>(tokens) + head_ops;
  }
};

ModelWork count_work(const runtime::GgufFile& file, const runtime::ModelSpec& spec,
                     const kernels::Ops& ops);

}  // namespace bench

#endif  // BENCH_MODEL_MODEL_WORK_H_
