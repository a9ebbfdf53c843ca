// The buffers one forward pass works in: which there are, and how large. The plan adds them up, the
// transformer allocates them; both read this one list.
#ifndef RUNTIME_MODEL_ACTIVATIONS_H_
#define RUNTIME_MODEL_ACTIVATIONS_H_

#include <cstddef>
#include <cstdint>

#include "runtime/model/model_spec.h"

namespace runtime {

// Bytes of each buffer. Those of activations are float32, [rows_max, …].
struct ActivationBytes {
  std::size_t residual = 0;   // [rows_max, dim]
  std::size_t q = 0;          // [rows_max, q_dim]
  std::size_t k = 0;          // [rows_max, kv_dim]
  std::size_t v = 0;          // [rows_max, kv_dim]
  std::size_t attention = 0;  // [rows_max, q_dim]
  std::size_t mlp = 0;        // [rows_max, ff_dim]
  std::size_t cos_sin = 0;    // [rows_max, rope.dims]
  std::size_t rows = 0;       // int32: positions [rows_max], sequences [rows_max]
  std::size_t tables = 0;     // int32: block tables [rows_max, blocks of one context]

  std::size_t total() const {
    return residual + q + k + v + attention + mlp + cos_sin + rows + tables;
  }
};

struct StepSize {
  std::size_t rows_max = 0;
  std::size_t blocks_per_sequence_max = 0;
};

// Cannot overflow: limits.h bounds the widths, kRowsMax the rows.
inline constexpr std::size_t kRowsMax = 65'536;
inline ActivationBytes activation_bytes(const ModelSpec& spec, const StepSize& step) {
  const auto floats = [&step](std::size_t width) { return step.rows_max * width * sizeof(float); };
  return {.residual = floats(spec.dim),
          .q = floats(spec.q_dim()),
          .k = floats(spec.kv_dim()),
          .v = floats(spec.kv_dim()),
          .attention = floats(spec.q_dim()),
          .mlp = floats(spec.ff_dim),
          .cos_sin = floats(spec.rope.dims),
          .rows = 2 * step.rows_max * sizeof(std::int32_t),
          .tables = step.rows_max * step.blocks_per_sequence_max * sizeof(std::int32_t)};
}

}  // namespace runtime

#endif  // RUNTIME_MODEL_ACTIVATIONS_H_
