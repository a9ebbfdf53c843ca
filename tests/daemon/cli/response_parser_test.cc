#include "daemon/cli/response_parser.h"

#include <gtest/gtest.h>

namespace daemon_cli {
namespace {

struct Parsed {
  int status = 0;
  std::string body;
  bool ok = false;        // nothing was malformed
  bool finished = false;  // and it may end here
};

Parsed parse(std::string_view text, std::size_t piece = 65'536) {
  ResponseParser parser;
  Parsed parsed;
  parsed.ok = true;
  for (std::size_t at = 0; at < text.size() && parsed.ok; at += piece) {
    parsed.ok = parser.feed(text.substr(at, piece), parsed.body).ok();
  }
  parsed.status = parser.status();
  parsed.finished = parsed.ok && parser.finish().ok();
  return parsed;
}

constexpr char kChunked[] =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\nA;ext=1\r\n, "
    "world!!!\r\n0\r\n\r\n";

TEST(ResponseParser, ReadsChunksHoweverTheyAreCut) {
  const std::string_view text = kChunked;
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const Parsed parsed = parse(text, piece);
    EXPECT_TRUE(parsed.finished) << piece;
    EXPECT_EQ(parsed.status, 200);
    EXPECT_EQ(parsed.body, "hello, world!!!");
  }
}

TEST(ResponseParser, KnowsThatATruncatedAnswerIsTruncated) {
  const std::string_view text = kChunked;
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(parse(text.substr(0, length)).finished);
}

TEST(ResponseParser, ReadsACountedBody) {
  const Parsed parsed = parse("HTTP/1.1 404 Not Found\r\ncontent-length:  4 \r\n\r\nnope");
  EXPECT_TRUE(parsed.finished);
  EXPECT_EQ(parsed.status, 404);
  EXPECT_EQ(parsed.body, "nope");
  EXPECT_TRUE(parse("HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n").finished);
}

TEST(ResponseParser, RefusesWhatIsMalformed) {
  for (const char* text :
       {"HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"}) {
    EXPECT_FALSE(parse(text).ok) << text;
  }
}

// Found by fuzzing: a limit that looks at what is waiting depends on how the bytes arrive.
TEST(ResponseParser, ALineIsAsLongInOnePieceAsInMany) {
  const std::string start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::size_t bytes :
       {ResponseParser::kChunkLineBytesMax, ResponseParser::kChunkLineBytesMax + 1}) {
    const std::string text = start + std::string(bytes, '0') + "\r\n\r\n";
    EXPECT_EQ(parse(text).finished, bytes <= ResponseParser::kChunkLineBytesMax);
    EXPECT_EQ(parse(text, 1).finished, bytes <= ResponseParser::kChunkLineBytesMax);
  }
}

TEST(ResponseParser, RefusesTooManyHeaderLines) {
  std::string text = "HTTP/1.1 200 OK\r\n";
  for (std::size_t i = 0; i < ResponseParser::kHeaderLinesMax; ++i) text += "A: b\r\n";
  EXPECT_FALSE(parse(text).ok);
}

TEST(ResponseParser, RefusesLinesWithoutEnd) {
  EXPECT_FALSE(parse(std::string(ResponseParser::kHeaderLineBytesMax + 2, 'x')).ok);
  EXPECT_FALSE(
      parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(300, '0')).ok);
}

}  // namespace
}  // namespace daemon_cli
