#include "runtime/chat_template/search.h"

#include <cstring>

namespace runtime::chat_template {

base::Result<std::size_t> find_forward(Budget& budget, std::string_view text,
                                       std::string_view wanted, std::size_t from) {
  if (wanted.size() > text.size() - from) return std::string_view::npos;
  if (wanted.empty()) return from;
  // glibc's memmem is linear in the worst case (two-way search); std::string_view::find is not.
  const void* found = memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  const std::size_t at =
      found == nullptr ? text.npos
                       : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
  const std::size_t walked = (found == nullptr ? text.size() : at) - from;
  TRY(budget.touch(walked + 2 * wanted.size()));
  return at;
}

base::Result<std::size_t> find_backward(Budget& budget, std::string_view text,
                                        std::string_view wanted, std::size_t to) {
  if (wanted.size() > to) return text.npos;
  if (wanted.empty()) return to;
  TRY(budget.touch(to));
  std::size_t candidates = to - wanted.size() + 1;
  while (candidates > 0) {
    const void* first = memrchr(text.data(), wanted.front(), candidates);
    if (first == nullptr) return text.npos;
    const auto at = static_cast<std::size_t>(static_cast<const char*>(first) - text.data());
    TRY(budget.touch(wanted.size()));
    if (text.substr(at, wanted.size()) == wanted) return at;
    candidates = at;
  }
  return text.npos;
}

}  // namespace runtime::chat_template
