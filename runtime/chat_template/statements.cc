// How statements execute themselves.
#include "hardening/base/check.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/loop.h"
#include "runtime/chat_template/printing.h"
#include "runtime/chat_template/run.h"
#include "runtime/chat_template/syntax_tree.h"

namespace runtime::chat_template {
namespace {

// Empties a loop when the statement ends, on whichever way out.
class LoopEnd {
 public:
  explicit LoopEnd(Loop& loop) : loop_(loop) {}
  ~LoopEnd() { loop_.end(); }
  LoopEnd(const LoopEnd&) = delete;
  LoopEnd& operator=(const LoopEnd&) = delete;

 private:
  Loop& loop_;
};

}  // namespace

base::Result<Flow> Data::execute(Run& run) const {
  TRY(run.out().append(text));
  return Flow::kNext;
}

base::Result<Flow> Output::execute(Run& run) const {
  const Value shown = TRY(run.evaluate(*value));
  TRY(append_str(run.budget(), run.out(), shown));
  return Flow::kNext;
}

base::Result<Flow> If::execute(Run& run) const {
  for (const auto& [test, body] : branches) {
    if (TRY(run.evaluate(*test)).truthy()) return run.execute(body);
  }
  return run.execute(otherwise);
}

base::Result<Flow> For::execute(Run& run) const {
  const Value over = TRY(run.evaluate(*iterable));
  const auto loop = std::make_shared<Loop>(*this, run.scope(), TRY(items_of(run.budget(), over)));
  const LoopEnd at_end(*loop);
  // Jinja takes the else branch unless the end of the body was reached once: a loop left by its
  // first "break" takes it too.
  bool reached_end = false;
  for (auto item = TRY(loop->advance(run)); item; item = TRY(loop->advance(run))) {
    Run::Scoped scope(run);
    scope.set("loop", Value::object(loop));
    TRY(run.assign(target, *item));
    const Flow flow = TRY(run.execute(body));
    if (flow == Flow::kBreak) break;
    reached_end = reached_end || flow == Flow::kNext;
  }
  if (reached_end || otherwise.empty()) return Flow::kNext;
  const Run::Scoped scope(run);
  return run.execute(otherwise);
}

base::Result<Flow> Set::execute(Run& run) const {
  TRY(run.assign(target, TRY(run.evaluate(*value))));
  return Flow::kNext;
}

base::Result<Flow> BlockSet::execute(Run& run) const {
  TextBuilder out(run.budget());
  const Flow flow = TRY(run.capture(body, out));
  if (flow != Flow::kNext) return flow;
  TRY(run.assign(target, TRY(run.apply(filters, out.finish()))));
  return Flow::kNext;
}

base::Result<Flow> FilterBlock::execute(Run& run) const {
  TextBuilder out(run.budget());
  const Flow flow = TRY(run.capture(body, out));
  if (flow != Flow::kNext) return flow;
  TRY(append_str(run.budget(), run.out(), TRY(run.apply(filters, out.finish()))));
  return Flow::kNext;
}

base::Result<Flow> With::execute(Run& run) const {
  // All values belong to the scope around.
  std::vector<Value> values;
  for (const auto& [target, value] : names) values.push_back(TRY(run.evaluate(*value)));
  const Run::Scoped scope(run);
  for (std::size_t i = 0; i < names.size(); ++i) TRY(run.assign(names[i].first, values[i]));
  return run.execute(body);
}

base::Result<Flow> MacroStatement::execute(Run& run) const {
  TRY(run.assign_name(macro.name, TRY(run.define_macro(macro))));
  return Flow::kNext;
}

base::Result<Flow> CallBlock::execute(Run& run) const {
  const Chain* chain = call->as_chain();
  CHECK(chain != nullptr && !chain->links.empty());
  const CallLink* last = chain->links.back()->as_call();
  CHECK(last != nullptr);
  const auto before_last = std::span(chain->links).first(chain->links.size() - 1);
  const Value callee = TRY(run.apply(before_last, TRY(run.evaluate(*chain->first))));
  Arguments arguments = TRY(last->arguments.evaluate(run));
  arguments.named.emplace_back("caller", TRY(run.define_macro(body)));
  TRY(append_str(run.budget(), run.out(), TRY(run.call(callee, arguments))));
  return Flow::kNext;
}

}  // namespace runtime::chat_template
