#include "runtime/chat_template/methods.h"

namespace runtime::chat_template {
namespace {

const MethodEntry* find_in(std::span<const MethodEntry> methods, std::string_view name) {
  for (const MethodEntry& method : methods) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

}  // namespace

const MethodEntry* find_method(const Value& receiver, std::string_view name) {
  if (receiver.text() != nullptr) {
    const MethodEntry* shaping = find_in(shaping_methods(), name);
    return shaping != nullptr ? shaping : find_in(matching_methods(), name);
  }
  if (receiver.dict() != nullptr) return find_in(dict_methods(), name);
  if (const Sequence* sequence = receiver.sequence()) {
    const bool list = sequence->flavor == Sequence::Flavor::kList;
    return find_in(list ? list_methods() : tuple_methods(), name);
  }
  return nullptr;
}

}  // namespace runtime::chat_template
