#include "runtime/engine/stop_matcher.h"

#include <gtest/gtest.h>

#include <random>

#include "hardening/base/utf8.h"
#include "runtime/engine/utf8_stream.h"

namespace runtime {
namespace {

struct Shown {
  std::string text;
  bool stopped = false;
  friend bool operator==(const Shown&, const Shown&) = default;
};

// The definition: the stop string that is complete first; of several, the longest. Ends up to
// `unarmed_bytes` do not count.
Shown find_naively(const std::string& text, const std::vector<std::string>& stops, bool include,
                   std::size_t unarmed_bytes) {
  for (std::size_t end = unarmed_bytes + 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return {text.substr(0, end - (include ? 0 : longest)), true};
  }
  return {text, false};
}

TEST(StopMatcher, AnyCutGivesWhatTheWholeTextGives) {
  std::mt19937_64 generator(7);
  int stopped = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto random_text = [&generator](std::size_t bytes_max) {
      std::string text;
      const std::size_t bytes = 1 + generator() % bytes_max;
      for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>('a' + generator() % 2);
      return text;
    };
    std::vector<std::string> stops;
    for (std::size_t i = generator() % 4; i > 0; --i) stops.push_back(random_text(6));
    const std::string text = random_text(30);
    const bool include = generator() % 2 == 0;
    std::size_t unarmed = generator() % 2 == 0 ? generator() % text.size() : 0;
    const Shown expected = find_naively(text, stops, include, unarmed);

    const StopSet set(stops);
    StopMatcher matcher(set);
    Shown shown;
    for (std::size_t at = 0; at < text.size() && !shown.stopped;) {
      std::size_t count = std::min<std::size_t>(1 + generator() % 5, text.size() - at);
      const bool armed = at >= unarmed;
      if (!armed) count = std::min(count, unarmed - at);
      shown.stopped = matcher.push(text.substr(at, count), {armed, include}, shown.text);
      at += count;
      EXPECT_TRUE(expected.text.starts_with(shown.text)) << "shown too early";
    }
    if (!shown.stopped) matcher.flush(shown.text);
    ASSERT_EQ(shown, expected) << "round " << round;
    stopped += expected.stopped ? 1 : 0;
  }
  EXPECT_GT(stopped, 5000);
}

TEST(StopMatcher, HoldsBackNoMoreThanIsNeeded) {
  const StopSet set({"<end>"});
  StopMatcher matcher(set);
  std::string shown;
  matcher.push("a<e", {}, shown);
  EXPECT_EQ(shown, "a");
  matcher.push("n<en", {}, shown);
  EXPECT_EQ(shown, "a<en");
  matcher.push("!", {}, shown);
  EXPECT_EQ(shown, "a<en<en!");
}

TEST(StopMatcher, FindsAStopStringThatBeginsInsideAnother) {
  const StopSet set({"abcd", "bc"});
  StopMatcher matcher(set);
  std::string shown;
  EXPECT_FALSE(matcher.push("xab", {}, shown));
  EXPECT_TRUE(matcher.push("cd", {}, shown));
  EXPECT_EQ(shown, "xa");
}

TEST(Utf8Stream, AnyCutGivesWhatTheWholeTextGives) {
  std::mt19937_64 generator(9);
  // Heads, tails, overlong forms, surrogates and plain bytes, so that every kind of error comes up.
  const std::string alphabet = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xFF\xED\xA0\xC0\xF4\x90";
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (std::size_t i = generator() % 12; i > 0; --i)
      bytes += alphabet[generator() % alphabet.size()];
    std::string expected;
    for (std::string_view rest = bytes; !rest.empty();) {
      const base::Utf8Char next = base::decode_utf8(rest);
      base::append_utf8(expected, next.code_point);
      rest.remove_prefix(next.bytes);
    }
    Utf8Stream stream;
    std::string text;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t count = std::min<std::size_t>(1 + generator() % 3, bytes.size() - at);
      stream.push(std::string_view(bytes).substr(at, count), text);
      ASSERT_TRUE(base::is_utf8(text));
      at += count;
    }
    stream.flush(text);
    ASSERT_EQ(text, expected);
  }
}

}  // namespace
}  // namespace runtime
