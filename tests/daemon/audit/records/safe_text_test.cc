#include "daemon/audit/records/safe_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "hardening/base/json.h"

namespace daemon_audit {
namespace {

TEST(SafeText, EscapesWhatSteersATerminal) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"plain gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80", "plain gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"},
      {"a\nb\rc\td", "a\\u000ab\\u000dc\\u0009d"},
      {"\x1b[2J", "\\u001b[2J"},
      {"\xC2\x9B"
       "31m",
       "\\u009b31m"},                                    // CSI as one C1 character
      {"\xE2\x80\xA8|\xE2\x80\xA9", "\\u2028|\\u2029"},  // line and paragraph separators
      {"\xE2\x80\xAE"
       "abc",
       "\\u202eabc"},                          // right-to-left override
      {"\xE2\x81\xA6x", "\\u2066x"},           // isolate
      {"\xE2\x80\x8B", "\\u200b"},             // zero width space
      {"\xEF\xBB\xBF", "\\ufeff"},             // byte order mark
      {"\xF3\xA0\x81\x81", "\\udb40\\udc41"},  // a tag character
      {"\x7F", "\\u007f"},
      {"\\u0041", "\\\\u0041"},
      {"\xFF", "\xEF\xBF\xBD"},
  };
  for (const auto& [text, safe] : kCases) EXPECT_EQ(safe_text(text), safe);
}

TEST(SafeText, IsCutByCharactersNotBytes) {
  EXPECT_EQ(safe_text("\xC3\xBC\xC3\xBC\xC3\xBC", 3), "\xC3\xBC\xC3\xBC\xC3\xBC");
  EXPECT_EQ(safe_text("\xC3\xBC\xC3\xBC\xC3\xBC", 2), "\xC3\xBC\xC3\xBC\xE2\x80\xA6");
}

TEST(SafeJson, IsTheSameValue) {
  const base::Json value = base::Json::object(
      {{"a\xE2\x80\xAE", "x\xE2\x80\xA8\xC2\x85\xF3\xA0\x81\x81\\u0041 \xF0\x9F\x98\x80\n\x1b"}});
  const std::string safe = safe_json(value.dump_pretty());
  for (const std::string_view unsafe : {"\xE2\x80\xA8", "\xC2\x85", "\xE2\x80\xAE", "\x1b"}) {
    EXPECT_EQ(safe.find(unsafe), safe.npos);
  }
  EXPECT_EQ(std::count(safe.begin(), safe.end(), '\n'), 2);
  const auto again = base::Json::parse(safe);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.value(), value);
}

}  // namespace
}  // namespace daemon_audit
