#include "runtime/chat_template/text_functions.h"

#include <algorithm>

#include "runtime/chat_template/search.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

std::u32string sorted_characters(const Text& characters) {
  std::u32string sorted;
  const std::string_view bytes = characters.bytes();
  for (std::size_t at = 0; at < bytes.size();) {
    const auto c = base::decode_utf8(bytes.substr(at));
    sorted += c.code_point;
    at += c.bytes;
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// A word separator of the filter "title".
bool separates(char32_t c) {
  return c == U'-' || c == U'(' || c == U'{' || c == U'[' || c == U'<' || is_space(c);
}

base::Result<Value> insert_between(Budget& budget, const Text& text, const Text& with,
                                   std::int64_t count) {
  TextBuilder out(budget);
  const std::string_view bytes = text.bytes();
  std::size_t at = 0;
  for (; count > 0; --count) {
    TRY(out.append(with));
    if (at == bytes.size()) break;
    const std::size_t next = at + base::decode_utf8(bytes.substr(at)).bytes;
    TRY(out.append(text, at, next));
    at = next;
  }
  TRY(out.append(text, at, bytes.size()));
  return out.finish();
}

}  // namespace

base::Result<Value> cut(Budget& budget, const Text& text, std::size_t begin, std::size_t end) {
  TextBuilder out(budget);
  TRY(out.append(text, begin, end));
  return out.finish();
}

base::Result<Value> strip(Budget& budget, const Text& text, const Text* characters, Side side) {
  TRY(budget.touch(characters == nullptr ? 0 : 8 * characters->size()));
  const std::u32string set = characters == nullptr ? U"" : sorted_characters(*characters);
  const auto goes = [&](char32_t c) {
    return characters == nullptr ? is_space(c) : std::binary_search(set.begin(), set.end(), c);
  };
  const std::string_view bytes = text.bytes();
  std::size_t begin = 0;
  std::size_t end = bytes.size();
  while (side != Side::kRight && begin < end) {
    const auto c = base::decode_utf8(bytes.substr(begin));
    if (!goes(c.code_point)) break;
    begin += c.bytes;
  }
  while (side != Side::kLeft && begin < end) {
    const std::size_t last = previous_character(bytes, end);
    if (!goes(base::decode_utf8(bytes.substr(last)).code_point)) break;
    end = last;
  }
  TRY(budget.touch(bytes.size() - (end - begin)));
  return cut(budget, text, begin, end);
}

base::Result<Value> replace(Budget& budget, const Text& text, const Text& old, const Text& with,
                            std::int64_t count) {
  if (count < 0) count = kNoLimit;
  if (old.empty()) return insert_between(budget, text, with, count);
  TextBuilder out(budget);
  std::size_t at = 0;
  for (; count > 0; --count) {
    const std::size_t found = TRY(find_forward(budget, text.bytes(), old.bytes(), at));
    if (found == std::string::npos) break;
    TRY(out.append(text, at, found));
    TRY(out.append(with));
    at = found + old.size();
  }
  TRY(out.append(text, at, text.size()));
  return out.finish();
}

base::Result<Value> upper(Budget& budget, const Text& text) {
  return map_characters(budget, text, append_upper);
}

base::Result<Value> lower(Budget& budget, const Text& text) {
  return map_characters(budget, text,
                        [](std::string& out, char32_t c) { base::append_utf8(out, to_lower(c)); });
}

base::Result<Value> swap_case(Budget& budget, const Text& text) {
  return map_characters(budget, text, [](std::string& out, char32_t c) {
    if (is_upper(c)) {
      base::append_utf8(out, to_lower(c));
    } else {
      append_upper(out, c);
    }
  });
}

base::Result<Value> capitalize(Budget& budget, const Text& text) {
  return map_characters(budget, text, [first = true](std::string& out, char32_t c) mutable {
    if (std::exchange(first, false)) {
      append_upper(out, c);
    } else {
      base::append_utf8(out, to_lower(c));
    }
  });
}

base::Result<Value> title_words(Budget& budget, const Text& text) {
  return map_characters(budget, text, [after = true](std::string& out, char32_t c) mutable {
    const bool separator = separates(c);
    if (after && !separator) {
      append_upper(out, c);
    } else {
      base::append_utf8(out, to_lower(c));
    }
    after = separator;
  });
}

base::Result<Value> title_letters(Budget& budget, const Text& text) {
  return map_characters(budget, text, [after = false](std::string& out, char32_t c) mutable {
    if (after) {
      base::append_utf8(out, to_lower(c));
    } else {
      append_upper(out, c);
    }
    after = is_upper(c) || is_lower(c);
  });
}

base::Result<Value> pad(Budget& budget, const Text& text, std::int64_t width, const Text& fill,
                        Side side) {
  TRY(budget.touch(text.size()));
  const auto length = static_cast<std::int64_t>(count_characters(text.bytes()));
  const std::int64_t missing = std::max<std::int64_t>(width - length, 0);
  // An odd space in the middle goes where Python puts it.
  const std::int64_t middle = missing / 2 + (missing & width & 1);
  const std::int64_t before = side == Side::kLeft ? 0 : side == Side::kRight ? missing : middle;
  TextBuilder out(budget);
  TRY(out.append_repeated(fill, static_cast<std::size_t>(before)));
  TRY(out.append(text));
  TRY(out.append_repeated(fill, static_cast<std::size_t>(missing - before)));
  return out.finish();
}

}  // namespace runtime::chat_template
