#include "runtime/chat_template/printing.h"

#include <fmt/format.h>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/callables.h"
#include "runtime/chat_template/numbers.h"
#include "runtime/chat_template/syntax_tree.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

class Printer {
 public:
  Printer(Budget& budget, TextBuilder& out) : budget_(budget), out_(out) {}

  base::Status repr(const Value& value, std::size_t depth) {
    // A namespace can contain itself.
    if (depth > budget_.limits().depth_max)
      return base::exhausted("a value nested too deep to print");
    TRY(budget_.step());
    if (const Text* text = value.text()) return quoted(*text);
    if (const Sequence* sequence = value.sequence()) return list(*sequence, depth);
    if (const Dict* dict = value.dict()) return entries(*dict, depth);
    if (const View* view = value.view()) return shown_view(*view, depth);
    if (const Namespace* space = value.name_space()) {
      TRY(out_.append("<Namespace "));
      TRY(entries(space->attributes, depth));
      return out_.append(">");
    }
    return scalar(value);
  }

 private:
  base::Status scalar(const Value& value) {
    if (value.is_undefined()) return out_.append("Undefined");
    if (value.is_none()) return out_.append("None");
    if (const bool* flag = value.boolean()) return out_.append(*flag ? "True" : "False");
    if (const auto* number = value.integer()) return out_.append(fmt::format_int(*number).c_str());
    if (const auto* number = value.large()) return out_.append(fmt::format_int(*number).c_str());
    if (const double* number = value.real()) return out_.append(float_repr(*number));
    if (const Macro* macro = value.macro()) {
      return out_.append(fmt::format("<Macro '{}'>", macro->definition->name));
    }
    return base::unsupported(fmt::format("printing a {}", value.type_name()));
  }

  base::Status quoted(const Text& text) {
    const std::string& bytes = text.bytes();
    const bool prefers_double =
        bytes.find('\'') != std::string::npos && bytes.find('"') == std::string::npos;
    const char quote = prefers_double ? '"' : '\'';
    std::string escaped;
    Text shown;
    text.for_each_piece(0, text.size(), [&](std::string_view piece, bool from_input) {
      escaped.clear();
      for (std::size_t at = 0; at < piece.size();) {
        const auto c = base::decode_utf8(piece.substr(at));
        append_escaped(escaped, c.code_point, quote);
        at += c.bytes;
      }
      shown.append(escaped, from_input);
    });
    TRY(out_.append(std::string_view(&quote, 1)));
    TRY(out_.append(shown));
    return out_.append(std::string_view(&quote, 1));
  }

  static void append_escaped(std::string& out, char32_t c, char quote) {
    if (c == U'\\' || c == static_cast<char32_t>(quote)) {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == U'\n' || c == U'\r' || c == U'\t') {
      out += c == U'\n' ? "\\n" : c == U'\r' ? "\\r" : "\\t";
    } else if (is_printable(c)) {
      base::append_utf8(out, c);
    } else {
      const auto number = static_cast<std::uint32_t>(c);
      out += c < 0x100     ? fmt::format("\\x{:02x}", number)
             : c < 0x10000 ? fmt::format("\\u{:04x}", number)
                           : fmt::format("\\U{:08x}", number);
    }
  }

  base::Status list(const Sequence& sequence, std::size_t depth) {
    if (sequence.flavor == Sequence::Flavor::kRange) return range(sequence);
    const bool tuple = sequence.flavor == Sequence::Flavor::kTuple;
    TRY(out_.append(tuple ? "(" : "["));
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      if (i > 0) TRY(out_.append(", "));
      TRY(repr(sequence.items[i], depth + 1));
    }
    if (tuple && sequence.items.size() == 1) TRY(out_.append(","));
    return out_.append(tuple ? ")" : "]");
  }

  base::Status range(const Sequence& r) {
    if (r.step == 1) return out_.append(fmt::format("range({}, {})", r.start, r.stop));
    return out_.append(fmt::format("range({}, {}, {})", r.start, r.stop, r.step));
  }

  base::Status entries(const Dict& dict, std::size_t depth) {
    TRY(out_.append("{"));
    bool first = true;
    for (const auto& [key, value] : dict.entries) {
      if (!first) TRY(out_.append(", "));
      first = false;
      TRY(repr(key, depth + 1));
      TRY(out_.append(": "));
      TRY(repr(value, depth + 1));
    }
    return out_.append("}");
  }

  base::Status shown_view(const View& view, std::size_t depth) {
    constexpr std::string_view kNames[] = {"dict_items([", "dict_keys([", "dict_values(["};
    TRY(out_.append(kNames[static_cast<std::size_t>(view.kind)]));
    bool first = true;
    for (const auto& [key, value] : view.dict->entries) {
      if (!first) TRY(out_.append(", "));
      first = false;
      if (view.kind == View::Kind::kItems) {
        TRY(out_.append("("));
        TRY(repr(key, depth + 1));
        TRY(out_.append(", "));
        TRY(repr(value, depth + 1));
        TRY(out_.append(")"));
      } else {
        TRY(repr(view.kind == View::Kind::kKeys ? key : value, depth + 1));
      }
    }
    return out_.append("])");
  }

  Budget& budget_;
  TextBuilder& out_;
};

}  // namespace

base::Status append_repr(Budget& budget, TextBuilder& out, const Value& value) {
  return Printer(budget, out).repr(value, 0);
}

base::Status append_str(Budget& budget, TextBuilder& out, const Value& value) {
  if (const Text* text = value.text()) return out.append(*text);
  if (value.is_undefined()) return {};
  return append_repr(budget, out, value);
}

base::Result<std::shared_ptr<const Text>> to_text(Budget& budget, const Value& value) {
  if (value.text() != nullptr) return value.share<const Text>();
  TextBuilder out(budget);
  TRY(append_str(budget, out, value));
  return std::make_shared<const Text>(out.take());
}

}  // namespace runtime::chat_template
