#include "bench/model/model_work.h"

#include <algorithm>

namespace bench {
namespace {

void add_ops(std::vector<ModelWork::FormatOps>& formats, std::string_view format, double ops) {
  const auto same = [format](const ModelWork::FormatOps& known) { return known.format == format; };
  const auto found = std::find_if(formats.begin(), formats.end(), same);
  if (found == formats.end()) {
    formats.push_back({format, ops});
  } else {
    found->ops += ops;
  }
}

}  // namespace

ModelWork count_work(const runtime::GgufFile& file, const runtime::ModelSpec& spec,
                     const kernels::Ops& ops) {
  using runtime::TensorRole;
  ModelWork work;
  for (const runtime::TensorSpec& expected : runtime::expected_tensors(spec)) {
    const runtime::GgufTensor* tensor = file.find_tensor(expected.name);
    if (expected.vector || tensor == nullptr) continue;
    const bool embedding = expected.role == TensorRole::kTokenEmbedding;
    const std::uint64_t bytes = tensor->data.size();
    if (embedding && !spec.tied_output) {
      work.bytes_per_token += bytes / expected.rows;
      work.layout_bytes_per_token += bytes / expected.rows;
      continue;
    }
    const double ops_per_row =
        2.0 * static_cast<double>(expected.rows) * static_cast<double>(expected.cols);
    if (embedding || expected.role == TensorRole::kOutput) {
      work.head_ops += ops_per_row;
    } else {
      work.layer_ops_per_token += ops_per_row;
      add_ops(work.formats, kernels::format_info(tensor->format).name, ops_per_row);
    }
    work.bytes_per_token += bytes;
    work.layout_bytes_per_token += ops.weight_bytes(tensor->format, expected.rows, expected.cols);
  }
  std::sort(work.formats.begin(), work.formats.end(),
            [](const auto& a, const auto& b) { return a.ops > b.ops; });
  return work;
}

}  // namespace bench
