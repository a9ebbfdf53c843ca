#include "runtime/model/layer_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace runtime {
namespace {

using base::Result;

constexpr double kNever = std::numeric_limits<double>::infinity();

// How full a stage is, as a share of what it may take.
class Fullness {
 public:
  Fullness(std::span<const std::uint64_t> layer_bytes, std::span<const StageBudget> stages)
      : stages_(stages), before_(1, 0) {
    for (const std::uint64_t bytes : layer_bytes) before_.push_back(before_.back() + bytes);
    limited_ = std::ranges::all_of(stages, [](const StageBudget& s) { return s.bytes_max != 0; });
  }

  // With the layers [first, end).
  double of(std::size_t stage, std::size_t first, std::size_t end) const {
    const auto bytes =
        static_cast<double>(stages_[stage].fixed_bytes + before_[end] - before_[first]);
    return limited_ ? bytes / static_cast<double>(stages_[stage].bytes_max) : bytes;
  }
  bool limited() const { return limited_; }

 private:
  std::span<const StageBudget> stages_;
  std::vector<std::uint64_t> before_;  // bytes of the layers below an index
  bool limited_ = true;
};

// The best way to have a number of first layers on a number of first stages.
struct Cut {
  double fullest = kNever;
  std::size_t first = 0;  // of the last stage's layers
};

}  // namespace

bool is_of_layer(const TensorSpec& tensor) {
  switch (tensor.role) {
    case TensorRole::kTokenEmbedding:
    case TensorRole::kRopeDivisors:
    case TensorRole::kOutputNorm:
    case TensorRole::kOutput:
      return false;
    default:
      return true;
  }
}

bool StageLayers::holds(const TensorSpec& tensor, bool tied_output) const {
  switch (tensor.role) {
    case TensorRole::kTokenEmbedding:
      return is_first() || (tied_output && is_last());
    case TensorRole::kRopeDivisors:
      return is_first();
    case TensorRole::kOutputNorm:
    case TensorRole::kOutput:
      return is_last();
    default:
      return tensor.layer >= first && tensor.layer < first + count;
  }
}

Result<std::vector<StageLayers>> split_layers(std::span<const std::uint64_t> layer_bytes,
                                              std::span<const StageBudget> stages) {
  const std::size_t layers = layer_bytes.size();
  if (stages.empty() || stages.size() > layers) {
    return base::invalid_input(
        fmt::format("{} layers cannot be split over {} backends", layers, stages.size()));
  }
  const Fullness fullness(layer_bytes, stages);
  // best[s][l]: the first l layers on the stages 0 … s.
  std::vector<std::vector<Cut>> best(stages.size(), std::vector<Cut>(layers + 1));
  for (std::size_t l = 1; l <= layers; ++l) best[0][l] = {fullness.of(0, 0, l), 0};
  for (std::size_t s = 1; s < stages.size(); ++s) {
    for (std::size_t l = s + 1; l <= layers; ++l) {
      for (std::size_t first = s; first < l; ++first) {
        const double fullest = std::max(best[s - 1][first].fullest, fullness.of(s, first, l));
        if (fullest < best[s][l].fullest) best[s][l] = {fullest, first};
      }
    }
  }
  const double fullest = best.back()[layers].fullest;
  if (fullness.limited() && fullest > 1) {
    return base::exhausted(fmt::format(
        "the model does not fit on {} backends: however it is cut, one of them would need {:.1f} % "
        "of the memory it may take",
        stages.size(), 100 * fullest));
  }
  std::vector<StageLayers> cuts(stages.size());
  std::size_t end = layers;
  for (std::size_t s = stages.size(); s-- > 0;) {
    const std::size_t first = best[s][end].first;
    cuts[s] = {first, end - first, layers};
    end = first;
  }
  return cuts;
}

}  // namespace runtime
