#include "runtime/model/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "runtime/model/activations.h"
#include "runtime/model/limits.h"

namespace runtime {
namespace {

using base::Result;
using base::Status;

constexpr std::size_t kContextTokensDefault = 8192;
constexpr std::size_t kBlockTokensMin = 16;
constexpr std::size_t kBlockTokensMax = 256;
// Block numbers are int32.
constexpr std::size_t kBlocksMax = std::numeric_limits<std::int32_t>::max();

std::string mib(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

std::size_t divide_up(std::size_t a, std::size_t b) {
  return (a + b - 1) / b;
}

Status check_request(const MemoryRequest& request, const ModelSpec& spec, const kernels::Ops& ops) {
  if (request.rows_max == 0 || request.rows_max > std::min(kRowsMax, ops.limits().rows_max)) {
    return base::invalid_input(fmt::format("{} rows of a step; 1 to {} are possible",
                                           request.rows_max,
                                           std::min(kRowsMax, ops.limits().rows_max)));
  }
  if (request.logit_rows_max == 0 || request.logit_rows_max > request.rows_max) {
    return base::invalid_input(fmt::format("{} rows with logits of a step; 1 to {} are possible",
                                           request.logit_rows_max, request.rows_max));
  }
  if (!std::has_single_bit(request.block_tokens) || request.block_tokens < kBlockTokensMin ||
      request.block_tokens > kBlockTokensMax) {
    return base::invalid_input(
        fmt::format("blocks of {} tokens; a power of two from {} to {} is possible",
                    request.block_tokens, kBlockTokensMin, kBlockTokensMax));
  }
  if (request.context_tokens > spec.context_tokens_max) {
    return base::invalid_input(fmt::format("a context of {} tokens; the model has {}",
                                           request.context_tokens, spec.context_tokens_max));
  }
  return {};
}

// Of one tensor, on a backend: what its fullest device keeps. 0: it has no such thing.
std::uint64_t tensor_bytes(const GgufFile& file, const TensorSpec& expected,
                           const kernels::Ops& ops) {
  const GgufTensor* tensor = file.find_tensor(expected.name);
  if (tensor == nullptr) return 0;  // check_tensors says so, with a better message
  if (expected.vector) return tensor->bytes;
  return ops.split_weight_bytes(tensor->format, expected.rows, expected.cols,
                                weight_split(expected.role));
}

// Why a backend has no bytes for a matrix: not as it is, or not shared out.
base::Error not_computed_with(const TensorSpec& tensor, kernels::Format format,
                              const kernels::Ops& ops) {
  const std::string_view name = kernels::format_info(format).name;
  if (ops.weight_bytes(format, tensor.rows, tensor.cols) == 0) {
    return base::unsupported(fmt::format("tensor \"{}\" is {}; {} does not compute with that",
                                         tensor.name, name, ops.name()));
  }
  return base::unsupported(
      fmt::format("tensor \"{}\" ({} by {}, {}) cannot be shared out among so many GPUs",
                  tensor.name, tensor.rows, tensor.cols, name));
}

Result<std::size_t> count_blocks(const MemoryRequest& request, const kernels::KvShape& one_block,
                                 const kernels::Ops& ops, std::size_t context_tokens) {
  const std::size_t context_blocks = divide_up(context_tokens, request.block_tokens);
  const std::uint64_t block_bytes = ops.kv_cache_bytes(one_block, request.kv_format);
  if (block_bytes == 0) {
    return base::unsupported(
        fmt::format("{} has no KV cache of this format for {} heads of {} elements", ops.name(),
                    one_block.kv_heads, one_block.head_dim));
  }
  const std::uint64_t blocks = request.kv_bytes == 0
                                   ? std::uint64_t{context_blocks} * request.sequences
                                   : request.kv_bytes / block_bytes;
  if (blocks < context_blocks) {
    return base::exhausted(fmt::format("a KV cache of {}: one context of {} tokens needs {}",
                                       mib(request.kv_bytes), context_tokens,
                                       mib(block_bytes * context_blocks)));
  }
  if (blocks > kBlocksMax) {
    return base::exhausted(
        fmt::format("a KV cache of {} blocks; the limit is {}", blocks, kBlocksMax));
  }
  return static_cast<std::size_t>(blocks);
}

Status check_backend(const ModelSpec& spec, const MemoryPlan& plan, const kernels::Limits& have) {
  const kernels::Limits need = backend_limits(spec, 1, plan.context_tokens);
  if (need.cols_max > have.cols_max || need.heads_max > have.heads_max ||
      need.head_dim_max > have.head_dim_max || need.context_tokens_max > have.context_tokens_max) {
    return base::invalid_input(
        fmt::format("the backend was made for {} columns, {} heads of {} and {} tokens; the model "
                    "needs {}, {}, {} and {}",
                    have.cols_max, have.heads_max, have.head_dim_max, have.context_tokens_max,
                    need.cols_max, need.heads_max, need.head_dim_max, need.context_tokens_max));
  }
  return {};
}

// Of a plan, or of one stage's.
template <typename Plan>
base::Error too_much(const Plan& plan, std::uint64_t needed, std::uint64_t allowed) {
  return base::exhausted(fmt::format(
      "memory: {} needed (weights {}, KV cache {}, activations {}, logits {}, kernels {}), {} "
      "allowed",
      mib(needed), mib(plan.weights_bytes), mib(plan.kv_bytes), mib(plan.activations_bytes),
      mib(plan.logits_bytes), mib(plan.scratch_bytes), mib(allowed)));
}

// What stages take, once it is known how many blocks the KV cache has.
class StagePlanner {
 public:
  StagePlanner(const GgufFile& file, const ModelSpec& spec, const MemoryPlan& plan,
               const MemoryRequest& request)
      : file_(file),
        spec_(spec),
        plan_(plan),
        request_(request),
        expected_(expected_tensors(spec)) {}

  Result<std::vector<StagePlan>> plan(std::span<const StageDevice> devices) const {
    for (const StageDevice& device : devices) TRY(check_matrices(*device.ops));
    std::vector<StageLayers> cuts = {{0, spec_.layers, spec_.layers}};
    if (devices.size() > 1) cuts = TRY(cut(devices));
    std::vector<StagePlan> stages;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      const std::uint64_t allowed = devices[i].bytes_max;
      stages.push_back(plan_stage(cuts[i], *devices[i].ops));
      if (allowed != 0 && stages.back().total_bytes > allowed) {
        return too_much(stages.back(), stages.back().total_bytes, allowed);
      }
    }
    return stages;
  }

 private:
  Status check_matrices(const kernels::Ops& ops) const {
    for (const TensorSpec& tensor : expected_) {
      const GgufTensor* found = file_.find_tensor(tensor.name);
      if (found == nullptr || tensor.vector || tensor_bytes(file_, tensor, ops) != 0) continue;
      return not_computed_with(tensor, found->format, ops);
    }
    return {};
  }

  StagePlan plan_stage(const StageLayers& layers, const kernels::Ops& ops) const {
    StagePlan stage{.layers = layers};
    for (const TensorSpec& tensor : expected_) {
      if (layers.holds(tensor, spec_.tied_output))
        stage.weights_bytes += tensor_bytes(file_, tensor, ops);
    }
    kernels::KvShape shape = plan_.kv_shape;
    shape.layers = layers.count;
    if (layers.count > 0) stage.kv_bytes = ops.kv_cache_bytes(shape, request_.kv_format);
    const StepSize step{request_.rows_max, divide_up(plan_.context_tokens, request_.block_tokens)};
    stage.activations_bytes = activation_bytes(spec_, step).total();
    if (layers.is_last()) {
      stage.logits_bytes =
          2 * std::uint64_t{request_.logit_rows_max} * spec_.vocabulary * sizeof(float);
    }
    stage.scratch_bytes = ops.scratch_bytes();
    stage.total_bytes = stage.weights_bytes + stage.kv_bytes + stage.activations_bytes +
                        stage.logits_bytes + stage.scratch_bytes;
    return stage;
  }

  // By what layers take on the first backend: where to cut is not a matter of bits.
  Result<std::vector<StageLayers>> cut(std::span<const StageDevice> devices) const {
    std::vector<std::uint64_t> layer_bytes;
    for (std::size_t layer = 0; layer < spec_.layers; ++layer) {
      std::uint64_t bytes = 0;
      for (const TensorSpec& tensor : expected_) {
        if (is_of_layer(tensor) && tensor.layer == layer)
          bytes += tensor_bytes(file_, tensor, *devices[0].ops);
      }
      kernels::KvShape shape = plan_.kv_shape;
      shape.layers = 1;
      layer_bytes.push_back(bytes + devices[0].ops->kv_cache_bytes(shape, request_.kv_format));
    }
    std::vector<StageBudget> budgets;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      // A stage without layers, at the place that this one has.
      const std::size_t place = i == 0 ? 0 : i + 1 == devices.size() ? spec_.layers : 1;
      const StagePlan fixed = plan_stage({place, 0, spec_.layers}, *devices[i].ops);
      budgets.push_back({devices[i].bytes_max, fixed.total_bytes});
    }
    return split_layers(layer_bytes, budgets);
  }

