// The functions a template finds by name.
#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/callables.h"
#include "runtime/chat_template/printing.h"
#include "runtime/chat_template/run.h"
#include "runtime/chat_template/strftime.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

base::Result<Value> range(Run& run, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("range", arguments, {"start", "stop", "step"}, 1));
  const std::int64_t first = TRY(integer_argument(given[0], 0));
  if (given[1] == nullptr) return make_range(run.budget(), 0, first, 1);
  return make_range(run.budget(), first, TRY(integer_argument(given[1], 0)),
                    TRY(integer_argument(given[2], 1)));
}

base::Result<Value> dict(Run& run, const Arguments& arguments) {
  DictBuilder built(run.budget());
  if (arguments.positional.size() > 1) return base::invalid_input("dict takes one mapping");
  if (!arguments.positional.empty()) TRY(built.set_all(arguments.positional[0]));
  for (const auto& [name, value] : arguments.named) TRY(built.set(Value::text(name), value));
  return built.finish();
}

base::Result<Value> make_namespace(Run& run, const Arguments& arguments) {
  return run.make_namespace(TRY(dict(run, arguments)));
}

// What a template says to whoever called it. The text may quote the request: bounded, and on one
// line.
base::Result<Value> raise_exception(Run& run, const Arguments& arguments) {
  constexpr std::size_t kShownBytesMax = 512;
  const auto given = TRY(Parameters::bind("raise_exception", arguments, {"message"}, 1));
  const auto text = TRY(to_text(run.budget(), *given[0]));
  std::string shown;
  for (std::string_view rest = text->bytes(); !rest.empty() && shown.size() < kShownBytesMax;) {
    const auto c = base::decode_utf8(rest);
    base::append_utf8(shown,
                      c.code_point == U'\n' || is_printable(c.code_point) ? c.code_point : U'?');
    rest.remove_prefix(c.bytes);
  }
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  return base::invalid_input("the template refuses: " + shown);
}

base::Result<Value> strftime_now(Run& run, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("strftime_now", arguments, {"format"}, 1));
  const Text* format = TRY(text_argument("strftime_now", given[0]));
  TRY(run.budget().touch(16 * format->size()));
  const std::string text = TRY(format_time(format->bytes(), run.now_unix_seconds()));
  TRY(run.budget().check_string(text.size()));
  return Value::text(Text(text, format->has_input()));
}

constexpr Function kFunctions[] = {
    {"dict", dict},   {"namespace", make_namespace},  {"raise_exception", raise_exception},
    {"range", range}, {"strftime_now", strftime_now},
};

}  // namespace

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

}  // namespace runtime::chat_template
