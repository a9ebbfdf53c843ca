#include "runtime/chat_template/sorting.h"

#include <algorithm>
#include <numeric>

#include "runtime/chat_template/operators.h"

namespace runtime::chat_template {

// Merge sort from the bottom up.
base::Result<std::vector<std::size_t>> sorted_order(Budget& budget, const std::vector<Value>& keys,
                                                    bool reverse) {
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<std::size_t> merged(keys.size());
  for (std::size_t width = 1; width < keys.size(); width *= 2) {
    for (std::size_t begin = 0; begin < keys.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, keys.size());
      const std::size_t end = std::min(begin + 2 * width, keys.size());
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t out = begin; out < end; ++out) {
        bool from_right = left == middle;
        if (!from_right && right < end) {
          TRY(budget.step());
          const Value& a = keys[order[left]];
          const Value& b = keys[order[right]];
          from_right = reverse ? TRY(less(budget, a, b)) : TRY(less(budget, b, a));
        }
        merged[out] = order[from_right ? right++ : left++];
      }
    }
    order.swap(merged);
  }
  return order;
}

}  // namespace runtime::chat_template
