#include "runtime/model/step_rows.h"

#include <algorithm>
#include <bit>

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

StepRows::StepRows(const DecoderShape& shape)
    : shape_(shape),
      table_stride_max_((shape.context_tokens_max + shape.block_tokens - 1) / shape.block_tokens) {
  tokens_.reserve(shape.rows_max);
  positions_.reserve(shape.rows_max);
  sequences_.reserve(shape.rows_max);
  tables_.reserve(shape.rows_max * table_stride_max_);
  logit_rows_.reserve(shape.logit_rows_max);
  logit_runs_.reserve(shape.logit_rows_max);
  draws_.reserve(shape.logit_rows_max);
  host_logits_.reserve(shape.logit_rows_max);
}

void StepRows::check_slice(const SequenceSlice& slice) const {
  CHECK(!slice.tokens.empty() && slice.tokens.size() <= shape_.rows_max - tokens_.size());
  CHECK(slice.start_position >= 0);
  CHECK(static_cast<std::size_t>(slice.start_position) + slice.tokens.size() <=
        shape_.context_tokens_max);
  CHECK(slice.blocks.size() >= blocks_of(slice, shape_.block_tokens));
  CHECK(slice.logits_count <= slice.tokens.size());
  CHECK(slice.logits_count <= shape_.logit_rows_max - logit_rows_.size());
  CHECK(slice.draw == nullptr || slice.logits_count == 1);
}

void StepRows::assemble(std::span<const SequenceSlice> slices) {
  CHECK(!slices.empty());
  tokens_.clear();
  positions_.clear();
  sequences_.clear();
  tables_.clear();
  logit_rows_.clear();
  logit_runs_.clear();
  draws_.clear();
  host_logits_.clear();
  decode_ = true;
  position_max_ = 0;
  std::size_t blocks_max = 0;
  for (const SequenceSlice& slice : slices) {
    check_slice(slice);
    blocks_max = std::max(blocks_max, blocks_of(slice, shape_.block_tokens));
    decode_ = decode_ && slice.tokens.size() == 1 && slice.logits_count == 1;
    const auto sequence = static_cast<std::int32_t>(&slice - slices.data());
    for (std::size_t i = 0; i < slice.tokens.size(); ++i) {
      const TokenId token = slice.tokens[i];
      CHECK(token >= 0 && static_cast<std::size_t>(token) < shape_.vocabulary);
      tokens_.push_back(token);
      positions_.push_back(slice.start_position + static_cast<std::int32_t>(i));
      sequences_.push_back(sequence);
    }
    position_max_ = std::max(position_max_, positions_.back());
    add_readers(slice);
    add_logit_rows(slice);
  }
  choose_stride(blocks_max);
  for (const SequenceSlice& slice : slices) add_table(slice);
}

// Grows at once and shrinks late, so that it is mostly what it was.
void StepRows::choose_stride(std::size_t blocks) {
  const std::size_t wanted = std::bit_ceil(blocks);
  if (wanted > table_stride_ || wanted <= table_stride_ / 4) table_stride_ = wanted;
  table_stride_ = std::min(table_stride_, table_stride_max_);
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

// Called before its rows are added.
void StepRows::add_readers(const SequenceSlice& slice) {
  const std::size_t first = logit_rows_.size();
  if (slice.draw != nullptr) {
    draws_.push_back(*slice.draw);
    draws_.back().row = static_cast<std::uint32_t>(first);
  } else if (!host_logits_.empty() &&
             host_logits_.back().first + host_logits_.back().count == first) {
    host_logits_.back().count += slice.logits_count;
  } else if (slice.logits_count > 0) {
    host_logits_.push_back({first, slice.logits_count});
  }
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
