#include "runtime/chat_template/callables.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/check.h"

namespace runtime::chat_template {

base::Result<Parameters> Parameters::bind(std::string_view function, const Arguments& arguments,
                                          std::initializer_list<std::string_view> names,
                                          std::size_t required) {
  CHECK(names.size() <= kCountMax);
  Parameters bound;
  if (arguments.positional.size() > names.size()) {
    return base::invalid_input(fmt::format("{} takes at most {} arguments, {} given", function,
                                           names.size(), arguments.positional.size()));
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    bound.values_[i] = &arguments.positional[i];
  }
  for (const auto& [name, value] : arguments.named) {
    const auto* found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      return base::invalid_input(fmt::format("{} has no parameter \"{:.64}\"", function, name));
    }
    const Value*& slot = bound.values_[static_cast<std::size_t>(found - names.begin())];
    if (slot != nullptr) {
      return base::invalid_input(fmt::format("{}: \"{}\" is given twice", function, name));
    }
    slot = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (bound.values_[i] == nullptr) {
      return base::invalid_input(
          fmt::format("{} misses its argument \"{}\"", function, names.begin()[i]));
    }
  }
  return bound;
}

base::Result<std::int64_t> integer_argument(const Value* value, std::int64_t fallback) {
  if (value == nullptr) return fallback;
  if (!value->is_integral()) {
    return base::invalid_input(
        fmt::format("an integer is needed where {} is given", value->type_name()));
  }
  return value->integral();
}

base::Result<const Text*> text_argument(std::string_view function, const Value* value) {
  if (value == nullptr || value->text() == nullptr) {
    return base::invalid_input(
        fmt::format("{} needs a string, not {}", function,
                    value == nullptr ? std::string_view("nothing") : value->type_name()));
  }
  return value->text();
}

bool is_known_elsewhere(std::string_view name) {
  constexpr std::string_view kNames[] = {"filesizeformat", "forceescape", "groupby",   "pprint",
                                         "random",         "slice",       "striptags", "urlencode",
                                         "urlize",         "wordwrap",    "xmlattr"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

}  // namespace runtime::chat_template
