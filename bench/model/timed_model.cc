#include "bench/model/timed_model.h"

#include <algorithm>

#include "hardening/base/clock.h"

namespace bench {
namespace {

using base::Result;
using base::Status;

double seconds_since(std::int64_t started_ns) {
  return static_cast<double>(base::SystemClock().monotonic_ns() - started_ns) / 1e9;
}

// Tokens that differ from each other, so that nothing is the same work twice.
std::vector<runtime::TokenId> make_prompt(std::size_t count, std::size_t vocabulary,
                                          std::size_t salt) {
  std::vector<runtime::TokenId> tokens(count);
  for (std::size_t i = 0; i < count; ++i) {
    tokens[i] = static_cast<runtime::TokenId>((i * 7919 + salt * 104729 + 17) % vocabulary);
  }
  return tokens;
}

}  // namespace

Result<TimedModel> TimedModel::load(const std::string& path, std::span<const Measure> measures,
                                    LocalModelOptions options) {
  options.context_tokens = 0;
  options.kv_tokens = 0;
  for (const Measure& measure : measures) {
    // Every sequence begins at a block of its own; blocks are of at most 256 tokens.
    const std::size_t tokens = (measure.sequence_tokens() + 255) / 256 * 256;
    options.context_tokens = std::max(options.context_tokens, tokens);
    options.kv_tokens = std::max(options.kv_tokens, tokens * measure.batch);
  }
  return TimedModel(TRY(LocalModel::load(path, options)));
}

Result<double> TimedModel::run(const Measure& measure) {
  switch (measure.kind) {
    case Measure::Kind::kPrefill:
      return run_prefill(measure);
    case Measure::Kind::kDecode:
      return run_decode(measure);
    case Measure::Kind::kDecodeAtContext:
      return run_decode_at_context(measure);
  }
  return base::invalid_input("no such measure");
}

Result<double> TimedModel::run_prefill(const Measure& measure) {
  const runtime::DecoderShape& shape = model_.decoder->shape();
  Sequence sequence(0, shape.blocks);
  const auto prompt = make_prompt(measure.tokens, shape.vocabulary, 0);
  const std::int64_t started_ns = base::SystemClock().monotonic_ns();
  TRY(prefill(*model_.decoder, sequence, prompt));
  return measure.work() / seconds_since(started_ns);
}

Result<double> TimedModel::run_decode(const Measure& measure) {
  const runtime::DecoderShape& shape = model_.decoder->shape();
  const std::size_t blocks = shape.blocks / measure.batch;
  std::vector<Sequence> sequences;
  for (std::size_t b = 0; b < measure.batch; ++b) {
    sequences.emplace_back(b * blocks, blocks);
    TRY(prefill(*model_.decoder, sequences[b],
                make_prompt(Measure::kPromptTokens, shape.vocabulary, b)));
  }
  return measure.work() / TRY(time_steps(sequences, measure.tokens));
}

Result<double> TimedModel::run_decode_at_context(const Measure& measure) {
  Sequence sequence(0, model_.decoder->shape().blocks);
  TRY(fill(sequence, measure.context));
  return measure.work() / TRY(time_steps({&sequence, 1}, measure.tokens));
}

// Computes the first step's worth of positions and copies them over the rest: how long attention
// takes does not depend on what it reads, only on memory that is really there.
Status TimedModel::fill(Sequence& sequence, std::size_t context) {
  const runtime::DecoderShape& shape = model_.decoder->shape();
  const std::size_t computed = std::min(context, shape.rows_max);
  TRY(prefill(*model_.decoder, sequence, make_prompt(computed, shape.vocabulary, 0)));
  const std::size_t computed_blocks = std::max<std::size_t>(computed / shape.block_tokens, 1);
  const std::size_t blocks = (context + shape.block_tokens - 1) / shape.block_tokens;
  for (std::size_t block = computed_blocks; block < blocks; ++block) {
    TRY(model_.decoder->copy_block(sequence.blocks()[block % computed_blocks],
                                   sequence.blocks()[block]));
  }
  sequence.move_to(context);
  return {};
}

Result<double> TimedModel::time_steps(std::span<Sequence> sequences, std::size_t steps) {
  const std::size_t vocabulary = model_.decoder->shape().vocabulary;
  std::vector<runtime::TokenId> last(sequences.size(), 17);
  std::vector<runtime::SequenceSlice> slices(sequences.size());
  std::int64_t started_ns = 0;
  for (std::size_t step = 0; step <= steps; ++step) {
    if (step == 1) started_ns = base::SystemClock().monotonic_ns();
    for (std::size_t s = 0; s < sequences.size(); ++s)
      slices[s] = sequences[s].slice({&last[s], 1}, true);
    const runtime::LogitRows rows = TRY(model_.decoder->forward(slices));
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      sequences[s].advance(1);
      last[s] = greedy(rows.logits.subspan(s * vocabulary, vocabulary));
    }
  }
  return seconds_since(started_ns);
}

}  // namespace bench
