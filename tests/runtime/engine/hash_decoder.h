// A decoder whose logits are a hash of everything the sequence should have in its KV blocks.
//
// It keeps tokens where a real decoder keeps keys and values, and reads them back through the block
// table. A wrong table, a missing copy, a block written by somebody else or a stale one changes the
// logits of every token after.
#ifndef TESTS_RUNTIME_ENGINE_HASH_DECODER_H_
#define TESTS_RUNTIME_ENGINE_HASH_DECODER_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "hardening/base/check.h"
#include "kernels/ops.h"
#include "runtime/engine/sampler.h"
#include "runtime/model/decoder.h"

namespace runtime {

inline std::uint64_t mix_bits(std::uint64_t x) {  // splitmix64's finaliser
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9;
  x ^= x >> 27;
  x *= 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// The logits after `tokens`. One text in four has coarse logits, with many ties.
inline std::vector<float> hash_logits(std::span<const TokenId> tokens, std::size_t vocabulary) {
  std::uint64_t hash = 1;
  for (const TokenId token : tokens) {
    hash = mix_bits(hash + 0x9E3779B97F4A7C15 * (static_cast<std::uint64_t>(token) + 2));
  }
  std::vector<float> logits(vocabulary);
  const float step = hash % 4 == 0 ? 1.0F : 0x1p-20F;
  for (std::size_t v = 0; v < vocabulary; ++v) {
    const auto bits = static_cast<float>(mix_bits(hash + v) >> 44);  // 20 bits
    logits[v] = std::round((bits * 0x1p-20F * 8.0F - 4.0F) / step) * step;
  }
  return logits;
}

class HashDecoder final : public Decoder {
 public:
  explicit HashDecoder(const DecoderShape& shape)
      : shape_(shape), slots_(shape.blocks * shape.block_tokens, kNoToken) {
    logits_.reserve(shape.logit_rows_max * shape.vocabulary);
    max_.reserve(shape.logit_rows_max);
    log_sum_exp_.reserve(shape.logit_rows_max);
  }

  const DecoderShape& shape() const override { return shape_; }

  base::Result<LogitRows> forward(std::span<const SequenceSlice> slices) override {
    if (fail_) return base::Error{base::ErrorCode::kDevice, 0, "the device is gone"};
    ++forwards_;
    logits_.clear();
    max_.clear();
    log_sum_exp_.clear();
    drawn_.clear();
    CHECK(!slices.empty());
    check_slices(slices);
    for (const SequenceSlice& slice : slices) store(slice);
    for (const SequenceSlice& slice : slices) answer(slice);
    const bool any = std::ranges::any_of(slices, [](const auto& slice) { return slice.draw != nullptr; });
    return LogitRows{logits_, max_, log_sum_exp_, any ? std::span<const TokenId>(drawn_) : std::span<const TokenId>()};
  }

  base::Status copy_block(std::int32_t from, std::int32_t to) override {
    CHECK(from != to);
    ++copies_;
    for (std::size_t i = 0; i < shape_.block_tokens; ++i) slot(to, i) = slot(from, i);
    return {};
  }

  std::size_t host_threads() const override {
    return lender_ == nullptr ? 1 : lender_->host_threads();
  }
  // From then on tokens are drawn on the threads of `ops`, which outlives the decoder.
  void lend_threads_of(kernels::Ops& ops) { lender_ = &ops; }

  bool draws() const override { return draws_; }
  // From then on tokens are drawn here where that is asked for, and their logits shown to nobody.
  void draw_here() { draws_ = true; }
  std::size_t rows_drawn() const { return rows_drawn_; }

  void fail() { fail_ = true; }
  // From then on a logit is not a number once a sequence ends in this token.
  void spoil_after(TokenId token) { spoiled_ = token; }
  std::size_t forwards() const { return forwards_; }
  std::size_t copies() const { return copies_; }
  std::size_t rows() const { return rows_; }
  std::size_t rows_of_step_max() const { return rows_of_step_max_; }

 protected:
  void run_on_host(std::size_t tasks, HostTask run, const void* context) override {
    if (lender_ == nullptr) return Decoder::run_on_host(tasks, run, context);
    lender_->for_each_host(tasks, run, context);
  }

 private:
  TokenId& slot(std::int32_t block, std::size_t index) {
    CHECK(block >= 0 && static_cast<std::size_t>(block) < shape_.blocks);
    return slots_[static_cast<std::size_t>(block) * shape_.block_tokens + index];
  }

  void check_slices(std::span<const SequenceSlice> slices) {
    std::size_t rows = 0;
    std::size_t logit_rows = 0;
    written_.assign(shape_.blocks, false);
    for (const SequenceSlice& slice : slices) {
      CHECK(!slice.tokens.empty() && slice.logits_count <= slice.tokens.size());
      const auto start = static_cast<std::size_t>(slice.start_position);
      const std::size_t end = start + slice.tokens.size();
      CHECK(end <= slice.blocks.size() * shape_.block_tokens && end <= shape_.context_tokens_max);
      for (std::size_t b = start / shape_.block_tokens; b <= (end - 1) / shape_.block_tokens; ++b) {
        const auto block = static_cast<std::size_t>(slice.blocks[b]);
        CHECK(block < shape_.blocks && !written_[block]);
        written_[block] = true;
      }
      rows += slice.tokens.size();
      logit_rows += slice.logits_count;
    }
    CHECK(rows <= shape_.rows_max && logit_rows <= shape_.logit_rows_max);
    rows_ += rows;
    rows_of_step_max_ = std::max(rows_of_step_max_, rows);
  }

  void store(const SequenceSlice& slice) {
    for (std::size_t i = 0; i < slice.tokens.size(); ++i) {
      const std::size_t position = static_cast<std::size_t>(slice.start_position) + i;
      slot(slice.blocks[position / shape_.block_tokens], position % shape_.block_tokens) =
          slice.tokens[i];
    }
  }

  void answer(const SequenceSlice& slice) {
    const std::size_t end = static_cast<std::size_t>(slice.start_position) + slice.tokens.size();
    read_.clear();
    for (std::size_t p = 0; p < end; ++p) {
      read_.push_back(slot(slice.blocks[p / shape_.block_tokens], p % shape_.block_tokens));
    }
    for (std::size_t p = end - slice.logits_count; p < end; ++p) {
      std::vector<float> row = hash_logits(std::span(read_).first(p + 1), shape_.vocabulary);
      if (read_[p] == spoiled_) row[0] = std::nanf("");
      drawn_.push_back(slice.draw != nullptr ? draw(row, *slice.draw) : kNoToken);
      if (slice.draw != nullptr) row.assign(row.size(), std::nanf(""));
      logits_.insert(logits_.end(), row.begin(), row.end());
      const float max = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (const float logit : row)
        sum += std::exp(static_cast<double>(logit) - static_cast<double>(max));
      max_.push_back(max);
      log_sum_exp_.push_back(static_cast<float>(std::log(sum)));
    }
  }

  TokenId draw(const std::vector<float>& row, const kernels::SampleRow& how) {
    CHECK(draws_);
    ++rows_drawn_;
    SamplingParams params;
    params.temperature = how.temperature;
    params.top_k = how.top_k;
    params.top_p = how.top_p;
    params.min_p = how.min_p;
    params.seed = how.seed;
    const auto token = Sampler(row.size()).sample({row, params, nullptr, {}, how.choice, how.position});
    return token.ok() ? token.value() : kNoToken;
  }

  DecoderShape shape_;
  bool draws_ = false;
  std::size_t rows_drawn_ = 0;
  std::vector<TokenId> drawn_;
  std::vector<TokenId> slots_;  // [blocks, block_tokens]
  std::vector<bool> written_;
  std::vector<TokenId> read_;
  std::vector<float> logits_;
  std::vector<float> max_;
  std::vector<float> log_sum_exp_;
  kernels::Ops* lender_ = nullptr;
  bool fail_ = false;
  TokenId spoiled_ = kNoToken;
  std::size_t forwards_ = 0;
  std::size_t copies_ = 0;
  std::size_t rows_ = 0;
  std::size_t rows_of_step_max_ = 0;
};

}  // namespace runtime

#endif  // TESTS_RUNTIME_ENGINE_HASH_DECODER_H_
