// The filters, by what they work on. find_filter looks through all of them.
#ifndef RUNTIME_CHAT_TEMPLATE_FILTERS_H_
#define RUNTIME_CHAT_TEMPLATE_FILTERS_H_

#include <span>

#include "runtime/chat_template/callables.h"

namespace runtime::chat_template {

std::span<const Filter> text_filters();       // trim, upper, replace, indent, …
std::span<const Filter> value_filters();      // default, int, round, tojson, …
std::span<const Filter> sequence_filters();   // first, join, sort, unique, …
std::span<const Filter> selection_filters();  // map, select, rejectattr, …

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_FILTERS_H_
