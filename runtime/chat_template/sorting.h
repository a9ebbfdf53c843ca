// Sorting where a comparison can fail: std::sort may not be given such a one.
#ifndef RUNTIME_CHAT_TEMPLATE_SORTING_H_
#define RUNTIME_CHAT_TEMPLATE_SORTING_H_

#include <cstddef>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

// The indices of `keys` in ascending (or descending) order of the keys; equal keys keep their order
// either way.
base::Result<std::vector<std::size_t>> sorted_order(Budget& budget, const std::vector<Value>& keys,
                                                    bool reverse);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_SORTING_H_
