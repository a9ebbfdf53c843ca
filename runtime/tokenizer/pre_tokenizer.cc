#include "runtime/tokenizer/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "hardening/base/check.h"
#include "hardening/base/utf8.h"
#include "runtime/tokenizer/limits.h"
#include "runtime/tokenizer/unicode_properties.h"

namespace runtime {
namespace {

// Unicode's White_Space property, as members of a class. PCRE2's own \s also has U+180E, which left
// the property with Unicode 6.3.
constexpr std::string_view kWhiteSpaceMembers =
    R"(\x09-\x0d\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

std::string expand_white_space(std::string_view pattern) {
  std::string expanded;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\') {
      if (pattern[i] == '[') in_class = true;
      if (pattern[i] == ']') in_class = false;
      expanded += pattern[i];
      continue;
    }
    const char escaped = pattern[++i];
    CHECK(escaped != 'S' || !in_class);
    if (escaped != 's' && escaped != 'S') {
      expanded += {'\\', escaped};
    } else if (in_class) {
      expanded += kWhiteSpaceMembers;
    } else {
      expanded += fmt::format("[{}{}]", escaped == 'S' ? "^" : "", kWhiteSpaceMembers);
    }
  }
  return expanded;
}

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
using MatchData = std::unique_ptr<pcre2_match_data, FreeMatchData>;

// Where in `piece` the pattern matches first, from `from` on: the piece's size when nowhere. The
// piece is a subject of its own: patterns see neither what is before nor what is behind it.
struct Found {
  std::size_t begin;
  std::size_t end;
};
base::Result<Found> find(const pcre2_code* code, std::string_view piece, std::size_t from,
                         pcre2_match_data* data, pcre2_match_context* limits) {
  const int rc = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(piece.data()), piece.size(), from,
                             PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data, limits);
  if (rc == PCRE2_ERROR_NOMATCH) return Found{piece.size(), piece.size()};
  if (rc < 0) {
    return base::exhausted(fmt::format(
        "pre-tokenizer: a match took too many steps or too much memory (PCRE2 error {})", rc));
  }
  const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data);
  return Found{offsets[0], offsets[1]};
}

void append_digit_groups(std::string_view piece, std::uint32_t begin,
                         std::vector<std::uint32_t>& ends) {
  struct Number {
    std::uint32_t begin;
    bool is_digit;
  };
  std::vector<Number> numbers;
  bool is_numbers = true;
  for (std::size_t i = 0; i < piece.size() && is_numbers;) {
    const base::Utf8Char number = base::decode_utf8(piece.substr(i));
    numbers.push_back({begin + static_cast<std::uint32_t>(i), is_decimal_digit(number.code_point)});
    is_numbers = is_number(number.code_point);
    i += number.bytes;
  }
  const std::size_t first_end = ends.size();
  ends.push_back(begin + static_cast<std::uint32_t>(piece.size()));
  if (!is_numbers) return;
  std::size_t digits = 0;
  for (std::size_t i = numbers.size(); i-- > 1;) {
    digits = numbers[i].is_digit ? digits + 1 : 0;
    if (digits > 0 && digits % 3 == 0) ends.push_back(numbers[i].begin);
  }
  std::reverse(ends.begin() + static_cast<std::ptrdiff_t>(first_end), ends.end());
}

void append_trailing_space(std::string_view piece, std::uint32_t begin,
                           std::vector<std::uint32_t>& ends) {
  std::size_t space = piece.size();
  for (std::size_t i = 0; i < piece.size();) {
    const base::Utf8Char character = base::decode_utf8(piece.substr(i));
    if (!is_white_space(character.code_point)) {
      space = piece.size();
    } else if (space == piece.size()) {
      space = i;
    }
    i += character.bytes;
  }
  if (space > 0 && space < piece.size()) ends.push_back(begin + static_cast<std::uint32_t>(space));
  ends.push_back(begin + static_cast<std::uint32_t>(piece.size()));
}

}  // namespace

void PreTokenizer::FreeCode::operator()(pcre2_real_code_8* code) const {
  pcre2_code_free(code);
}

base::Result<std::unique_ptr<PreTokenizer>> PreTokenizer::create(const PreTokenizerSpec& spec) {
  std::unique_ptr<PreTokenizer> made(new PreTokenizer());
  made->limits_ = pcre2_match_context_create(nullptr);
  if (made->limits_ == nullptr) return base::exhausted("pre-tokenizer: no memory for its limits");
  pcre2_set_match_limit(made->limits_, kPatternMatchSteps);
  pcre2_set_depth_limit(made->limits_, kPatternDepth);
  pcre2_set_heap_limit(made->limits_, kPatternHeapKib);
  for (const SplitStep& step : spec.steps) {
    made->steps_.push_back({step.kind, nullptr});
    if (step.kind != SplitStep::Kind::kPattern) continue;
    const std::string pattern = expand_white_space(step.pattern);
    int error = 0;
    PCRE2_SIZE at = 0;
    made->steps_.back().code.reset(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                      PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &at, nullptr));
    if (made->steps_.back().code == nullptr) {
      return base::unsupported(fmt::format(
          "pre-tokenizer {}: PCRE2 refuses its pattern at {} (error {})", spec.name, at, error));
    }
  }
  return made;
}

PreTokenizer::~PreTokenizer() {
  pcre2_match_context_free(limits_);
}

base::Status PreTokenizer::split(std::string_view text, std::vector<std::uint32_t>& ends) const {
  CHECK(text.size() <= kTextBytesMax);
  ends.clear();
  if (text.empty()) return {};
  const MatchData data(pcre2_match_data_create(1, nullptr));
  if (data == nullptr) return base::exhausted("pre-tokenizer: no memory for a match");
  std::vector<std::uint32_t> pieces = {static_cast<std::uint32_t>(text.size())};
  for (const Step& step : steps_) {
    ends.clear();
    std::uint32_t begin = 0;
    for (const std::uint32_t end : pieces) {
      const std::string_view piece = text.substr(begin, end - begin);
      switch (step.kind) {
        case SplitStep::Kind::kDigitGroups:
          append_digit_groups(piece, begin, ends);
          break;
        case SplitStep::Kind::kTrailingSpace:
          append_trailing_space(piece, begin, ends);
          break;
        case SplitStep::Kind::kPattern:
          for (std::size_t from = 0; from < piece.size();) {
            const Found found = TRY(find(step.code.get(), piece, from, data.get(), limits_));
            if (found.begin > from) ends.push_back(begin + static_cast<std::uint32_t>(found.begin));
            if (found.end > found.begin)
              ends.push_back(begin + static_cast<std::uint32_t>(found.end));
            from = found.end;
          }
          break;
      }
      begin = end;
    }
    pieces.swap(ends);
  }
  ends.swap(pieces);
  return {};
}

}  // namespace runtime
