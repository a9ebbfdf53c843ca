#include "runtime/chat_template/filters.h"

namespace runtime::chat_template {

const Filter* find_filter(std::string_view name) {
  for (const auto filters :
       {text_filters(), value_filters(), sequence_filters(), selection_filters()}) {
    for (const Filter& filter : filters) {
      if (filter.name == name) return &filter;
    }
  }
  return nullptr;
}

}  // namespace runtime::chat_template
