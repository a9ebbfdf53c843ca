// Finding text within text in time that the budget knows: linear forward, paid by the candidate
// backward.
#ifndef RUNTIME_CHAT_TEMPLATE_SEARCH_H_
#define RUNTIME_CHAT_TEMPLATE_SEARCH_H_

#include <cstddef>
#include <string_view>

#include "hardening/base/result.h"
#include "runtime/chat_template/budget.h"

namespace runtime::chat_template {

// The first occurrence that begins at byte `from` or later, or npos.
base::Result<std::size_t> find_forward(Budget& budget, std::string_view text,
                                       std::string_view wanted, std::size_t from = 0);
// The last occurrence that ends at byte `to` or earlier, or npos.
base::Result<std::size_t> find_backward(Budget& budget, std::string_view text,
                                        std::string_view wanted, std::size_t to);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_SEARCH_H_
