#include "bench/model/measure.h"

#include <fmt/format.h>

#include <charconv>

namespace bench {
namespace {

using base::Result;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

Result<std::size_t> parse_count(std::string_view text, std::size_t max) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > max) {
    return base::invalid_input(fmt::format("'{}' is not a number from 1 to {}", text, max));
  }
  return value;
}

}  // namespace

std::size_t Measure::sequence_tokens() const {
  if (kind == Kind::kPrefill) return tokens;
  // One step warms up.
  return tokens + 1 + (kind == Kind::kDecode ? kPromptTokens : context);
}

std::string Measure::command() const {
  if (kind == Kind::kPrefill) return fmt::format("prefill {}", tokens);
  if (kind == Kind::kDecode) return fmt::format("decode {} batch {}", tokens, batch);
  return fmt::format("decode {} context {}", tokens, context);
}

std::string Measure::name() const {
  if (kind == Kind::kPrefill) return fmt::format("prefill {}", tokens);
  if (kind == Kind::kDecode) return fmt::format("decode batch {}", batch);
  return fmt::format("decode context {}", context);
}

Result<Measure> parse_measure(std::string_view text) {
  const auto words = split(text, ' ');
  Measure measure;
  if (words.size() != 2 && words.size() != 4)
    return base::invalid_input(fmt::format("no measure: '{}'", text));
  measure.tokens = TRY(parse_count(words[1], Measure::kTokensMax));
  if (words[0] == "prefill" && words.size() == 2) return measure;
  measure.kind = Measure::Kind::kDecode;
  if (words[0] == "decode" && words.size() == 2) return measure;
  if (words[0] == "decode" && words[2] == "batch") {
    measure.batch = TRY(parse_count(words[3], Measure::kBatchMax));
    return measure;
  }
  if (words[0] == "decode" && words[2] == "context") {
    measure.kind = Measure::Kind::kDecodeAtContext;
    measure.context = TRY(parse_count(words[3], Measure::kTokensMax));
    return measure;
  }
  return base::invalid_input(fmt::format("no measure: '{}'", text));
}

Result<std::vector<Measure>> parse_measures(std::string_view list) {
  std::vector<Measure> measures;
  for (const std::string_view part : split(list, ';')) {
    if (part.find_first_not_of(' ') != std::string_view::npos)
      measures.push_back(TRY(parse_measure(part)));
  }
  if (measures.empty()) return base::invalid_input("no measure is asked for");
  return measures;
}

}  // namespace bench
