// BERT's way to normalise a text and to cut it into words.
#ifndef RUNTIME_TOKENIZER_BERT_WORDS_H_
#define RUNTIME_TOKENIZER_BERT_WORDS_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace runtime {

struct BertNormalization {
  bool lowercase = true;
  bool strip_accents = true;
};

// Hands out the words of a text one after the other. Control characters and bytes that are not
// UTF-8 are dropped; each punctuation mark and each Chinese character is a word of its own.
class BertWords {
 public:
  // Borrows the text.
  BertWords(std::string_view text, const BertNormalization& normalization)
      : text_(text), normalization_(normalization) {}

  // Whether there is another word; it is in word() then.
  bool next();

  const std::string& word() const { return word_; }  // UTF-8, not empty
  std::size_t characters() const { return characters_; }

 private:
  bool take(char32_t character);

  std::string_view text_;
  BertNormalization normalization_;
  std::u32string pending_;  // normalised characters not yet in a word
  std::size_t pending_begin_ = 0;
  std::string word_;
  std::size_t characters_ = 0;
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_BERT_WORDS_H_
