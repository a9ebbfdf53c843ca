// The bytes of every token, side by side.
#ifndef RUNTIME_TOKENIZER_PIECE_TABLE_H_
#define RUNTIME_TOKENIZER_PIECE_TABLE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/token.h"

namespace runtime {

class PieceTable {
 public:
  // Appends the piece of the next token id.
  void add(std::string_view piece) {
    bytes_ += piece;
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    longest_ = std::max(longest_, piece.size());
  }

  // Requires an id that was added. Lives as long as the table does not grow.
  std::string_view operator[](TokenId token) const {
    const auto index = static_cast<std::size_t>(token);
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(bytes_).substr(begin, ends_[index] - begin);
  }

  std::size_t longest_bytes() const { return longest_; }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_;
  std::size_t longest_ = 0;
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_PIECE_TABLE_H_
