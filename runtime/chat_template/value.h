// The values of a template: Python's types as far as templates meet them, immutable except for
// namespaces.
#ifndef RUNTIME_CHAT_TEMPLATE_VALUE_H_
#define RUNTIME_CHAT_TEMPLATE_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/chat_template/budget.h"
#include "runtime/chat_template/text.h"

namespace runtime::chat_template {

struct Undefined {
  std::shared_ptr<const std::string> hint;  // why it is undefined; may be null
};
struct None {};
struct Sequence;
struct Dict;
struct View;
struct Iterator;
struct Namespace;
struct Loop;
struct Macro;
struct Function;
struct Method;

class Value {
 public:
  Value() = default;  // undefined

  static Value undefined(std::string hint);
  static Value none() { return Value(Data(None{})); }
  static Value boolean(bool value) { return Value(Data(value)); }
  static Value integer(std::int64_t value) { return Value(Data(value)); }
  static Value integer(std::size_t value) { return integer(static_cast<std::int64_t>(value)); }
  // An integer of the input above the range of int64: it can be printed and compared for equality.
  static Value large(std::uint64_t value) { return Value(Data(value)); }
  static Value real(double value) { return Value(Data(value)); }
  static Value text(Text value) { return object(std::make_shared<const Text>(std::move(value))); }
  static Value text(std::string_view trusted) { return text(Text(std::string(trusted), false)); }
  template <typename T>
  static Value object(std::shared_ptr<T> value) {
    return Value(Data(std::move(value)));
  }
  static Value function(const Function* value) { return Value(Data(value)); }

  bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }

  // Each is null when the value is of another type.
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
  const std::uint64_t* large() const { return std::get_if<std::uint64_t>(&data_); }
  const double* real() const { return std::get_if<double>(&data_); }
  const Text* text() const { return pointee<const Text>(); }
  const Sequence* sequence() const { return pointee<const Sequence>(); }
  const Dict* dict() const { return pointee<const Dict>(); }
  const View* view() const { return pointee<const View>(); }
  Iterator* iterator() const { return pointee<Iterator>(); }
  Namespace* name_space() const { return pointee<Namespace>(); }
  Loop* loop() const { return pointee<Loop>(); }
  const Macro* macro() const { return pointee<const Macro>(); }
  const Method* method() const { return pointee<const Method>(); }
  const Function* function() const;
  const Undefined* as_undefined() const { return std::get_if<Undefined>(&data_); }

  template <typename T>
  std::shared_ptr<T> share() const {  // requires that the value is of that type
    return *std::get_if<std::shared_ptr<T>>(&data_);
  }

  // An integer as Python sees it: True is 1.
  bool is_integral() const { return integer() != nullptr || boolean() != nullptr; }
  std::int64_t integral() const;  // requires is_integral()
  bool is_number() const { return is_integral() || real() != nullptr; }
  double number() const;  // requires is_number()

  // Python's truth: empty, zero, none and undefined are false.
  bool truthy() const;
  // How deep containers are nested in it; 0 for what contains nothing.
  int depth() const;
  // Python's name of the type, for messages.
  std::string_view type_name() const;
  // Whether both are the very same object (for constants: equal).
  bool same_as(const Value& other) const;

 private:
  using Data =
      std::variant<Undefined, None, bool, std::int64_t, std::uint64_t, double,
                   std::shared_ptr<const Text>, std::shared_ptr<const Sequence>,
                   std::shared_ptr<const Dict>, std::shared_ptr<const View>,
                   std::shared_ptr<Iterator>, std::shared_ptr<Namespace>, std::shared_ptr<Loop>,
                   std::shared_ptr<const Macro>, const Function*, std::shared_ptr<const Method>>;

  explicit Value(Data data) : data_(std::move(data)) {}
  template <typename T>
  T* pointee() const {
    const auto* held = std::get_if<std::shared_ptr<T>>(&data_);
    return held == nullptr ? nullptr : held->get();
  }

  Data data_;
};

// A list, a tuple or a range (which holds its numbers; range() is bounded).
struct Sequence {
  enum class Flavor : std::uint8_t { kList, kTuple, kRange };
  Flavor flavor = Flavor::kList;
  int depth = 1;
  std::vector<Value> items;
  Charge charge;
  std::int64_t start = 0;  // of a range, as it prints
  std::int64_t stop = 0;
  std::int64_t step = 1;
};

// Keys are distinct and in the order of their first insertion. Look-up is linear: the dictionaries
// of messages and tools are small, and the budget pays for those that are not.
struct Dict {
  using Entry = std::pair<Value, Value>;
  int depth = 1;
  std::vector<Entry> entries;
  Charge charge;

  const Value* find(std::string_view key) const;  // null when it has no such string as a key
};

// What items(), keys() and values() of a dictionary return.
struct View {
  enum class Kind : std::uint8_t { kItems, kKeys, kValues };
  Kind kind;
  std::shared_ptr<const Dict> dict;
};

// What filters like map and select return: it can be walked through once, and is always true.
struct Iterator {
  std::shared_ptr<const Sequence> items;
  std::size_t next = 0;
};

// The only thing a template can change. The run keeps all of them and empties them when it ends,
// since they can contain themselves.
struct Namespace {
  Dict attributes;
};

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_VALUE_H_
