#include "runtime/chat_template/brace_format.h"

#include <algorithm>

#include "runtime/chat_template/format_spec.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/numbers.h"
#include "runtime/chat_template/printing.h"

namespace runtime::chat_template {
namespace {

class BraceFormatter {
 public:
  BraceFormatter(Budget& budget, const Text& pattern, const Arguments& arguments)
      : budget_(budget), pattern_(pattern), arguments_(arguments), out_(budget) {}

  base::Result<Value> run() {
    const std::string_view all = pattern_.bytes();
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t brace = std::min(all.find_first_of("{}", at), all.size());
      TRY(out_.append(pattern_, at, brace));
      if (brace == all.size()) break;
      if (brace + 1 < all.size() && all[brace + 1] == all[brace]) {  // "{{" is a brace
        TRY(out_.append(pattern_, brace, brace + 1));
        at = brace + 2;
        continue;
      }
      const std::size_t end = all.find('}', brace);
      if (all[brace] == '}' || end == all.npos)
        return base::invalid_input("a single brace in a format");
      TRY(field(all.substr(brace + 1, end - brace - 1)));
      at = end + 1;
    }
    return out_.finish();
  }

 private:
  base::Status field(std::string_view text) {
    TRY(budget_.step());
    if (text.find('{') != text.npos) return base::unsupported("a field within a field of a format");
    const std::size_t end = std::min(text.find_first_of("!:"), text.size());
    Value value = TRY(find_value(text.substr(0, end)));
    text.remove_prefix(end);
    if (text.starts_with('!')) {
      const char conversion = text.size() > 1 ? text[1] : '\0';
      if (conversion != 's' && conversion != 'r')
        return base::unsupported("this conversion in a format");
      TextBuilder shown(budget_);
      TRY(conversion == 's' ? append_str(budget_, shown, value)
                            : append_repr(budget_, shown, value));
      value = shown.finish();
      text.remove_prefix(2);
    }
    if (!text.empty() && text[0] != ':')
      return base::invalid_input("a malformed field in a format");
    if (text.size() <= 1) return append_str(budget_, out_, value);
    return append_formatted(budget_, out_, value, TRY(parse_format_spec(text.substr(1))));
  }

  base::Result<Value> find_value(std::string_view path) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = TRY(find_argument(path.substr(0, end)));
    path.remove_prefix(end);
    while (!path.empty()) {
      TRY(budget_.step());
      const bool attribute = path[0] == '.';
      const std::size_t stop =
          attribute ? std::min(path.find_first_of(".[", 1), path.size()) : path.find(']');
      if (stop == path.npos) return base::invalid_input("a malformed field in a format");
      const std::string_view name = path.substr(1, stop - 1);
      value = attribute ? TRY(attribute_of(budget_, value, name)) : TRY(item(value, name));
      path.remove_prefix(attribute ? stop : stop + 1);
    }
    return value;
  }

  base::Result<Value> item(const Value& value, std::string_view name) {
    const bool number = !name.empty() && name.find_first_not_of("0123456789") == name.npos;
    if (!number) return item_of(budget_, value, Value::text(name));
    return item_of(budget_, value, Value::integer(TRY(read_number(name)).value_or(0)));
  }

  base::Result<Value> find_argument(std::string_view name) {
    if (!name.empty() && name.find_first_not_of("0123456789") != name.npos) {
      for (const auto& [known, value] : arguments_.named) {
        if (known == name) return value;
      }
      return base::invalid_input("a format names an argument that is not there");
    }
    const bool numbered = !name.empty();
    if ((numbered ? automatic_ : manual_)) {
      return base::invalid_input("a format with and without numbers");
    }
    (numbered ? manual_ : automatic_) = true;
    const auto index =
        numbered ? static_cast<std::size_t>(TRY(read_number(name)).value_or(0)) : next_++;
    if (index >= arguments_.positional.size()) {
      return base::invalid_input("a format with too few arguments");
    }
    return arguments_.positional[index];
  }

  Budget& budget_;
  const Text& pattern_;
  const Arguments& arguments_;
  TextBuilder out_;
  std::size_t next_ = 0;
  bool automatic_ = false;
  bool manual_ = false;
};

}  // namespace

base::Result<Value> format_braces(Budget& budget, const Text& pattern, const Arguments& arguments) {
  return BraceFormatter(budget, pattern, arguments).run();
}

}  // namespace runtime::chat_template
