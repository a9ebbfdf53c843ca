#include "daemon/cli/event_stream.h"

#include <gtest/gtest.h>

namespace daemon_cli {
namespace {

struct Seen {
  std::vector<std::string> events;
  base::Status status;
  bool done = false;
};

Seen feed(std::string_view text, std::size_t piece) {
  EventStream stream;
  Seen seen;
  for (std::size_t at = 0; at < text.size() && seen.status.ok(); at += piece) {
    seen.status = stream.feed(text.substr(at, piece), [&](const base::Json& event) -> base::Status {
      seen.events.push_back(event.dump());
      return {};
    });
  }
  seen.done = stream.done();
  return seen;
}

TEST(EventStream, FindsEventsHoweverTheyAreCut) {
  constexpr std::string_view kText =
      ": ping\n\ndata: {\"a\":1}\r\n\r\nevent: x\ndata:{\"b\":\"\xC3\xBC\"}\n\ndata: [DONE]\n\n";
  for (std::size_t piece = 1; piece <= kText.size(); ++piece) {
    const Seen seen = feed(kText, piece);
    ASSERT_TRUE(seen.status.ok());
    EXPECT_EQ(seen.events, (std::vector<std::string>{"{\"a\":1}", "{\"b\":\"\xC3\xBC\"}"}));
    EXPECT_TRUE(seen.done);
  }
}

TEST(EventStream, IsNotDoneBeforeItSaysSo) {
  EXPECT_FALSE(feed("data: {}\n\n", 100).done);
}

TEST(EventStream, RefusesEventsThatAreNotJson) {
  EXPECT_FALSE(feed("data: {\n", 100).status.ok());
}

TEST(EventStream, RefusesALineWithoutEnd) {
  EXPECT_FALSE(feed(std::string(EventStream::kLineBytesMax + 2, 'x'), 65'536).status.ok());
}

}  // namespace
}  // namespace daemon_cli
