#include "runtime/chat_template/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/chat_template/input.h"
#include "runtime/chat_template/iteration.h"

namespace runtime::chat_template {

class Run::Deeper {
 public:
  explicit Deeper(Run& run) : run_(run) { ++run_.depth_; }
  ~Deeper() { --run_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

  base::Status check() const {
    const std::size_t depth_max = run_.budget_.limits().depth_max * kRunDepthFactor;
    if (run_.depth_ <= depth_max) return {};
    return base::exhausted(fmt::format("the template runs more than {} levels deep", depth_max));
  }

 private:
  Run& run_;
};

Run::Scoped::Scoped(Run& run, Scope* parent)
    : run_(run), previous_(run.scope_), scope_(std::make_unique<Scope>()) {
  scope_->parent = parent;
  run_.scope_ = scope_.get();
}

Run::Scoped::~Scoped() {
  run_.scope_ = previous_;
  if (scope_->captured) run_.kept_scopes_.push_back(std::move(scope_));
}

Run::Run(const ChatTemplateLimits& limits, std::int64_t now_unix_seconds)
    : budget_(limits),
      now_unix_seconds_(now_unix_seconds),
      root_(budget_, limits.output_bytes_max, "an output") {}

Run::~Run() {
  // Namespaces may hold one another; emptied, they cannot keep themselves alive.
  for (const auto& space : namespaces_) space->attributes.entries.clear();
}

base::Status Run::set_variables(const base::Json& object) {
  return read_variables(budget_, object, variables_);
}

base::Result<Value> Run::evaluate(const Expression& expression) {
  const Deeper deeper(*this);
  TRY(deeper.check());
  TRY(budget_.step());
  line_ = expression.line;
  return expression.evaluate(*this);
}

base::Result<Value> Run::apply(std::span<const LinkPtr> links, Value value) {
  for (const LinkPtr& link : links) {
    TRY(budget_.step());
    line_ = link->line;
    value = TRY(link->apply(*this, value));
  }
  return value;
}

base::Result<Flow> Run::execute(const Block& block) {
  const Deeper deeper(*this);
  TRY(deeper.check());
  for (const auto& statement : block) {
    TRY(budget_.step());
    line_ = statement->line;
    const Flow flow = TRY(statement->execute(*this));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

base::Result<Flow> Run::capture(const Block& block, TextBuilder& out) {
  const Scoped scope(*this);
  TextBuilder* const previous = std::exchange(out_, &out);
  auto flow = execute(block);
  out_ = previous;
  return flow;
}

base::Result<Value> Run::call(const Value& callee, const Arguments& arguments) {
  if (const Function* function = callee.function()) return function->call(*this, arguments);
  if (const Method* method = callee.method()) {
    return method->entry->call(*this, method->receiver, arguments);
  }
  if (const Macro* macro = callee.macro()) return call_macro(*macro, arguments);
  if (const Undefined* undefined = callee.as_undefined()) return undefined_error(*undefined);
  if (callee.loop() != nullptr) return base::unsupported("recursive loops");
  return base::invalid_input(fmt::format("{} cannot be called", callee.type_name()));
}

base::Result<Value> Run::call_macro(const Macro& macro, const Arguments& arguments) {
  const Deeper deeper(*this);
  TRY(deeper.check());
  Scoped scope(*this, macro.scope);
  TRY(bind_parameters(macro, arguments, scope));
  TextBuilder out(budget_);
  TRY(capture(macro.definition->body, out));
  return out.finish();
}

base::Status Run::bind_parameters(const Macro& macro, const Arguments& arguments, Scoped& scope) {
  const auto& parameters = macro.definition->parameters;
  const std::string& name = macro.definition->name;
  if (arguments.positional.size() > parameters.size()) {
    return base::invalid_input(
        fmt::format("macro {} takes at most {} arguments", name, parameters.size()));
  }
  for (const auto& [given, value] : arguments.named) {
    const auto found =
        std::find_if(parameters.begin(), parameters.end(),
                     [name_given = given](const auto& p) { return p.name == name_given; });
    const auto index = static_cast<std::size_t>(found - parameters.begin());
    const bool twice = index < arguments.positional.size();
    if (twice || (found == parameters.end() && given != "caller")) {
      return base::invalid_input(fmt::format("macro {} {} \"{}\"", name,
                                             twice ? "is given twice" : "has no parameter", given));
    }
    scope.set(given, value);
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    TRY(budget_.step());
    const auto& parameter = parameters[i];
    if (i < arguments.positional.size()) {
      scope.set(parameter.name, arguments.positional[i]);
    } else if (scope_->find_here(parameter.name) == nullptr) {
      scope.set(parameter.name,
                parameter.fallback != nullptr
                    ? TRY(evaluate(*parameter.fallback))
                    : Value::undefined(fmt::format("parameter {} was not given", parameter.name)));
    }
  }
  return {};
}

base::Result<Value> Run::look_up(std::string_view name) {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    TRY(budget_.scan(scope->names.size()));
    if (const Value* found = scope->find_here(name)) return *found;
  }
  TRY(budget_.scan(variables_.entries.size()));
  if (const Value* found = variables_.find(name)) return *found;
  if (const Function* function = find_function(name)) return Value::function(function);
  if (name == "cycler" || name == "joiner" || name == "lipsum") {
    return base::unsupported(fmt::format("the function {}", name));
  }
  return Value::undefined(fmt::format("{:.64} is undefined", name));
}

base::Status Run::assign(const Target& target, const Value& value) {
  if (target.is_tuple) return assign_parts(target, value);
  if (target.attribute.empty()) return assign_name(target.name, value);
  const Value holder = TRY(look_up(target.name));
  Namespace* space = holder.name_space();
  if (space == nullptr) {
    return base::invalid_input(
        fmt::format("{} is no namespace: its attributes cannot be set", target.name));
  }
  return set_entry(budget_, space->attributes, Value::text(target.attribute), value);
}

base::Status Run::assign_name(std::string_view name, const Value& value) {
  TRY(budget_.scan(scope_->names.size()));
  scope_->set(name, value);
  return {};
}

base::Status Run::assign_parts(const Target& target, const Value& value) {
  const auto items = TRY(items_of(budget_, value));
  if (items->items.size() != target.parts.size()) {
    return base::invalid_input(fmt::format("{} values cannot be unpacked into {} names",
                                           items->items.size(), target.parts.size()));
  }
  for (std::size_t i = 0; i < target.parts.size(); ++i) {
    TRY(assign(target.parts[i], items->items[i]));
  }
  return {};
}

base::Result<Value> Run::define_macro(const MacroDefinition& macro) {
  TRY(budget_.take(kept_, 1));
  for (Scope* scope = scope_; scope != nullptr && !scope->captured; scope = scope->parent) {
    scope->captured = true;
  }
  return Value::object(std::make_shared<const Macro>(Macro{&macro, scope_}));
}

base::Result<Value> Run::make_namespace(const Value& attributes) {
  TRY(budget_.take(kept_, 1));
  auto space = std::make_shared<Namespace>();
  namespaces_.push_back(space);
  for (const auto& [key, value] : attributes.dict()->entries) {
    TRY(set_entry(budget_, space->attributes, key, value));
  }
  return Value::object(std::move(space));
}

}  // namespace runtime::chat_template
