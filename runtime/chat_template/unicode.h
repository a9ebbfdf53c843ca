// What templates ask about characters, in the terms of Python's str: positions are code points.
//
// Case follows the one-to-one mappings of Unicode 14. Of the few characters whose upper case is
// several characters only U+00DF is treated ("ß" becomes "SS"); a sigma at the end of a word is
// lowered like any other.
#ifndef RUNTIME_CHAT_TEMPLATE_UNICODE_H_
#define RUNTIME_CHAT_TEMPLATE_UNICODE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace runtime::chat_template {

bool is_space(char32_t c);       // str.isspace and the \s of re
bool is_line_break(char32_t c);  // what str.splitlines splits at
bool is_printable(
    char32_t c);  // what repr shows as it is; unassigned code points count as printable
inline bool is_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}

char32_t to_upper(char32_t c);
char32_t to_lower(char32_t c);
inline bool is_upper(char32_t c) {
  return to_lower(c) != c;
}
inline bool is_lower(char32_t c) {
  return to_upper(c) != c || c == U'\u00DF';
}
void append_upper(std::string& out, char32_t c);
// At least one letter of that case, and none of the other.
bool is_upper_text(std::string_view text);
bool is_lower_text(std::string_view text);

std::size_t count_characters(std::string_view text);
// The byte at which character number `index` begins; text.size() when there are no more than
// `index`.
std::size_t byte_offset(std::string_view text, std::size_t index);
// The byte at which the character before `offset` begins. Requires 0 < offset <= text.size().
std::size_t previous_character(std::string_view text, std::size_t offset);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_UNICODE_H_
