// A decoder that answers every prompt with one word and the end token: for tests of what is made of
// answers.
#ifndef TESTS_DAEMON_ENGINE_SPELLING_DECODER_H_
#define TESTS_DAEMON_ENGINE_SPELLING_DECODER_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace daemon_engine {

// What follows a letter is the next one of the word; prompts end in a letter that is not of the
// word, and no letter is in it twice.
class SpellingDecoder final : public runtime::Decoder {
 public:
  explicit SpellingDecoder(const runtime::DecoderShape& shape) : shape_(shape) {}

  void answers_with(std::string_view word) {
    next_.clear();
    for (std::size_t i = 0; i < word.size(); ++i) {
      next_[letter(word[i])] =
          i + 1 < word.size() ? letter(word[i + 1]) : runtime::SmallTokenizer::kEos;
    }
    first_ = letter(word[0]);
  }

  const runtime::DecoderShape& shape() const override { return shape_; }
  base::Status copy_block(std::int32_t, std::int32_t) override { return {}; }

  base::Result<runtime::LogitRows> forward(
      std::span<const runtime::SequenceSlice> slices) override {
    logits_.clear();
    std::size_t rows = 0;
    for (const auto& slice : slices) {
      for (std::size_t i = slice.tokens.size() - slice.logits_count; i < slice.tokens.size();
           ++i, ++rows) {
        const auto known = next_.find(slice.tokens[i]);
        logits_.resize((rows + 1) * shape_.vocabulary, 0.0F);
        logits_[rows * shape_.vocabulary +
                static_cast<std::size_t>(known != next_.end() ? known->second : first_)] = 1;
      }
    }
    max_.assign(rows, 1.0F);
    log_sum_exp_.assign(rows, 0.0F);
    return runtime::LogitRows{logits_, max_, log_sum_exp_};
  }

 private:
  static runtime::TokenId letter(char c) { return runtime::SmallTokenizer::kLetterA + (c - 'a'); }

  runtime::DecoderShape shape_;
  std::map<runtime::TokenId, runtime::TokenId> next_;
  runtime::TokenId first_ = runtime::SmallTokenizer::kLetterA;
  std::vector<float> logits_;
  std::vector<float> max_;
  std::vector<float> log_sum_exp_;
};

}  // namespace daemon_engine

#endif  // TESTS_DAEMON_ENGINE_SPELLING_DECODER_H_
