#include "daemon/engine/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <cstdint>
#include <memory>

namespace daemon_engine {
namespace {

constexpr std::uint32_t kSteps = 1'000'000;
constexpr std::uint32_t kDepth = 10'000;
constexpr std::uint32_t kHeapKib = 16 * 1024;

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, FreeCode>;

PCRE2_SPTR units(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

base::Result<Code> compile(std::string_view pattern) {
  if (pattern.size() > kPatternBytesMax) {
    return base::exhausted(
        fmt::format("the pattern has {} bytes, limit {}", pattern.size(), kPatternBytesMax));
  }
  int error = 0;
  PCRE2_SIZE at = 0;
  Code code(pcre2_compile(units(pattern), pattern.size(), PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C,
                          &error, &at, nullptr));
  if (code != nullptr) return code;
  PCRE2_UCHAR why[128] = {};
  (void)pcre2_get_error_message(error, why, sizeof why);
  return base::invalid_input(
      fmt::format("the pattern is refused at byte {}: {}", at, reinterpret_cast<const char*>(why)));
}

}  // namespace

base::Status check_pattern(std::string_view pattern) {
  (void)TRY(compile(pattern));
  return {};
}

base::Result<bool> find_pattern(std::string_view pattern, std::string_view subject) {
  const Code code = TRY(compile(pattern));
  const std::unique_ptr<pcre2_match_data, FreeMatchData> data(pcre2_match_data_create(1, nullptr));
  const std::unique_ptr<pcre2_match_context, FreeMatchContext> limits(
      pcre2_match_context_create(nullptr));
  if (data == nullptr || limits == nullptr) return base::exhausted("no memory for a match");
  pcre2_set_match_limit(limits.get(), kSteps);
  pcre2_set_depth_limit(limits.get(), kDepth);
  pcre2_set_heap_limit(limits.get(), kHeapKib);
  const int rc = pcre2_match(code.get(), units(subject), subject.size(), 0, PCRE2_NO_JIT,
                             data.get(), limits.get());
  if (rc == PCRE2_ERROR_NOMATCH) return false;
  if (rc < 0)
    return base::exhausted(
        fmt::format("the match takes too many steps or too much memory (PCRE2 error {})", rc));
  return true;
}

}  // namespace daemon_engine
