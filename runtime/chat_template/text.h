// A string that knows which of its bytes came from a request.
//
// Marks travel with the bytes through every operation of a template: whatever is cut out of, put
// between or joined to a user's text, the user's bytes stay marked, so a control token they wrote
// stays text.
#ifndef RUNTIME_CHAT_TEMPLATE_TEXT_H_
#define RUNTIME_CHAT_TEMPLATE_TEXT_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace runtime::chat_template {

class Text {
 public:
  struct Range {
    std::size_t begin;
    std::size_t end;
  };

  Text() = default;
  Text(std::string bytes, bool from_input);

  const std::string& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  bool has_input() const { return !input_.empty(); }
  // The marked bytes: sorted, never empty, never touching. No ranges, or one over everything, is
  // the usual case.
  const std::vector<Range>& input_ranges() const { return input_; }

  void append(std::string_view bytes, bool from_input);
  void append(const Text& other) { append(other, 0, other.size()); }
  // Appends the bytes [begin, end) of `other`, which must be another object.
  void append(const Text& other, std::size_t begin, std::size_t end);
  void mark_all();

  // Calls f(std::string_view piece, bool from_input) for the pieces of [begin, end), in order.
  template <typename F>
  void for_each_piece(std::size_t begin, std::size_t end, F&& f) const;

 private:
  void mark(std::size_t begin, std::size_t end);

  std::string bytes_;
  std::vector<Range> input_;
};

template <typename F>
void Text::for_each_piece(std::size_t begin, std::size_t end, F&& f) const {
  const std::string_view all = bytes_;
  auto range = std::upper_bound(input_.begin(), input_.end(), begin,
                                [](std::size_t at, const Range& r) { return at < r.end; });
  while (begin < end) {
    const bool marked = range != input_.end() && range->begin <= begin;
    const std::size_t border = range == input_.end() ? end : marked ? range->end : range->begin;
    const std::size_t stop = std::min(border, end);
    f(all.substr(begin, stop - begin), marked);
    if (marked) ++range;
    begin = stop;
  }
}

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_TEXT_H_
