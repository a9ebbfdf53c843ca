#include "provisioning/trust/product_version.h"

#include <charconv>

namespace provisioning {
namespace {

base::Result<std::uint32_t> parse_number(std::string_view text) {
  constexpr std::size_t kDigitsMax = 9;
  const bool shaped =
      !text.empty() && text.size() <= kDigitsMax && (text[0] != '0' || text.size() == 1);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!shaped || error != std::errc() || end != text.data() + text.size()) {
    return base::invalid_input("not a version written as \"1.2.3\"");
  }
  return number;
}

}  // namespace

base::Result<ProductVersion> parse_product_version(std::string_view text) {
  ProductVersion version;
  for (std::uint32_t& number : version.numbers) {
    const std::size_t dot = text.find('.');
    number = TRY(parse_number(text.substr(0, dot)));
    if (dot == text.npos) return version;
    text.remove_prefix(dot + 1);
  }
  return base::invalid_input("a version of more than four numbers");
}

}  // namespace provisioning
