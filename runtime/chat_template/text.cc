#include "runtime/chat_template/text.h"

#include <utility>

namespace runtime::chat_template {

Text::Text(std::string bytes, bool from_input) : bytes_(std::move(bytes)) {
  if (from_input) mark_all();
}

void Text::append(std::string_view bytes, bool from_input) {
  const std::size_t begin = bytes_.size();
  bytes_.append(bytes);
  if (from_input) mark(begin, bytes_.size());
}

void Text::append(const Text& other, std::size_t begin, std::size_t end) {
  other.for_each_piece(begin, end,
                       [this](std::string_view piece, bool marked) { append(piece, marked); });
}

void Text::mark_all() {
  input_.clear();
  if (!bytes_.empty()) input_.push_back({0, bytes_.size()});
}

void Text::mark(std::size_t begin, std::size_t end) {
  if (begin == end) return;
  if (!input_.empty() && input_.back().end == begin) {
    input_.back().end = end;
  } else {
    input_.push_back({begin, end});
  }
}

}  // namespace runtime::chat_template
