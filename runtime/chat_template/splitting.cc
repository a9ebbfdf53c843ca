// Cutting text into pieces.
#include <algorithm>

#include "runtime/chat_template/search.h"
#include "runtime/chat_template/text_functions.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

struct Span {
  std::size_t begin;
  std::size_t end;
};

base::Result<Value> list_of(Budget& budget, const Text& text, const std::vector<Span>& spans) {
  ListBuilder list(budget);
  for (const auto& [begin, end] : spans) {
    TRY(budget.step());
    TRY(list.add(TRY(cut(budget, text, begin, end))));
  }
  return list.finish_value();
}

// Of the white space (or, with `space` false, the rest) that begins at `at`, where it ends.
std::size_t run_end(std::string_view bytes, std::size_t at, bool space) {
  while (at < bytes.size()) {
    const auto c = base::decode_utf8(bytes.substr(at));
    if (is_space(c.code_point) != space) break;
    at += c.bytes;
  }
  return at;
}

std::size_t run_begin(std::string_view bytes, std::size_t at, bool space) {
  while (at > 0) {
    const std::size_t before = previous_character(bytes, at);
    if (is_space(base::decode_utf8(bytes.substr(before)).code_point) != space) break;
    at = before;
  }
  return at;
}

// The words; once `splits` are done the rest is one word, without the space on the side it is read
// from.
std::vector<Span> words(std::string_view bytes, std::int64_t splits) {
  std::vector<Span> spans;
  for (std::size_t at = run_end(bytes, 0, true); at < bytes.size();) {
    const std::size_t end = splits-- > 0 ? run_end(bytes, at, false) : bytes.size();
    spans.push_back({at, end});
    at = run_end(bytes, end, true);
  }
  return spans;
}

std::vector<Span> words_from_right(std::string_view bytes, std::int64_t splits) {
  std::vector<Span> spans;
  for (std::size_t at = run_begin(bytes, bytes.size(), true); at > 0;) {
    const std::size_t begin = splits-- > 0 ? run_begin(bytes, at, false) : 0;
    spans.push_back({begin, at});
    at = run_begin(bytes, begin, true);
  }
  std::reverse(spans.begin(), spans.end());
  return spans;
}

base::Result<std::vector<Span>> pieces(Budget& budget, std::string_view bytes,
                                       std::string_view separator, std::int64_t splits) {
  std::vector<Span> spans;
  std::size_t at = 0;
  for (; splits > 0; --splits) {
    const std::size_t found = TRY(find_forward(budget, bytes, separator, at));
    if (found == bytes.npos) break;
    spans.push_back({at, found});
    at = found + separator.size();
  }
  spans.push_back({at, bytes.size()});
  return spans;
}

base::Result<std::vector<Span>> pieces_from_right(Budget& budget, std::string_view bytes,
                                                  std::string_view separator, std::int64_t splits) {
  std::vector<Span> spans;
  std::size_t end = bytes.size();
  for (; splits > 0; --splits) {
    const std::size_t found = TRY(find_backward(budget, bytes, separator, end));
    if (found == bytes.npos) break;
    spans.push_back({found + separator.size(), end});
    end = found;
  }
  spans.push_back({0, end});
  std::reverse(spans.begin(), spans.end());
  return spans;
}

}  // namespace

base::Result<Value> split(Budget& budget, const Text& text, const SplitOptions& options) {
  const std::int64_t splits = options.splits_max < 0 ? kNoLimit : options.splits_max;
  const std::string_view bytes = text.bytes();
  TRY(budget.touch(bytes.size()));
  if (options.separator == nullptr) {
    return list_of(budget, text,
                   options.from_right ? words_from_right(bytes, splits) : words(bytes, splits));
  }
  const std::string_view separator = options.separator->bytes();
  if (separator.empty()) return base::invalid_input("the separator of split is empty");
  const auto spans = options.from_right ? TRY(pieces_from_right(budget, bytes, separator, splits))
                                        : TRY(pieces(budget, bytes, separator, splits));
  return list_of(budget, text, spans);
}

base::Result<Value> split_lines(Budget& budget, const Text& text, bool keep_ends) {
  TRY(budget.touch(text.size()));
  const std::string_view bytes = text.bytes();
  std::vector<Span> spans;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto c = base::decode_utf8(bytes.substr(at));
    const std::size_t end = at;
    at += c.bytes;
    if (!is_line_break(c.code_point)) continue;
    if (c.code_point == U'\r' && at < bytes.size() && bytes[at] == '\n') ++at;
    spans.push_back({begin, keep_ends ? at : end});
    begin = at;
  }
  if (begin < bytes.size()) spans.push_back({begin, bytes.size()});
  return list_of(budget, text, spans);
}

base::Result<Value> partition(Budget& budget, const Text& text, const Text& separator,
                              bool from_right) {
  if (separator.empty()) return base::invalid_input("the separator of partition is empty");
  const std::size_t size = text.size();
  const std::size_t found = from_right
                                ? TRY(find_backward(budget, text.bytes(), separator.bytes(), size))
                                : TRY(find_forward(budget, text.bytes(), separator.bytes()));
  const bool missing = found == std::string::npos;
  const std::size_t begin = missing ? (from_right ? 0 : size) : found;
  const std::size_t end = missing ? begin : found + separator.size();
  ListBuilder parts(budget, Sequence::Flavor::kTuple);
  TRY(parts.add(TRY(cut(budget, text, 0, begin))));
  TRY(parts.add(TRY(cut(budget, text, begin, end))));
  TRY(parts.add(TRY(cut(budget, text, end, size))));
  return parts.finish_value();
}

}  // namespace runtime::chat_template
