// Filters that make text of their input first, as Jinja does.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/chat_template/filters.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/percent_format.h"
#include "runtime/chat_template/printing.h"
#include "runtime/chat_template/run.h"
#include "runtime/chat_template/text_functions.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

using TextFunction = base::Result<Value> (*)(Budget&, const Text&);

template <TextFunction function>
base::Result<Value> apply_text(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("the filter", arguments, {}));
  return function(run.budget(), *TRY(to_text(run.budget(), input)));
}

base::Result<Value> string(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("string", arguments, {}));
  return Value::object(TRY(to_text(run.budget(), input)));
}

base::Result<Value> trim(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("trim", arguments, {"chars"}));
  const bool any = given[0] != nullptr && !given[0]->is_none();
  const Text* characters = any ? TRY(text_argument("trim", given[0])) : nullptr;
  return strip(run.budget(), *TRY(to_text(run.budget(), input)), characters, Side::kBoth);
}

base::Result<Value> replace_filter(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("replace", arguments, {"old", "new", "count"}, 2));
  Budget& budget = run.budget();
  const auto old = TRY(to_text(budget, *given[0]));
  const auto with = TRY(to_text(budget, *given[1]));
  const bool all = given[2] == nullptr || given[2]->is_none();
  const std::int64_t count = all ? kNoLimit : TRY(integer_argument(given[2], -1));
  return replace(budget, *TRY(to_text(budget, input)), *old, *with, count);
}

base::Result<Value> center(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("center", arguments, {"width"}));
  const std::int64_t width = TRY(integer_argument(given[0], 80));
  return pad(run.budget(), *TRY(to_text(run.budget(), input)), width, Text(" ", false),
             Side::kBoth);
}

base::Result<Value> format(Run& run, const Value& input, const Arguments& arguments) {
  Budget& budget = run.budget();
  if (!arguments.named.empty() && !arguments.positional.empty()) {
    return base::invalid_input("format takes plain or named arguments, not both");
  }
  Value values;
  if (arguments.named.empty()) {
    ListBuilder tuple(budget, Sequence::Flavor::kTuple);
    for (const Value& value : arguments.positional) TRY(tuple.add(value));
    values = TRY(tuple.finish_value());
  } else {
    DictBuilder dict(budget);
    for (const auto& [name, value] : arguments.named) TRY(dict.set(Value::text(name), value));
    values = TRY(dict.finish());
  }
  return format_percent(budget, *TRY(to_text(budget, input)), values);
}

// No mark-up type exists here: what is escaped or safe is a string like any other.
base::Result<Value> escape(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("escape", arguments, {}));
  const auto text = TRY(to_text(run.budget(), input));
  return map_characters(run.budget(), *text, [](std::string& out, char32_t c) {
    switch (c) {
      case U'&':
        out += "&amp;";
        break;
      case U'<':
        out += "&lt;";
        break;
      case U'>':
        out += "&gt;";
        break;
      case U'\'':
        out += "&#39;";
        break;
      case U'"':
        out += "&#34;";
        break;
      default:
        base::append_utf8(out, c);
    }
  });
}

base::Result<Value> indent(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("indent", arguments, {"width", "first", "blank"}));
  Budget& budget = run.budget();
  const Text* text = TRY(text_argument("indent", &input));
  TextBuilder margin(budget);
  if (given[0] != nullptr && given[0]->text() != nullptr) {
    TRY(margin.append(*given[0]->text()));
  } else {
    const std::int64_t width = TRY(integer_argument(given[0], 4));
    TRY(margin.append_repeated(" ", static_cast<std::size_t>(std::max<std::int64_t>(width, 0))));
  }
  const bool first = given[1] != nullptr && given[1]->truthy();
  const bool blank = given[2] != nullptr && given[2]->truthy();
  // Jinja adds a line end before it splits, so that one at the end stays.
  TextBuilder ended(budget);
  TRY(ended.append(*text));
  TRY(ended.append("\n"));
  const Value lines = TRY(split_lines(budget, ended.text(), false));
  TextBuilder out(budget);
  bool later = false;
  for (const Value& line : lines.sequence()->items) {
    if (later) TRY(out.append("\n"));
    if (later ? blank || !line.text()->empty() : first) TRY(out.append(margin.text()));
    TRY(out.append(*line.text()));
    later = true;
  }
  return out.finish();
}

base::Result<Value> truncate_filter(Run& run, const Value& input, const Arguments& arguments) {
  const auto given =
      TRY(Parameters::bind("truncate", arguments, {"length", "killwords", "end", "leeway"}));
  Budget& budget = run.budget();
  if (input.is_undefined()) return input;
  const Text* text = TRY(text_argument("truncate", &input));
  const std::int64_t length = TRY(integer_argument(given[0], 255));
  const std::int64_t leeway =
      given[3] == nullptr || given[3]->is_none() ? 5 : TRY(integer_argument(given[3], 5));
  const Text dots("...", false);
  const Text* end = given[2] == nullptr ? &dots : TRY(text_argument("truncate", given[2]));
  TRY(budget.touch(text->size() + end->size()));
  const auto end_length = static_cast<std::int64_t>(count_characters(end->bytes()));
  if (length < end_length || leeway < 0)
    return base::invalid_input("truncate to less than its end");
  const auto characters = static_cast<std::int64_t>(count_characters(text->bytes()));
  if (characters - leeway <= length) return input;
  std::size_t kept = byte_offset(text->bytes(), static_cast<std::size_t>(length - end_length));
  if (given[1] == nullptr || !given[1]->truthy()) {
    const std::size_t space = std::string_view(text->bytes()).substr(0, kept).rfind(' ');
    if (space != std::string_view::npos) kept = space;
  }
  TextBuilder out(budget);
  TRY(out.append(*text, 0, kept));
  TRY(out.append(*end));
  return out.finish();
}

constexpr Filter kFilters[] = {
    {"capitalize", apply_text<capitalize>},
    {"center", center},
    {"e", escape},
    {"escape", escape},
    {"format", format},
    {"indent", indent},
    {"lower", apply_text<lower>},
    {"replace", replace_filter},
    {"safe", string},
    {"string", string},
    {"title", apply_text<title_words>},
    {"trim", trim},
    {"truncate", truncate_filter},
    {"upper", apply_text<upper>},
};

}  // namespace

std::span<const Filter> text_filters() {
  return kFilters;
}

}  // namespace runtime::chat_template
