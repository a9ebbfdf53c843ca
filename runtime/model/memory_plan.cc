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

std::uint64_t weights_bytes(const GgufFile& file, const ModelSpec& spec, const kernels::Ops& ops) {
  std::uint64_t bytes = 0;
  for (const TensorSpec& expected : expected_tensors(spec)) {
    const GgufTensor* tensor = file.find_tensor(expected.name);
    if (tensor == nullptr) continue;  // check_tensors says so, with a better message
    bytes += expected.vector ? tensor->bytes
                             : ops.weight_bytes(tensor->format, expected.rows, expected.cols);
  }
  return bytes;
}

Result<std::size_t> count_blocks(const MemoryRequest& request, const kernels::KvShape& one_block,
                                 const kernels::Ops& ops, std::size_t context_tokens) {
  const std::size_t context_blocks = divide_up(context_tokens, request.block_tokens);
  const std::uint64_t block_bytes = ops.kv_cache_bytes(one_block, request.kv_format);
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

}  // namespace

std::size_t planned_context(const ModelSpec& spec, const MemoryRequest& request) {
  return request.context_tokens != 0 ? request.context_tokens
                                     : std::min(spec.context_tokens_max, kContextTokensDefault);
}

Result<MemoryPlan> plan_memory(const GgufFile& file, const ModelSpec& spec, const kernels::Ops& ops,
                               const MemoryRequest& request) {
  TRY(check_request(request, spec, ops));
  MemoryPlan plan;
  plan.context_tokens = planned_context(spec, request);
  plan.kv_shape = {spec.layers, spec.kv_heads, spec.head_dim, request.block_tokens, 1};
  plan.kv_shape.blocks = TRY(count_blocks(request, plan.kv_shape, ops, plan.context_tokens));
  plan.weights_bytes = weights_bytes(file, spec, ops);
  plan.kv_bytes = ops.kv_cache_bytes(plan.kv_shape, request.kv_format);
  const StepSize step{request.rows_max, divide_up(plan.context_tokens, request.block_tokens)};
  plan.activations_bytes = activation_bytes(spec, step).total();
  plan.logits_bytes = 2 * std::uint64_t{request.logit_rows_max} * spec.vocabulary * sizeof(float);
  plan.scratch_bytes = ops.scratch_bytes();
  plan.total_bytes = plan.weights_bytes + plan.kv_bytes + plan.activations_bytes +
                     plan.logits_bytes + plan.scratch_bytes;
  if (request.memory_bytes_max != 0 && plan.total_bytes > request.memory_bytes_max) {
    return base::exhausted(fmt::format(
        "memory: {} needed (weights {}, KV cache {}, activations {}, logits {}, kernels {}), {} "
        "allowed",
        mib(plan.total_bytes), mib(plan.weights_bytes), mib(plan.kv_bytes),
        mib(plan.activations_bytes), mib(plan.logits_bytes), mib(plan.scratch_bytes),
        mib(request.memory_bytes_max)));
  }
  return plan;
}

Result<PlannedModel> plan_model(const GgufFile& file, const kernels::Ops& ops,
                                const MemoryRequest& request) {
  PlannedModel model;
  model.spec = TRY(read_model_spec(file));
  TRY(check_tensors(file, expected_tensors(model.spec)));
  model.plan = TRY(plan_memory(file, model.spec, ops, request));
  TRY(check_backend(model.spec, model.plan, ops.limits()));
  return model;
}

std::vector<std::string> MemoryPlan::summary() const {
  const auto line = [](std::string_view what, std::uint64_t bytes, std::string_view note) {
    return fmt::format("{:<12} {:>14}{}{}", what, mib(bytes), note.empty() ? "" : "  ", note);
  };
  return {
      line("weights", weights_bytes, ""),
      line("KV cache", kv_bytes,
           fmt::format("{} blocks of {} tokens, {} tokens; one sequence has up to {}",
                       kv_shape.blocks, kv_shape.block_tokens, kv_tokens(), context_tokens)),
      line("activations", activations_bytes, ""),
      line("logits", logits_bytes, ""),
      line("kernels", scratch_bytes, ""),
      line("total", total_bytes, ""),
  };
}

}  // namespace runtime
