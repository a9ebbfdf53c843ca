// Walking through values, and picking items out of them.
#ifndef RUNTIME_CHAT_TEMPLATE_ITERATION_H_
#define RUNTIME_CHAT_TEMPLATE_ITERATION_H_

#include <cstddef>
#include <memory>
#include <optional>

#include "hardening/base/result.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

bool is_iterable(const Value& value);
// All items a loop over `value` would meet; an iterator is used up by it. Fails when it is not
// iterable.
base::Result<std::shared_ptr<const Sequence>> items_of(Budget& budget, const Value& value);
// What len() returns; fails for what has no length.
base::Result<std::size_t> length_of(Budget& budget, const Value& value);
bool has_length(const Value& value);

// value.name and value[index] as Jinja resolves them: what is not there is undefined, not an error,
// unless `value` itself is undefined. Attributes prefer methods, subscripts prefer entries.
base::Result<Value> attribute_of(Budget& budget, const Value& value, std::string_view name);
base::Result<Value> item_of(Budget& budget, const Value& value, const Value& index);

// value[start:stop:step], each part absent or none where it was left out.
struct SliceBounds {
  std::optional<std::int64_t> start;
  std::optional<std::int64_t> stop;
  std::optional<std::int64_t> step;
};
base::Result<Value> slice_of(Budget& budget, const Value& value, const SliceBounds& bounds);

// The error that using an undefined value gives.
base::Error undefined_error(const Undefined& undefined);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_ITERATION_H_
