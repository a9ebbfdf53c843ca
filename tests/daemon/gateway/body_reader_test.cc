#include "daemon/gateway/body_reader.h"

#include <gtest/gtest.h>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

constexpr std::size_t kMax = 100;

int status_of(std::string_view chunks) {
  BodyReader reader(Framing::kChunked, 0, kMax);
  const auto fed = reader.feed(chunks);
  return fed.ok() ? 200 : fed.error().status;
}

TEST(BodyReader, TakesALengthAndLeavesWhatFollows) {
  BodyReader reader(Framing::kLength, 5, kMax);
  EXPECT_EQ(reader.feed("abc").value(), 3u);
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.feed("deGET /").value(), 2u);
  ASSERT_TRUE(reader.complete());
  EXPECT_EQ(reader.take(), "abcde");
}

TEST(BodyReader, IsCompleteAtOnceWithoutABody) {
  EXPECT_TRUE(BodyReader(Framing::kNone, 0, kMax).complete());
  EXPECT_TRUE(BodyReader(Framing::kLength, 0, kMax).complete());
}

TEST(BodyReader, JoinsChunksHoweverTheyArrive) {
  const std::string wire = "3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
    BodyReader reader(Framing::kChunked, 0, kMax);
    for (std::size_t at = 0; at < wire.size(); at += piece) {
      const std::string part = wire.substr(at, piece);
      ASSERT_EQ(reader.feed(part).value(), part.size());
    }
    ASSERT_TRUE(reader.complete()) << piece;
    EXPECT_EQ(reader.take(), "abc0123456789");
  }
}

TEST(BodyReader, LeavesTheNextRequestAlone) {
  BodyReader reader(Framing::kChunked, 0, kMax);
  EXPECT_EQ(reader.feed("1\r\na\r\n0\r\n\r\nGET").value(), 11u);
  EXPECT_TRUE(reader.complete());
}

TEST(BodyReader, RefusesMalformedChunks) {
  for (const char* wire :
       {"-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1;a=b\r\n", "\r\n", "g\r\n", "1\n",
        "1\r\nab\r\n", "11111111111111111\r\n", "0\r\nA: b\r\n\r\n", "1\r\na\n"}) {
    EXPECT_EQ(status_of(wire), 400) << wire;
  }
}

TEST(BodyReader, StopsAtTheLimitBeforeTheChunkArrives) {
  EXPECT_EQ(status_of("65\r\n"), 413);  // 101
  EXPECT_EQ(status_of("64\r\n"), 200);
  EXPECT_EQ(status_of("ffffffffffffffff\r\n"), 413);
  EXPECT_EQ(status_of("1\r\na\r\nffffffffffffffff\r\n"), 413);
  EXPECT_EQ(status_of("64\r\n" + std::string(100, 'a') + "\r\n1\r\n"), 413);
}

TEST(BodyReader, BoundsTheNumberOfChunks) {
  BodyReader reader(Framing::kChunked, 0, kChunksMax * 2);
  for (std::size_t i = 0; i < kChunksMax; ++i) ASSERT_TRUE(reader.feed("1\r\na\r\n").ok());
  EXPECT_EQ(reader.feed("1\r\na\r\n").error().status, 400);
}

}  // namespace
}  // namespace daemon_gateway
