#include "runtime/chat_template/json_text.h"

#include <fmt/format.h>

#include <cmath>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/numbers.h"
#include "runtime/chat_template/sorting.h"

namespace runtime::chat_template {
namespace {

std::string float_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return float_repr(value);
}

void append_unit(std::string& out, std::uint32_t unit) {
  out += fmt::format("\\u{:04x}", unit);
}

void append_character(std::string& out, char32_t c, bool ensure_ascii) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  const auto value = static_cast<std::uint32_t>(c);
  const std::size_t index = value < 0x80 ? kShort.find(static_cast<char>(value)) : kShort.npos;
  if (index != kShort.npos) {
    out += '\\';
    out += kLetters[index];
  } else if (value < 0x20) {
    append_unit(out, value);
  } else if (value < 0x7F || !ensure_ascii) {
    base::append_utf8(out, c);
  } else if (value == 0x7F) {
    out += '\x7f';
  } else if (value < 0x10000) {
    append_unit(out, value);
  } else {
    append_unit(out, 0xD800 + ((value - 0x10000) >> 10));
    append_unit(out, 0xDC00 + ((value - 0x10000) & 0x3FF));
  }
}

class Writer {
 public:
  Writer(Budget& budget, const JsonStyle& style) : budget_(budget), style_(style), out_(budget) {}

  base::Status write(const Value& value, std::size_t level) {
    if (level > budget_.limits().depth_max)
      return base::exhausted("a value nested too deep for JSON");
    TRY(budget_.step());
    if (const Text* text = value.text()) return string(*text);
    if (const Dict* dict = value.dict()) return object(*dict, level);
    const Sequence* sequence = value.sequence();
    if (sequence != nullptr && sequence->flavor != Sequence::Flavor::kRange) {
      return array(*sequence, level);
    }
    return out_.append(TRY(scalar(value)));
  }

  Value finish() {
    if (out_.text().has_input()) out_.mark_all();
    return out_.finish();
  }

 private:
  static base::Result<std::string> scalar(const Value& value) {
    if (value.is_none()) return std::string("null");
    if (const bool* flag = value.boolean()) return std::string(*flag ? "true" : "false");
    if (const auto* number = value.integer()) return fmt::format("{}", *number);
    if (const auto* number = value.large()) return fmt::format("{}", *number);
    if (const double* number = value.real()) return float_text(*number);
    return base::invalid_input(fmt::format("{} has no JSON form", value.type_name()));
  }

  base::Status string(const Text& text) {
    TRY(budget_.touch(text.size()));
    std::string escaped = "\"";
    const std::string_view bytes = text.bytes();
    for (std::size_t at = 0; at < bytes.size();) {
      const auto c = base::decode_utf8(bytes.substr(at));
      append_character(escaped, c.code_point, style_.ensure_ascii);
      at += c.bytes;
    }
    escaped += '"';
    return out_.append(escaped, text.has_input());
  }

  base::Status new_line(std::size_t level) {
    if (style_.indent == nullptr) return {};
    TRY(out_.append("\n"));
    return out_.append_repeated(*style_.indent, level);
  }

  base::Status array(const Sequence& sequence, std::size_t level) {
    TRY(out_.append("["));
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      if (i > 0) TRY(out_.append(style_.item_separator));
      TRY(new_line(level + 1));
      TRY(write(sequence.items[i], level + 1));
    }
    if (!sequence.items.empty()) TRY(new_line(level));
    return out_.append("]");
  }

  base::Status object(const Dict& dict, std::size_t level) {
    std::vector<std::size_t> order;
    if (style_.sort_keys) {
      std::vector<Value> keys;
      for (const auto& entry : dict.entries) keys.push_back(entry.first);
      order = TRY(sorted_order(budget_, keys, false));
    }
    TRY(out_.append("{"));
    for (std::size_t i = 0; i < dict.entries.size(); ++i) {
      const auto& [key, value] = dict.entries[order.empty() ? i : order[i]];
      if (i > 0) TRY(out_.append(style_.item_separator));
      TRY(new_line(level + 1));
      TRY(string(TRY(key_text(key))));
      TRY(out_.append(style_.key_separator));
      TRY(write(value, level + 1));
    }
    if (!dict.entries.empty()) TRY(new_line(level));
    return out_.append("}");
  }

  static base::Result<Text> key_text(const Value& key) {
    if (const Text* text = key.text()) return *text;
    return Text(TRY(scalar(key)), false);
  }

  Budget& budget_;
  const JsonStyle& style_;
  TextBuilder out_;
};

}  // namespace

base::Result<Value> to_json(Budget& budget, const Value& value, const JsonStyle& style) {
  Writer writer(budget, style);
  TRY(writer.write(value, 0));
  return writer.finish();
}

}  // namespace runtime::chat_template
