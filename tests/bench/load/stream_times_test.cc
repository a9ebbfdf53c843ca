#include "bench/load/stream_times.h"

#include <gtest/gtest.h>

namespace bench {
namespace {

constexpr std::string_view kText =
    "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":null}]}\n\n";
constexpr std::string_view kLast =
    "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n";

TEST(StreamTimes, NotesWhenEachPieceOfTextCame) {
  StreamTimes times;
  times.feed(kText, 10);
  times.feed(kText, 25);
  EXPECT_EQ(times.text_ns(), (std::vector<std::int64_t>{10, 25}));
}

TEST(StreamTimes, APieceCountsWhenItsLineIsComplete) {
  StreamTimes times;
  times.feed(kText.substr(0, 20), 1);
  EXPECT_TRUE(times.text_ns().empty());
  times.feed(kText.substr(20), 7);
  EXPECT_EQ(times.text_ns(), (std::vector<std::int64_t>{7}));
}

TEST(StreamTimes, ReadsChatDeltasAndPassesOverEmptyOnesAndComments) {
  StreamTimes times;
  times.feed(
      "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\r\n\r\n: "
      "ping\r\n\r\n",
      1);
  times.feed("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\r\n\r\n", 2);
  EXPECT_EQ(times.text_ns(), (std::vector<std::int64_t>{2}));
}

TEST(StreamTimes, TokensAreTheServersCountWhereItGivesOne) {
  StreamTimes times;
  times.feed(kText, 1);
  times.feed("data: {\"choices\":[],\"usage\":{\"completion_tokens\":5}}\n", 2);
  EXPECT_EQ(times.tokens(64), 5U);
}

TEST(StreamTimes, TokensAreWhatWasAskedForWhenTheAnswerStoppedAtTheLength) {
  StreamTimes times;
  times.feed(kText, 1);
  EXPECT_EQ(times.tokens(64), 1U);
  times.feed(kLast, 2);
  EXPECT_EQ(times.tokens(64), 64U);
}

TEST(StreamTimes, AStreamThatBreaksOffIsNotFinished) {
  StreamTimes times;
  times.feed(kText, 1);
  times.feed("data: [DONE]\n", 2);
  EXPECT_FALSE(times.finished());
  StreamTimes whole;
  whole.feed(kText, 1);
  whole.feed(kLast, 2);
  EXPECT_TRUE(whole.finished());
}

}  // namespace
}  // namespace bench
