// String methods that answer with a number or a truth.
#include <algorithm>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/methods.h"
#include "runtime/chat_template/run.h"
#include "runtime/chat_template/search.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

// The part of the text that "start" and "end" leave, in bytes; nothing when start is behind the end
// of it all.
struct Window {
  std::size_t begin;
  std::size_t end;
};

base::Result<std::optional<Window>> window_of(Budget& budget, std::string_view text,
                                              const Value* start, const Value* end) {
  TRY(budget.touch(text.size()));
  const auto length = static_cast<std::int64_t>(count_characters(text));
  const auto place = [&](const Value* given, std::int64_t fallback) -> base::Result<std::int64_t> {
    if (given == nullptr || given->is_none()) return fallback;
    const std::int64_t at = TRY(integer_argument(given, fallback));
    return at < 0 ? std::max<std::int64_t>(at + length, 0) : at;
  };
  const std::int64_t first = TRY(place(start, 0));
  const std::int64_t last = std::min(TRY(place(end, length)), length);
  if (first > length || last < first) return std::optional<Window>();
  return std::optional(Window{byte_offset(text, static_cast<std::size_t>(first)),
                              byte_offset(text, static_cast<std::size_t>(last))});
}

// The character index of the first or last occurrence, or -1.
base::Result<std::int64_t> find_index(Run& run, const Value& self, const Arguments& arguments,
                                      bool backward) {
  const auto given = TRY(Parameters::bind("find", arguments, {"sub", "start", "end"}, 1));
  const std::string_view wanted = TRY(text_argument("find", given[0]))->bytes();
  const std::string_view text = self.text()->bytes();
  const auto window = TRY(window_of(run.budget(), text, given[1], given[2]));
  if (!window) return -1;
  const std::string_view seen = text.substr(window->begin, window->end - window->begin);
  const std::size_t found = backward ? TRY(find_backward(run.budget(), seen, wanted, seen.size()))
                                     : TRY(find_forward(run.budget(), seen, wanted));
  if (found == seen.npos) return -1;
  return static_cast<std::int64_t>(count_characters(text.substr(0, window->begin + found)));
}

template <bool backward>
base::Result<Value> find(Run& run, const Value& self, const Arguments& arguments) {
  return Value::integer(TRY(find_index(run, self, arguments, backward)));
}

template <bool backward>
base::Result<Value> index(Run& run, const Value& self, const Arguments& arguments) {
  const std::int64_t found = TRY(find_index(run, self, arguments, backward));
  if (found < 0) return base::invalid_input("the text that index looks for is not there");
  return Value::integer(found);
}

base::Result<Value> count(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("count", arguments, {"sub", "start", "end"}, 1));
  const std::string_view wanted = TRY(text_argument("count", given[0]))->bytes();
  const std::string_view text = self.text()->bytes();
  const auto window = TRY(window_of(run.budget(), text, given[1], given[2]));
  if (!window) return Value::integer(std::int64_t{0});
  const std::string_view seen = text.substr(window->begin, window->end - window->begin);
  if (wanted.empty()) return Value::integer(count_characters(seen) + 1);
  std::int64_t occurrences = 0;
  for (std::size_t at = 0;; ++occurrences) {
    at = TRY(find_forward(run.budget(), seen, wanted, at));
    if (at == seen.npos) return Value::integer(occurrences);
    at += wanted.size();
  }
}

template <bool at_end>
base::Result<Value> has_affix(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("startswith", arguments, {"prefix", "start", "end"}, 1));
  const std::string_view text = self.text()->bytes();
  const auto window = TRY(window_of(run.budget(), text, given[1], given[2]));
  const Sequence* several = given[0]->sequence();
  const bool tuple = several != nullptr && several->flavor == Sequence::Flavor::kTuple;
  const std::span<const Value> affixes = tuple ? std::span(several->items) : std::span(given[0], 1);
  for (const Value& candidate : affixes) {
    const std::string_view affix = TRY(text_argument("startswith", &candidate))->bytes();
    TRY(run.budget().touch(affix.size()));
    if (!window) continue;
    const std::string_view seen = text.substr(window->begin, window->end - window->begin);
    if (at_end ? seen.ends_with(affix) : seen.starts_with(affix)) return Value::boolean(true);
  }
  return Value::boolean(false);
}

// Whether there are characters and all are of one kind.
template <typename F>
base::Result<Value> all_are(Run& run, const Value& self, F&& is_kind) {
  std::string_view text = self.text()->bytes();
  TRY(run.budget().touch(text.size()));
  bool all = !text.empty();
  while (all && !text.empty()) {
    const auto c = base::decode_utf8(text);
    all = is_kind(c.code_point);
    text.remove_prefix(c.bytes);
  }
  return Value::boolean(all);
}

base::Result<Value> isdigit(Run& run, const Value& self, const Arguments& arguments) {
  TRY(Parameters::bind("isdigit", arguments, {}));
  return all_are(run, self, is_digit);
}

base::Result<Value> isspace(Run& run, const Value& self, const Arguments& arguments) {
  TRY(Parameters::bind("isspace", arguments, {}));
  return all_are(run, self, is_space);
}

base::Result<Value> isascii(Run& run, const Value& self, const Arguments& arguments) {
  TRY(Parameters::bind("isascii", arguments, {}));
  if (self.text()->empty()) return Value::boolean(true);
  return all_are(run, self, [](char32_t c) { return c < 0x80; });
}

// Letters without case (most scripts of Asia) are not known here: saying no would be a guess.
template <bool with_digits>
base::Result<Value> isalpha(Run& run, const Value& self, const Arguments& arguments) {
  TRY(Parameters::bind("isalpha", arguments, {}));
  bool unknown = false;
  Value all = TRY(all_are(run, self, [&](char32_t c) {
    if (is_upper(c) || is_lower(c)) return true;
    if (with_digits && is_digit(c)) return true;
    unknown = unknown || c >= 0x80;
    return false;
  }));
  if (unknown) return base::unsupported("isalpha and isalnum of such characters");
  return all;
}

base::Result<Value> isupper(Run& run, const Value& self, const Arguments& arguments) {
  TRY(Parameters::bind("isupper", arguments, {}));
  TRY(run.budget().touch(self.text()->size()));
  return Value::boolean(is_upper_text(self.text()->bytes()));
}

base::Result<Value> islower(Run& run, const Value& self, const Arguments& arguments) {
  TRY(Parameters::bind("islower", arguments, {}));
  TRY(run.budget().touch(self.text()->size()));
  return Value::boolean(is_lower_text(self.text()->bytes()));
}

base::Result<Value> not_here(Run&, const Value&, const Arguments&) {
  return base::unsupported("this method of str");
}

constexpr MethodEntry kMethods[] = {
    {"count", count},
    {"endswith", has_affix<true>},
    {"find", find<false>},
    {"index", index<false>},
    {"isalnum", isalpha<true>},
    {"isalpha", isalpha<false>},
    {"isascii", isascii},
    {"isdecimal", isdigit},
    {"isdigit", isdigit},
    {"isidentifier", not_here},
    {"islower", islower},
    {"isnumeric", isdigit},
    {"isprintable", not_here},
    {"isspace", isspace},
    {"istitle", not_here},
    {"isupper", isupper},
    {"rfind", find<true>},
    {"rindex", index<true>},
    {"startswith", has_affix<false>},
};

}  // namespace

std::span<const MethodEntry> matching_methods() {
  return kMethods;
}

}  // namespace runtime::chat_template
