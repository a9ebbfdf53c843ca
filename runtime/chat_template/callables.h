// What a template can call: functions, methods of values and macros; and the tables of filters and
// tests.
#ifndef RUNTIME_CHAT_TEMPLATE_CALLABLES_H_
#define RUNTIME_CHAT_TEMPLATE_CALLABLES_H_

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

class Run;
struct MacroDefinition;
struct Scope;

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;  // names live as long as the template
};

struct Function {
  std::string_view name;
  base::Result<Value> (*call)(Run& run, const Arguments& arguments);
};

struct MethodEntry {
  std::string_view name;
  base::Result<Value> (*call)(Run& run, const Value& receiver, const Arguments& arguments);
};

struct Method {
  const MethodEntry* entry;
  Value receiver;
};

struct Macro {
  const MacroDefinition* definition;
  Scope* scope;  // where it was defined; kept by the run
};

struct Filter {
  std::string_view name;
  base::Result<Value> (*apply)(Run& run, const Value& input, const Arguments& arguments);
};

struct Test {
  std::string_view name;
  base::Result<bool> (*holds)(Run& run, const Value& input, const Arguments& arguments);
};

// Null when there is none of that name.
const Function* find_function(std::string_view name);
const Filter* find_filter(std::string_view name);
const Test* find_test(std::string_view name);
// The method of a string, list, tuple, range or dictionary. A method that would change its
// receiver, and one that we do not have, is found too: calling it fails.
const MethodEntry* find_method(const Value& receiver, std::string_view name);

// Whether Jinja has a filter or test of this name that we do not: the error then says so.
bool is_known_elsewhere(std::string_view name);

// Arguments sorted into the parameters of a signature; null where none was given.
class Parameters {
 public:
  static constexpr std::size_t kCountMax = 6;
  const Value* operator[](std::size_t index) const { return values_[index]; }

  // `function` is what a message calls it. The first `required` parameters must be given. The
  // pointers lead into `arguments`.
  static base::Result<Parameters> bind(std::string_view function, const Arguments& arguments,
                                       std::initializer_list<std::string_view> names,
                                       std::size_t required = 0);

 private:
  std::array<const Value*, kCountMax> values_{};
};

// The value as an integer or string argument; `fallback` when it is null.
base::Result<std::int64_t> integer_argument(const Value* value, std::int64_t fallback);
base::Result<const Text*> text_argument(std::string_view function, const Value* value);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_CALLABLES_H_