  const GgufFile& file_;
  const ModelSpec& spec_;
  const MemoryPlan& plan_;
  const MemoryRequest& request_;
  std::vector<TensorSpec> expected_;
};

void add_up(MemoryPlan& plan) {
  for (const StagePlan& stage : plan.stages) {
    plan.weights_bytes += stage.weights_bytes;
    plan.kv_bytes += stage.kv_bytes;
    plan.activations_bytes += stage.activations_bytes;
    plan.logits_bytes += stage.logits_bytes;
    plan.scratch_bytes += stage.scratch_bytes;
    plan.total_bytes += stage.total_bytes;
  }
}

}  // namespace

std::size_t planned_context(const ModelSpec& spec, const MemoryRequest& request) {
  return request.context_tokens != 0 ? request.context_tokens
                                     : std::min(spec.context_tokens_max, kContextTokensDefault);
}

Result<MemoryPlan> plan_memory(const GgufFile& file, const ModelSpec& spec,
                               std::span<const StageDevice> devices, const MemoryRequest& request) {
  for (const StageDevice& device : devices) TRY(check_request(request, spec, *device.ops));
  MemoryPlan plan;
  plan.context_tokens = planned_context(spec, request);
  plan.kv_shape = {spec.layers, spec.kv_heads, spec.head_dim, request.block_tokens, 1};
  plan.kv_shape.blocks =
      TRY(count_blocks(request, plan.kv_shape, *devices.front().ops, plan.context_tokens));
  const StagePlanner planner(file, spec, plan, request);
  plan.stages = TRY(planner.plan(devices));
  add_up(plan);
  if (request.memory_bytes_max != 0 && plan.total_bytes > request.memory_bytes_max) {
    return too_much(plan, plan.total_bytes, request.memory_bytes_max);
  }
  return plan;
}

