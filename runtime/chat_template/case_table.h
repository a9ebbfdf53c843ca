// The one-to-one case mappings of Unicode 14 outside ASCII, as ranges in ascending order.
#ifndef RUNTIME_CHAT_TEMPLATE_CASE_TABLE_H_
#define RUNTIME_CHAT_TEMPLATE_CASE_TABLE_H_

#include <cstdint>
#include <span>

namespace runtime::chat_template {

// Maps first, first + stride, …, last by adding delta.
struct CaseRange {
  char32_t first;
  char32_t last;
  std::uint32_t stride;
  std::int32_t delta;
};

std::span<const CaseRange> upper_case_ranges();
std::span<const CaseRange> lower_case_ranges();

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_CASE_TABLE_H_
