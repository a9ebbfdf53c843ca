// Growing strings, lists and dictionaries within the budget: every piece is paid for before it is
// added.
#ifndef RUNTIME_CHAT_TEMPLATE_BUILDERS_H_
#define RUNTIME_CHAT_TEMPLATE_BUILDERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "hardening/base/result.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

class TextBuilder {
 public:
  // Bounded by string_bytes_max.
  explicit TextBuilder(Budget& budget)
      : TextBuilder(budget, budget.limits().string_bytes_max, "a string") {}
  // `what` names the text in the message about its bound.
  TextBuilder(Budget& budget, std::size_t bytes_max, std::string_view what)
      : budget_(budget), bytes_max_(bytes_max), what_(what) {}

  base::Status append(std::string_view bytes, bool from_input = false);
  base::Status append(const Text& text) { return append(text, 0, text.size()); }
  base::Status append(const Text& text, std::size_t begin, std::size_t end);
  base::Status append_repeated(std::string_view unit, std::size_t count);
  base::Status append_repeated(const Text& unit, std::size_t count);

  bool empty() const { return text_.empty(); }
  void mark_all() { text_.mark_all(); }
  const Text& text() const { return text_; }
  Text take() { return std::move(text_); }
  Value finish() { return Value::text(take()); }

 private:
  base::Status pay(std::size_t bytes, std::size_t pieces);
  base::Status pay_repeated(std::size_t bytes, std::size_t count);

  Budget& budget_;
  const std::size_t bytes_max_;
  const std::string_view what_;
  Text text_;
};

class ListBuilder {
 public:
  explicit ListBuilder(Budget& budget, Sequence::Flavor flavor = Sequence::Flavor::kList);

  base::Status add(Value item);
  base::Status add_text(std::string_view text) { return add(Value::text(text)); }
  // Fails when containers are nested too deep.
  base::Result<std::shared_ptr<const Sequence>> finish();
  base::Result<Value> finish_value();
  base::Result<Value> finish_iterator();

 private:
  Budget& budget_;
  std::shared_ptr<Sequence> list_;
};

class DictBuilder {
 public:
  explicit DictBuilder(Budget& budget) : budget_(budget), dict_(std::make_shared<Dict>()) {}

  // Replaces the value of a key that is there already. Fails on a key that cannot be one (a list,
  // …).
  base::Status set(Value key, Value value);
  // The same without looking: requires a key that is new.
  base::Status add(Value key, Value value);
  // Sets all entries of a mapping, or all pairs of a sequence of pairs.
  base::Status set_all(const Value& source);
  base::Result<Value> finish();

 private:
  Budget& budget_;
  std::shared_ptr<Dict> dict_;
};

// Sets one entry of a dictionary that is still being built, or of a namespace.
base::Status set_entry(Budget& budget, Dict& dict, Value key, Value value);

// range(start, stop, step), of at most kRangeItemsMax numbers (the bound of Jinja's sandbox).
inline constexpr std::int64_t kRangeItemsMax = 100'000;
base::Result<Value> make_range(Budget& budget, std::int64_t start, std::int64_t stop,
                               std::int64_t step);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_BUILDERS_H_
