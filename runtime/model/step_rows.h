// The rows of one forward pass, laid out for the backend: from slices of sequences to positions,
// block tables and the places where logits are wanted. All arrays are sized once.
#ifndef RUNTIME_MODEL_STEP_ROWS_H_
#define RUNTIME_MODEL_STEP_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/ops.h"
#include "runtime/model/decoder.h"
#include "runtime/token.h"

namespace runtime {

// Adjacent rows.
struct RowRun {
  std::size_t first = 0;
  std::size_t count = 0;
};

class StepRows {
 public:
  explicit StepRows(const DecoderShape& shape);

  // Replaces the rows by those of `slices`. Aborts where a slice is outside the contract of
  // Decoder::forward. Allocates nothing.
  void assemble(std::span<const SequenceSlice> slices);

  std::size_t count() const { return tokens_.size(); }
  std::span<const TokenId> tokens() const { return tokens_; }             // [count]
  std::span<const std::int32_t> positions() const { return positions_; }  // [count]
  std::span<const std::int32_t> sequences() const {
    return sequences_;
  }                                                                 // [count]; row of tables()
  std::span<const std::int32_t> tables() const { return tables_; }  // [slices, table_stride]
  // At least what the longest table takes, and from step to step mostly the same: a backend that
  // remembers steps goes by it.
  std::size_t table_stride() const { return table_stride_; }

  // Rows with logits, ascending.
  std::span<const std::int32_t> logit_rows() const { return logit_rows_; }
  // The same rows as few runs: rows between two near ones are taken along, for one larger call
  // costs less than two. Rows are independent, so this changes no bit.
  std::span<const RowRun> logit_runs() const { return logit_runs_; }

  // Tokens to be drawn by the backend, of logit_rows() by number, ascending.
  std::span<const kernels::SampleRow> draws() const { return draws_; }
  // The other rows of logit_rows(), as runs of their numbers.
  std::span<const RowRun> host_logits() const { return host_logits_; }

  // Whether every slice is one token that wants logits.
  bool decode() const { return decode_; }
  std::int32_t position_max() const { return position_max_; }

 private:
  void check_slice(const SequenceSlice& slice) const;
  void choose_stride(std::size_t blocks);
  void add_table(const SequenceSlice& slice);
  void add_logit_rows(const SequenceSlice& slice);
  void add_readers(const SequenceSlice& slice);

  DecoderShape shape_;
  std::size_t table_stride_max_;
  std::vector<TokenId> tokens_;
  std::vector<std::int32_t> positions_;
  std::vector<std::int32_t> sequences_;
  std::vector<std::int32_t> tables_;
  std::size_t table_stride_ = 1;
  std::vector<std::int32_t> logit_rows_;
  std::vector<RowRun> logit_runs_;
  std::vector<kernels::SampleRow> draws_;
  std::vector<RowRun> host_logits_;
  bool decode_ = false;
  std::int32_t position_max_ = 0;
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_STEP_ROWS_H_
