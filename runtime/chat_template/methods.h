// The methods of strings and containers. find_method looks through them.
#ifndef RUNTIME_CHAT_TEMPLATE_METHODS_H_
#define RUNTIME_CHAT_TEMPLATE_METHODS_H_

#include <span>

#include "runtime/chat_template/callables.h"

namespace runtime::chat_template {

std::span<const MethodEntry> shaping_methods();   // of strings: strip, split, upper, join, …
std::span<const MethodEntry> matching_methods();  // of strings: find, startswith, isdigit, …
// Without a function to call: methods that would change their receiver.
std::span<const MethodEntry> list_methods();
std::span<const MethodEntry> tuple_methods();
std::span<const MethodEntry> dict_methods();

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_METHODS_H_
