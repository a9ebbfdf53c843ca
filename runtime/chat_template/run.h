// One rendering: the scopes, the output and what is left of the budget.
#ifndef RUNTIME_CHAT_TEMPLATE_RUN_H_
#define RUNTIME_CHAT_TEMPLATE_RUN_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "runtime/chat_template/budget.h"
#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/scope.h"
#include "runtime/chat_template/syntax_tree.h"

namespace runtime::chat_template {

class Run {
 public:
  // While parsing, nesting costs one level of depth_max; while running, macros add theirs to their
  // caller's, and an expression takes more nodes than parentheses.
  static constexpr std::size_t kRunDepthFactor = 4;

  Run(const ChatTemplateLimits& limits, std::int64_t now_unix_seconds);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Makes the members of an object the variables of the template.
  base::Status set_variables(const base::Json& object);

  base::Result<Value> evaluate(const Expression& expression);
  // The links one after another.
  base::Result<Value> apply(std::span<const LinkPtr> links, Value value);
  // Runs the statements in the present scope until one breaks or continues.
  base::Result<Flow> execute(const Block& block);

  // Runs the statements in a new scope, with their output kept apart in `out`.
  base::Result<Flow> capture(const Block& block, TextBuilder& out);
  base::Result<Value> call(const Value& callee, const Arguments& arguments);

  base::Result<Value> look_up(std::string_view name);
  base::Status assign(const Target& target, const Value& value);
  base::Status assign_name(std::string_view name, const Value& value);
  base::Result<Value> define_macro(const MacroDefinition& macro);
  base::Result<Value> make_namespace(const Value& attributes);  // of a dictionary

  Budget& budget() { return budget_; }
  Scope* scope() { return scope_; }
  TextBuilder& out() { return *out_; }
  std::int64_t now_unix_seconds() const { return now_unix_seconds_; }
  // Of the node that was evaluated last: where an error happened.
  int line() const { return line_; }
  void set_line(int line) { line_ = line; }

  // Makes a new scope the present one for as long as this object lives.
  class Scoped {
   public:
    explicit Scoped(Run& run) : Scoped(run, run.scope_) {}
    Scoped(Run& run, Scope* parent);
    ~Scoped();
    Scoped(const Scoped&) = delete;
    Scoped& operator=(const Scoped&) = delete;
    void set(std::string_view name, Value value) { scope_->set(name, std::move(value)); }

   private:
    Run& run_;
    Scope* const previous_;
    std::unique_ptr<Scope> scope_;
  };

 private:
  class Deeper;
  base::Result<Value> call_macro(const Macro& macro, const Arguments& arguments);
  base::Status bind_parameters(const Macro& macro, const Arguments& arguments, Scoped& scope);
  base::Status assign_parts(const Target& target, const Value& value);

  Budget budget_;  // first: what is counted there must be gone before it
  const std::int64_t now_unix_seconds_;
  std::size_t depth_ = 0;
  int line_ = 0;
  Dict variables_;
  Scope outermost_;
  Scope* scope_ = &outermost_;
  TextBuilder root_;
  TextBuilder* out_ = &root_;
  std::vector<std::unique_ptr<Scope>> kept_scopes_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
  Charge kept_;
};

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_RUN_H_