Result<PlannedModel> plan_model(const GgufFile& file, std::span<const StageDevice> devices,
                                const MemoryRequest& request) {
  PlannedModel model;
  model.spec = TRY(read_model_spec(file));
  TRY(check_tensors(file, expected_tensors(model.spec)));
  model.plan = TRY(plan_memory(file, model.spec, devices, request));
  for (const StageDevice& device : devices) {
    TRY(check_backend(model.spec, model.plan, device.ops->limits()));
  }
  return model;
}

std::vector<std::string> MemoryPlan::summary() const {
  const auto line = [](std::string_view what, std::uint64_t bytes, std::string_view note) {
    return fmt::format("{:<12} {:>14}{}{}", what, mib(bytes), note.empty() ? "" : "  ", note);
  };
  std::vector<std::string> lines = {
      line("weights", weights_bytes, ""),
      line("KV cache", kv_bytes,
           fmt::format("{} blocks of {} tokens, {} tokens; one sequence has up to {}",
                       kv_shape.blocks, kv_shape.block_tokens, kv_tokens(), context_tokens)),
      line("activations", activations_bytes, ""),
      line("logits", logits_bytes, ""),
      line("kernels", scratch_bytes, ""),
      line("total", total_bytes, ""),
  };
  if (stages.size() < 2) return lines;
  for (const StagePlan& stage : stages) {
    lines.push_back(line("stage", stage.total_bytes,
                         fmt::format("layers {} to {}", stage.layers.first,
                                     stage.layers.first + stage.layers.count - 1)));
  }
  return lines;
}

}  // namespace runtime
