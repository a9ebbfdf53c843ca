#include "bench/options.h"

#include <algorithm>
#include <charconv>

namespace bench {
namespace {

base::Result<std::uint64_t> parse_number(std::string_view name, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return base::invalid_input(std::string(name) + " is not a number");
  }
  return value;
}

}  // namespace

base::Result<Options> Options::parse(int argc, char** argv,
                                     const std::vector<std::string_view>& known) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--")) {
      options.arguments_.emplace_back(word);
      continue;
    }
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      return base::invalid_input("unknown option " + std::string(word));
    }
    if (i + 1 == argc) return base::invalid_input(std::string(word) + " wants a value");
    options.values_[std::string(word)] = argv[++i];
  }
  return options;
}

std::string Options::text(std::string_view name, std::string_view fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(fallback) : found->second;
}

base::Result<std::uint64_t> Options::number(std::string_view name, std::uint64_t fallback) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return fallback;
  return parse_number(name, found->second);
}

base::Result<std::vector<std::uint64_t>> Options::numbers(std::string_view name,
                                                          std::string_view fallback) const {
  const std::string list = text(name, fallback);
  std::vector<std::uint64_t> values;
  for (std::size_t start = 0; start < list.size();) {
    const std::size_t end = std::min(list.find_first_of(", ", start), list.size());
    if (end > start)
      values.push_back(TRY(parse_number(name, std::string_view(list).substr(start, end - start))));
    start = end + 1;
  }
  return values;
}

}  // namespace bench
