// What Python's str can do, on marked text: shared by methods and filters.
#ifndef RUNTIME_CHAT_TEMPLATE_TEXT_FUNCTIONS_H_
#define RUNTIME_CHAT_TEMPLATE_TEXT_FUNCTIONS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "hardening/base/result.h"
#include "hardening/base/utf8.h"
#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

inline constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

enum class Side : std::uint8_t { kBoth, kLeft, kRight };

// The bytes [begin, end) as a value.
base::Result<Value> cut(Budget& budget, const Text& text, std::size_t begin, std::size_t end);
// Without the white space, or without any of `characters`, at the sides.
base::Result<Value> strip(Budget& budget, const Text& text, const Text* characters, Side side);

struct SplitOptions {
  const Text* separator = nullptr;  // null: runs of white space
  std::int64_t splits_max = kNoLimit;
  bool from_right = false;
};
base::Result<Value> split(Budget& budget, const Text& text, const SplitOptions& options);
base::Result<Value> split_lines(Budget& budget, const Text& text, bool keep_ends);
// (before, separator, after), around the first or the last occurrence.
base::Result<Value> partition(Budget& budget, const Text& text, const Text& separator,
                              bool from_right);
base::Result<Value> replace(Budget& budget, const Text& text, const Text& old, const Text& with,
                            std::int64_t count);

// Case. title_words is the filter (words end at white space and brackets), title_letters the
// method.
base::Result<Value> upper(Budget& budget, const Text& text);
base::Result<Value> lower(Budget& budget, const Text& text);
base::Result<Value> swap_case(Budget& budget, const Text& text);
base::Result<Value> capitalize(Budget& budget, const Text& text);
base::Result<Value> title_words(Budget& budget, const Text& text);
base::Result<Value> title_letters(Budget& budget, const Text& text);

// Filled up to `width` characters; `side` is where the text goes.
base::Result<Value> pad(Budget& budget, const Text& text, std::int64_t width, const Text& fill,
                        Side side);

// Appends f(out, character) for each character; what a character becomes has its mark.
template <typename F>
base::Result<Value> map_characters(Budget& budget, const Text& text, F&& f) {
  TRY(budget.touch(text.size()));
  Text mapped;
  std::string out;
  text.for_each_piece(0, text.size(), [&](std::string_view piece, bool from_input) {
    out.clear();
    for (std::size_t at = 0; at < piece.size();) {
      const auto c = base::decode_utf8(piece.substr(at));
      f(out, c.code_point);
      at += c.bytes;
    }
    mapped.append(out, from_input);
  });
  TRY(budget.check_string(mapped.size()));
  TRY(budget.touch(mapped.size()));
  return Value::text(std::move(mapped));
}

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_TEXT_FUNCTIONS_H_
