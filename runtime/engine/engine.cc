#include "runtime/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/engine/engine_core.h"
#include "runtime/engine/limits.h"

namespace runtime {
namespace {

using base::invalid_input;
using base::Status;

Status check_option(std::string_view name, std::size_t value, std::size_t max) {
  if (value >= 1 && value <= max) return {};
  return invalid_input(fmt::format("{} is {}, allowed is 1 to {}", name, value, max));
}

Status check_shape(const DecoderShape& shape, const Tokenizer& tokenizer) {
  if (shape.block_tokens == 0 || shape.blocks == 0 || shape.context_tokens_max == 0) {
    return invalid_input("the decoder has no place for a sequence");
  }
  const std::size_t vocabulary = tokenizer.vocabulary_size();
  TRY(check_option("the vocabulary", vocabulary, limits::kSampledVocabularyMax));
  if (vocabulary <= shape.vocabulary) return {};
  return invalid_input(
      fmt::format("the tokenizer has {} tokens, the model only {}", vocabulary, shape.vocabulary));
}

}  // namespace

base::Result<std::unique_ptr<Engine>> Engine::create(const EngineOptions& options, Decoder& decoder,
                                                     const Tokenizer& tokenizer) {
  const DecoderShape& shape = decoder.shape();
  TRY(check_shape(shape, tokenizer));
  EngineOptions checked = options;
  checked.step_tokens_max = std::min(options.step_tokens_max, shape.rows_max);
  TRY(check_option("queue_max", options.queue_max, limits::kQueueMax));
  TRY(check_option("step_tokens_max", checked.step_tokens_max, shape.rows_max));
  // Every running sequence has a row in every step, or the youngest would wait for ever.
  TRY(check_option(
      "sequences_max", options.sequences_max,
      std::min({checked.step_tokens_max, shape.logit_rows_max, limits::kSequencesMax})));
  return std::unique_ptr<Engine>(std::make_unique<EngineCore>(checked, decoder, tokenizer));
}

}  // namespace runtime
