// The properties of characters that tokenizers ask for. Data: Unicode 14.0.
#ifndef RUNTIME_TOKENIZER_UNICODE_PROPERTIES_H_
#define RUNTIME_TOKENIZER_UNICODE_PROPERTIES_H_

#include <string>

namespace runtime {

bool is_white_space(char32_t character);      // the White_Space property
bool is_control(char32_t character);          // general categories Cc, Cf, Co
bool is_punctuation(char32_t character);      // P*
bool is_nonspacing_mark(char32_t character);  // Mn
bool is_number(char32_t character);           // N*
bool is_decimal_digit(char32_t character);    // Nd

// Appends the full canonical decomposition (UAX #15, without the reordering of marks).
void append_decomposed(std::u32string& out, char32_t character);

// Appends the lower-case form: one character, or two for U+0130.
void append_lowercase(std::u32string& out, char32_t character);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_UNICODE_PROPERTIES_H_
