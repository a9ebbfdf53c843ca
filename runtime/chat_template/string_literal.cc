#include "runtime/chat_template/string_literal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "hardening/base/utf8.h"

namespace runtime::chat_template {
namespace {

class Decoder {
 public:
  explicit Decoder(std::string_view body) : rest_(body) {}

  base::Result<std::string> run() {
    while (!rest_.empty()) {
      const std::size_t plain = std::min(rest_.find('\\'), rest_.size());
      out_ += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
      if (rest_.empty()) break;
      rest_.remove_prefix(1);  // a character follows: the lexer saw to it
      TRY(escape());
    }
    return std::move(out_);
  }

 private:
  base::Status escape() {
    constexpr std::string_view kLetters = "\n\\'\"abfnrtv";
    constexpr std::string_view kValues[] = {"",   "\\", "'",  "\"", "\a", "\b",
                                            "\f", "\n", "\r", "\t", "\v"};
    const char letter = rest_[0];
    if (const std::size_t i = kLetters.find(letter); i != kLetters.npos) {
      out_ += kValues[i];
      rest_.remove_prefix(1);
      return {};
    }
    if (letter >= '0' && letter <= '7') return number(0, octal_digits(), 8);
    if (letter == 'x') return number(1, 2, 16);
    if (letter == 'u') return number(1, 4, 16);
    if (letter == 'U') return number(1, 8, 16);
    if (letter == 'N') return base::unsupported("a character by its name in a string");
    unknown();
    return {};
  }

  std::size_t octal_digits() const {
    const std::string_view three = rest_.substr(0, 3);
    return std::min(three.find_first_not_of("01234567"), three.size());
  }

  base::Status number(std::size_t skip, std::size_t digits, int base) {
    const std::string_view text = rest_.substr(skip, digits);
    std::uint32_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.size() < digits || parsed.ptr != text.data() + text.size()) {
      return base::invalid_input("a string with an escape cut short");
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
      return base::unsupported(fmt::format("a string with the code point {:#x}", value));
    }
    base::append_utf8(out_, value);
    rest_.remove_prefix(skip + digits);
    return {};
  }

  // The backslash stays. Jinja writes characters outside ASCII as escapes before it decodes them
  // all, so that one behind a backslash ends up as the text of its escape.
  void unknown() {
    const auto c = base::decode_utf8(rest_);
    const auto value = static_cast<std::uint32_t>(c.code_point);
    out_ += '\\';
    if (value < 0x80) {
      out_ += static_cast<char>(value);
    } else {
      out_ += value < 0x100     ? fmt::format("x{:02x}", value)
              : value < 0x10000 ? fmt::format("u{:04x}", value)
                                : fmt::format("U{:08x}", value);
    }
    rest_.remove_prefix(c.bytes);
  }

  std::string_view rest_;
  std::string out_;
};

}  // namespace

base::Result<std::string> decode_string_literal(std::string_view body) {
  return Decoder(body).run();
}

}  // namespace runtime::chat_template
