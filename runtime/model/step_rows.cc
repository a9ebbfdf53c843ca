#include "runtime/model/step_rows.h"

#include <algorithm>

#include "hardening/base/check.h"

namespace runtime {
namespace {

// Two runs this near to each other become one. A pass over the last layer's weights costs about as
// much as this many rows.
constexpr std::size_t kRunGapMax = 8;

std::size_t blocks_of(const SequenceSlice& slice, std::size_t block_tokens) {
  const std::size_t end = static_cast<std::size_t>(slice.start_position) + slice.tokens.size();
  return (end + block_tokens - 1) / block_tokens;
}

}  // namespace

StepRows::StepRows(const DecoderShape& shape) : shape_(shape) {
  const std::size_t blocks_max =
      (shape.context_tokens_max + shape.block_tokens - 1) / shape.block_tokens;
  tokens_.reserve(shape.rows_max);
  positions_.reserve(shape.rows_max);
  sequences_.reserve(shape.rows_max);
  tables_.reserve(shape.rows_max * blocks_max);
  logit_rows_.reserve(shape.logit_rows_max);
  logit_runs_.reserve(shape.logit_rows_max);
}

void StepRows::check_slice(const SequenceSlice& slice) const {
  CHECK(!slice.tokens.empty() && slice.tokens.size() <= shape_.rows_max - tokens_.size());
  CHECK(slice.start_position >= 0);
  CHECK(static_cast<std::size_t>(slice.start_position) + slice.tokens.size() <=
        shape_.context_tokens_max);
  CHECK(slice.blocks.size() >= blocks_of(slice, shape_.block_tokens));
  CHECK(slice.logits_count <= slice.tokens.size());
  CHECK(slice.logits_count <= shape_.logit_rows_max - logit_rows_.size());
}

void StepRows::assemble(std::span<const SequenceSlice> slices) {
  CHECK(!slices.empty());
  tokens_.clear();
  positions_.clear();
  sequences_.clear();
  tables_.clear();
  logit_rows_.clear();
  logit_runs_.clear();
  table_stride_ = 0;
  for (const SequenceSlice& slice : slices) {
    check_slice(slice);
    table_stride_ = std::max(table_stride_, blocks_of(slice, shape_.block_tokens));
    const auto sequence = static_cast<std::int32_t>(&slice - slices.data());
    for (std::size_t i = 0; i < slice.tokens.size(); ++i) {
      const TokenId token = slice.tokens[i];
      CHECK(token >= 0 && static_cast<std::size_t>(token) < shape_.vocabulary);
      tokens_.push_back(token);
      positions_.push_back(slice.start_position + static_cast<std::int32_t>(i));
      sequences_.push_back(sequence);
    }
    add_logit_rows(slice);
  }
  for (const SequenceSlice& slice : slices) add_table(slice);
}

void StepRows::add_table(const SequenceSlice& slice) {
  const std::span<const std::int32_t> blocks =
      slice.blocks.first(blocks_of(slice, shape_.block_tokens));
  for (const std::int32_t block : blocks) {
    CHECK(block >= 0 && static_cast<std::size_t>(block) < shape_.blocks);
    tables_.push_back(block);
  }
  // Never read: attention stops at the row's position.
  tables_.insert(tables_.end(), table_stride_ - blocks.size(), 0);
}

void StepRows::add_logit_rows(const SequenceSlice& slice) {
  if (slice.logits_count == 0) return;
  const std::size_t end = tokens_.size();
  const std::size_t first = end - slice.logits_count;
  for (std::size_t row = first; row < end; ++row)
    logit_rows_.push_back(static_cast<std::int32_t>(row));
  if (!logit_runs_.empty()) {
    RowRun& last = logit_runs_.back();
    if (first - (last.first + last.count) <= kRunGapMax) {
      last.count = end - last.first;
      return;
    }
  }
  logit_runs_.push_back({first, slice.logits_count});
}

}  // namespace runtime
