#include "runtime/chat_template/percent_format.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/chat_template/format_spec.h"
#include "runtime/chat_template/numbers.h"
#include "runtime/chat_template/printing.h"

namespace runtime::chat_template {
namespace {

class PercentFormatter {
 public:
  PercentFormatter(Budget& budget, const Text& pattern, const Value& values)
      : budget_(budget), pattern_(pattern), values_(values), out_(budget) {
    const Sequence* sequence = values.sequence();
    if (sequence != nullptr && sequence->flavor == Sequence::Flavor::kTuple) tuple_ = sequence;
  }

  base::Result<Value> run() {
    const std::string_view all = pattern_.bytes();
    std::size_t at = 0;
    for (;;) {
      const std::size_t percent = std::min(all.find('%', at), all.size());
      TRY(out_.append(pattern_, at, percent));
      if (percent == all.size()) break;
      std::string_view rest = all.substr(percent + 1);
      TRY(directive(rest));
      at = all.size() - rest.size();
    }
    const std::size_t given = tuple_ != nullptr ? tuple_->items.size() : 1;
    const bool keyed =
        tuple_ == nullptr &&
        (values_.dict() != nullptr || values_.sequence() != nullptr || values_.is_undefined());
    if (used_ < given && !keyed) {
      return base::invalid_input("more values than directives in a format");
    }
    return out_.finish();
  }

 private:
  base::Status directive(std::string_view& rest) {
    TRY(budget_.step());
    const Value* named = nullptr;
    if (rest.starts_with('(')) {
      const std::size_t close = rest.find(')');
      const Dict* dict = values_.dict();
      if (close == rest.npos || dict == nullptr)
        return base::invalid_input("a format needs a mapping");
      TRY(budget_.scan(dict->entries.size()));
      named = dict->find(rest.substr(1, close - 1));
      if (named == nullptr) return base::invalid_input("a format names a key that is not there");
      rest.remove_prefix(close + 1);
    }
    FormatSpec spec = TRY(read_spec(rest));
    if (spec.type == '%') return out_.append("%");
    const Value value = named != nullptr ? *named : TRY(next_value());
    return append(value, spec);
  }

  static base::Result<FormatSpec> read_spec(std::string_view& rest) {
    FormatSpec spec;
    spec.align = '>';
    for (; !rest.empty() && std::string_view("-+ 0#").find(rest[0]) != rest.npos;
         rest.remove_prefix(1)) {
      if (rest[0] == '-') spec.align = '<';
      if (rest[0] == '+' || (rest[0] == ' ' && spec.sign != '+')) spec.sign = rest[0];
      if (rest[0] == '#') spec.alternate = true;
      if (rest[0] == '0' && spec.align != '<') spec.align = '=';
    }
    spec.width = TRY(read_number(rest)).value_or(0);
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      spec.precision = TRY(read_number(rest)).value_or(0);
    }
    if (rest.empty()) return base::invalid_input("a format that is cut short");
    spec.type = rest[0];
    rest.remove_prefix(1);
    return spec;
  }

  base::Result<Value> next_value() {
    const std::size_t index = used_++;
    if (tuple_ == nullptr && index == 0) return values_;
    if (tuple_ == nullptr || index >= tuple_->items.size()) {
      return base::invalid_input("fewer values than directives in a format");
    }
    return tuple_->items[index];
  }

  base::Status append(const Value& value, FormatSpec spec) {
    if (spec.type == 's' || spec.type == 'r') {
      TextBuilder shown(budget_);
      TRY(spec.type == 's' ? append_str(budget_, shown, value)
                           : append_repr(budget_, shown, value));
      if (spec.align == '=') spec.align = '>';
      spec.type = 's';
      return append_formatted(budget_, out_, shown.finish(), spec);
    }
    if (spec.align == '=') spec.fill.assign(1, '0');
    if (spec.type == 'i' || spec.type == 'u') spec.type = 'd';
    if (spec.type == 'd' && value.real() != nullptr) {
      const auto whole = TRY(truncate(*value.real()));
      if (!whole) return base::invalid_input("a float that is no integer in a format");
      return append_formatted(budget_, out_, Value::integer(*whole), spec);
    }
    if (spec.type == 'c' || spec.type == 'a' || spec.type == 'b') {
      return base::unsupported(fmt::format("the format %{}", spec.type));
    }
    return append_formatted(budget_, out_, value, spec);
  }

  Budget& budget_;
  const Text& pattern_;
  const Value& values_;
  const Sequence* tuple_ = nullptr;
  std::size_t used_ = 0;
  TextBuilder out_;
};

}  // namespace

base::Result<Value> format_percent(Budget& budget, const Text& pattern, const Value& values) {
  return PercentFormatter(budget, pattern, values).run();
}

}  // namespace runtime::chat_template
