// One forward pass over a batch of sequence slices: the only thing the scheduler knows of a model.
//
// The interface stands apart from its implementation (transformer.h) so that the scheduler can be tested with
// a decoder made of a hash function.
#ifndef RUNTIME_MODEL_DECODER_H_
#define RUNTIME_MODEL_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "hardening/base/result.h"
#include "kernels/ops.h"
#include "runtime/token.h"

namespace runtime {

// Consecutive tokens of one sequence, to be stored in the KV cache and attended from. Borrows its spans.
struct SequenceSlice {
  std::span<const TokenId> tokens;       // at least one
  std::int32_t start_position = 0;       // of tokens[0] in its sequence
  std::span<const std::int32_t> blocks;  // KV block table: covers positions 0 … start_position + tokens.size() - 1
  std::size_t logits_count = 0;          // logits wanted for that many last tokens of the slice
  // Not null: the decoder is to draw the token after the last one, in this way (its `row` is of no account), and
  // nobody wants to see the logits. Only where Decoder::draws(), and with a logits_count of 1.
  const kernels::SampleRow* draw = nullptr;
};

// Results for the rows that asked for logits, in slice order. Borrowed from the decoder: valid until its next
// forward(). Of a row whose token the decoder drew, nothing but that token means anything.
struct LogitRows {
  std::span<const float> logits;       // [rows, vocabulary], float32
  std::span<const float> max;          // [rows]
  std::span<const float> log_sum_exp;  // [rows]: log p(v) = logits[v] - max - log_sum_exp
  // [rows], empty where no token was drawn: of the rows that were, the token, or kNoToken where a logit is not finite.
  std::span<const TokenId> drawn = {};
};

struct DecoderShape {
  std::size_t vocabulary = 0;
  std::size_t context_tokens_max = 0;  // positions a sequence may use: what the model allows and memory was planned for
  std::size_t block_tokens = 0;        // positions per KV block
  std::size_t blocks = 0;              // KV blocks in all
  std::size_t rows_max = 0;            // tokens of one forward()
  std::size_t logit_rows_max = 0;      // rows with logits of one forward()
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual const DecoderShape& shape() const = 0;

  // Computes the slices' tokens (each from a different sequence, blocks disjoint where written). Row results are
  // batch-invariant (kernels/ops.h). Fails with kDevice only; arguments outside the contract are bugs.
  virtual base::Result<LogitRows> forward(std::span<const SequenceSlice> slices) = 0;

  // Whether forward() draws tokens where it is asked to: from all logits of a row (DecoderShape::vocabulary), and to the
  // same tokens as Sampler.
  virtual bool draws() const { return false; }

  // Copies a KV block's contents in all layers (copy-on-write of a shared prefix).
  virtual base::Status copy_block(std::int32_t from, std::int32_t to) = 0;

  // The threads of this host that the model is computed with, the caller's included.
  virtual std::size_t host_threads() const { return 1; }

  // Calls body(task) once for every task below `tasks`, in any order, side by side on these threads, and returns
  // when all are done. Takes no memory; not within forward(). `body` is borrowed for the call.
  template <typename Body>
  void for_each_on_host(std::size_t tasks, const Body& body) {
    const auto call = [](const void* context, std::size_t task) { (*static_cast<const Body*>(context))(task); };
    run_on_host(tasks, call, &body);
  }

 protected:
  // What for_each_on_host is made of: run(context, task) for every task.
  using HostTask = void (*)(const void* context, std::size_t task);
  virtual void run_on_host(std::size_t tasks, HostTask run, const void* context) {
    for (std::size_t task = 0; task < tasks; ++task) run(context, task);
  }
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_DECODER_H_
