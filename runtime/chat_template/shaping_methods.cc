// String methods that make strings.
#include "runtime/chat_template/brace_format.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/methods.h"
#include "runtime/chat_template/run.h"
#include "runtime/chat_template/text_functions.h"

namespace runtime::chat_template {
namespace {

using TextFunction = base::Result<Value> (*)(Budget&, const Text&);

template <TextFunction function>
base::Result<Value> plain(Run& run, const Value& self, const Arguments& arguments) {
  TRY(Parameters::bind("the method", arguments, {}));
  return function(run.budget(), *self.text());
}

template <Side side>
base::Result<Value> strip_method(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("strip", arguments, {"chars"}));
  const bool any = given[0] != nullptr && !given[0]->is_none();
  const Text* characters = any ? TRY(text_argument("strip", given[0])) : nullptr;
  return strip(run.budget(), *self.text(), characters, side);
}

template <bool from_right>
base::Result<Value> split_method(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("split", arguments, {"sep", "maxsplit"}));
  SplitOptions options;
  options.from_right = from_right;
  if (given[0] != nullptr && !given[0]->is_none()) {
    options.separator = TRY(text_argument("split", given[0]));
  }
  options.splits_max = TRY(integer_argument(given[1], -1));
  return split(run.budget(), *self.text(), options);
}

base::Result<Value> splitlines(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("splitlines", arguments, {"keepends"}));
  return split_lines(run.budget(), *self.text(), given[0] != nullptr && given[0]->truthy());
}

template <bool from_right>
base::Result<Value> partition_method(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("partition", arguments, {"sep"}, 1));
  const Text* separator = TRY(text_argument("partition", given[0]));
  return partition(run.budget(), *self.text(), *separator, from_right);
}

base::Result<Value> replace_method(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("replace", arguments, {"old", "new", "count"}, 2));
  const Text* old = TRY(text_argument("replace", given[0]));
  const Text* with = TRY(text_argument("replace", given[1]));
  return replace(run.budget(), *self.text(), *old, *with, TRY(integer_argument(given[2], -1)));
}

base::Result<Value> join(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("join", arguments, {"iterable"}, 1));
  if (const Undefined* undefined = given[0]->as_undefined()) {
    if (undefined->hint == nullptr) return Value::text("");
  }
  const auto items = TRY(items_of(run.budget(), *given[0]));
  TextBuilder out(run.budget());
  bool later = false;
  for (const Value& item : items->items) {
    if (std::exchange(later, true)) TRY(out.append(*self.text()));
    TRY(out.append(*TRY(text_argument("join", &item))));
  }
  return out.finish();
}

template <Side side>
base::Result<Value> justify(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("justify", arguments, {"width", "fillchar"}, 1));
  const Text space(" ", false);
  const Text* fill = given[1] == nullptr ? &space : TRY(text_argument("justify", given[1]));
  if (TRY(length_of(run.budget(), given[1] == nullptr ? Value::text(" ") : *given[1])) != 1) {
    return base::invalid_input("the filling must be one character");
  }
  return pad(run.budget(), *self.text(), TRY(integer_argument(given[0], 0)), *fill, side);
}

base::Result<Value> zfill(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("zfill", arguments, {"width"}, 1));
  Budget& budget = run.budget();
  const std::int64_t width = TRY(integer_argument(given[0], 0));
  const Text& text = *self.text();
  const bool sign = text.bytes().starts_with('-') || text.bytes().starts_with('+');
  const Value digits = TRY(cut(budget, text, sign ? 1 : 0, text.size()));
  const std::int64_t digits_width = sign && width > 0 ? width - 1 : width;
  const Value filled =
      TRY(pad(budget, *digits.text(), digits_width, Text("0", false), Side::kRight));
  TextBuilder out(budget);
  TRY(out.append(text, 0, sign ? 1 : 0));
  TRY(out.append(*filled.text()));
  return out.finish();
}

base::Result<Value> removeprefix(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("removeprefix", arguments, {"prefix"}, 1));
  const Text& text = *self.text();
  const Text* prefix = TRY(text_argument("removeprefix", given[0]));
  const bool there = text.bytes().starts_with(prefix->bytes());
  return cut(run.budget(), text, there ? prefix->size() : 0, text.size());
}

base::Result<Value> removesuffix(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("removesuffix", arguments, {"suffix"}, 1));
  const Text& text = *self.text();
  const Text* suffix = TRY(text_argument("removesuffix", given[0]));
  const bool there = text.bytes().ends_with(suffix->bytes());
  return cut(run.budget(), text, 0, text.size() - (there ? suffix->size() : 0));
}

base::Result<Value> format(Run& run, const Value& self, const Arguments& arguments) {
  return format_braces(run.budget(), *self.text(), arguments);
}

base::Result<Value> not_here(Run&, const Value&, const Arguments&) {
  return base::unsupported("this method of str");
}

constexpr MethodEntry kMethods[] = {
    {"capitalize", plain<capitalize>},
    {"casefold", not_here},
    {"center", justify<Side::kBoth>},
    {"encode", not_here},
    {"expandtabs", not_here},
    {"format", format},
    {"format_map", not_here},
    {"join", join},
    {"ljust", justify<Side::kLeft>},
    {"lower", plain<lower>},
    {"lstrip", strip_method<Side::kLeft>},
    {"maketrans", not_here},
    {"partition", partition_method<false>},
    {"removeprefix", removeprefix},
    {"removesuffix", removesuffix},
    {"replace", replace_method},
    {"rjust", justify<Side::kRight>},
    {"rpartition", partition_method<true>},
    {"rsplit", split_method<true>},
    {"rstrip", strip_method<Side::kRight>},
    {"split", split_method<false>},
    {"splitlines", splitlines},
    {"strip", strip_method<Side::kBoth>},
    {"swapcase", plain<swap_case>},
    {"title", plain<title_letters>},
    {"translate", not_here},
    {"upper", plain<upper>},
    {"zfill", zfill},
};

}  // namespace

std::span<const MethodEntry> shaping_methods() {
  return kMethods;
}

}  // namespace runtime::chat_template
