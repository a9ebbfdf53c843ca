#include "runtime/chat_template/input.h"

#include "hardening/base/utf8.h"
#include "runtime/chat_template/builders.h"

namespace runtime::chat_template {
namespace {

// A role by one of these names is a choice among ours, not a text of the user's: templates make
// control tokens of it ('<|' + message.role + '|>'), which would otherwise be taken for something
// that a user wrote.
bool is_chat_role(std::string_view name) {
  return name == "system" || name == "user" || name == "assistant" || name == "tool";
}

class Reader {
 public:
  Reader(Budget& budget, bool from_input) : budget_(budget), from_input_(from_input) {}

  base::Result<Value> read(const base::Json& json, std::size_t depth) {
    if (depth > budget_.limits().depth_max) return base::exhausted("variables nested too deep");
    TRY(budget_.scan(1));
    if (json.is_null()) return Value::none();
    if (json.is_bool()) return Value::boolean(json.as_bool());
    if (json.is_int()) return Value::integer(json.as_int());
    if (json.is_uint()) return large(json);
    if (json.is_double()) return Value::real(json.as_double());
    if (json.is_string()) return text(json.as_string());
    if (json.is_object()) return dict(json.as_object(), depth);
    ListBuilder list(budget_);
    for (const base::Json& item : json.as_array()) TRY(list.add(TRY(read(item, depth + 1))));
    return list.finish_value();
  }

 private:
  base::Result<Value> large(const base::Json& json) {
    const std::string digits = json.dump();
    std::uint64_t value = 0;
    for (const char c : digits) value = value * 10 + static_cast<std::uint64_t>(c - '0');
    return Value::large(value);
  }

  base::Result<Value> text(const std::string& bytes) {
    TRY(budget_.check_string(bytes.size()));
    TRY(budget_.touch(bytes.size()));
    if (!base::is_utf8(bytes)) return base::invalid_input("a string that is not UTF-8");
    return Value::text(Text(bytes, from_input_));
  }

  base::Result<Value> dict(const base::Json::Object& members, std::size_t depth) {
    DictBuilder built(budget_);
    for (const auto& [key, member] : members) {
      const bool trusted = key == "role" && member.is_string() && is_chat_role(member.as_string());
      Value name = TRY(text(key));
      Value value = trusted ? Value::text(member.as_string()) : TRY(read(member, depth + 1));
      TRY(built.add(std::move(name), std::move(value)));
    }
    return built.finish();
  }

  Budget& budget_;
  const bool from_input_;
};

}  // namespace

bool is_trusted_variable(std::string_view name) {
  return name.ends_with("_token") || name == "add_generation_prompt";
}

base::Status read_variables(Budget& budget, const base::Json& object, Dict& variables) {
  if (!object.is_object()) return base::invalid_input("the template's variables are not an object");
  for (const auto& [name, member] : object.as_object()) {
    TRY(budget.take(variables.charge, 1));
    Value value = TRY(Reader(budget, !is_trusted_variable(name)).read(member, 1));
    variables.entries.emplace_back(Value::text(name), std::move(value));
  }
  return {};
}

}  // namespace runtime::chat_template
