#include "daemon/gateway/header_check.h"

#include <gtest/gtest.h>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

// Feeds a block whole; the size found, or the status of the error as a negative number, or 0 for
// "more".
int scan(const std::string& text) {
  HeadScanner scanner;
  auto found = scanner.scan(text);
  if (!found.ok()) return -found.error().status;
  return static_cast<int>(found.value().value_or(0));
}

ApiResult<RequestHead> parse(const std::string& lines) {
  return parse_head(lines + "\r\n");
}

int status_of(const std::string& lines) {
  const auto head = parse(lines);
  return head.ok() ? 200 : head.error().status;
}

TEST(HeadScanner, FindsTheEndByteByByteAsInOnePiece) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
  HeadScanner scanner;
  for (std::size_t i = 1; i <= text.size() - 4; ++i) {
    auto found = scanner.scan(std::string_view(text).substr(0, i));
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found.value().has_value(), i == text.size() - 4) << i;
  }
  EXPECT_EQ(scan(text), static_cast<int>(text.size() - 4));
}

TEST(HeadScanner, WantsMoreUntilTheEmptyLine) {
  EXPECT_EQ(scan("GET / HTTP/1.1\r\nHost: a\r\n"), 0);
}

TEST(HeadScanner, RefusesLineEndsThatReadersDisagreeAbout) {
  EXPECT_EQ(scan("GET / HTTP/1.1\nHost: a\n\n"), -400);
  EXPECT_EQ(scan("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"), -400);
  EXPECT_EQ(scan("GET / HTTP/1.1\r\r\n"), -400);
  EXPECT_EQ(scan("\r\nGET / HTTP/1.1\r\n\r\n"), -400);
  EXPECT_EQ(scan(std::string("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 23)), -400);
}

TEST(HeadScanner, RefusesALoneCarriageReturnHoweverItArrives) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n";
  HeadScanner scanner;
  bool refused = false;
  for (std::size_t i = 1; i <= text.size() && !refused; ++i) {
    refused = !scanner.scan(std::string_view(text).substr(0, i)).ok();
  }
  EXPECT_TRUE(refused);
}

TEST(HeadScanner, BoundsLinesFieldsAndTheWholeBeforeTheEndIsSeen) {
  EXPECT_EQ(scan("GET /" + std::string(kHeadLineBytesMax, 'a')), -414);
  EXPECT_EQ(scan("GET / HTTP/1.1\r\nA: " + std::string(kHeadLineBytesMax, 'a')), -431);
  std::string fields = "GET / HTTP/1.1\r\n";
  for (std::size_t i = 0; i < kHeadFieldsMax; ++i) fields += "A: b\r\n";
  EXPECT_GT(scan(fields + "\r\n"), 0);
  EXPECT_EQ(scan(fields + "A: b\r\n"), -431);
  std::string large = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 5; ++i) large += "A: " + std::string(8'000, 'a') + "\r\n";
  EXPECT_EQ(scan(large), -431);
}

TEST(RequestHead, HasMethodPathAndFieldsInLowerCase) {
  auto head = parse(
      "POST /v1/completions HTTP/1.1\r\nHost: a\r\nX-Thing: \t b c \r\nContent-Length: 17\r\n");
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head.value().method, "POST");
  EXPECT_EQ(head.value().path, "/v1/completions");
  EXPECT_EQ(*head.value().find("x-thing"), "b c");
  EXPECT_EQ(head.value().framing, Framing::kLength);
  EXPECT_EQ(head.value().content_length, 17u);
  EXPECT_TRUE(head.value().keep_alive);
}

TEST(RequestHead, RefusesMalformedRequestLines) {
  for (const char* line :
       {"GET", "GET /", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/2.0", "GET / HTTP/0.9",
        "G(T / HTTP/1.1", "GET / HTTP/1.1 ", "GET a HTTP/1.1", "GET /\x80 HTTP/1.1",
        "GET https://a/ HTTP/1.1", "OPTIONS * HTTP/1.1", "GET /a#b HTTP/1.1", "GET /?a=b HTTP/1.1",
        "ABCDEFGHIJKLMNOPQ / HTTP/1.1"}) {
    EXPECT_EQ(status_of(std::string(line) + "\r\nHost: a\r\n"), 400) << line;
  }
  EXPECT_EQ(status_of("GET /" + std::string(kPathBytesMax, 'a') + " HTTP/1.1\r\nHost: a\r\n"), 414);
}

struct FieldCase {
  const char* fields;
  int status;
};

class RefusedFields : public testing::TestWithParam<FieldCase> {};

TEST_P(RefusedFields, GiveTheirStatus) {
  EXPECT_EQ(status_of(std::string("POST / HTTP/1.1\r\nHost: a\r\n") + GetParam().fields),
            GetParam().status)
      << GetParam().fields;
}

INSTANTIATE_TEST_SUITE_P(
    HeaderCheck, RefusedFields,
    testing::Values(
        FieldCase{"Content-Length: 1\r\nContent-Length: 1\r\n", 400},
        FieldCase{"Content-Length: 1, 1\r\n", 400}, FieldCase{"Content-Length: +1\r\n", 400},
        FieldCase{"Content-Length: -1\r\n", 400}, FieldCase{"Content-Length: 0x1\r\n", 400},
        FieldCase{"Content-Length:\r\n", 400}, FieldCase{"Content-Length: 1 1\r\n", 400},
        FieldCase{"Content-Length: 99999999999999999999\r\n", 400},
        FieldCase{"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", 400},
        FieldCase{"Transfer-Encoding: gzip, chunked\r\n", 400},
        FieldCase{"Transfer-Encoding: identity\r\n", 400},
        FieldCase{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
        FieldCase{"Content-Encoding: gzip\r\n", 415}, FieldCase{"Content-Encoding: br\r\n", 415},
        FieldCase{"Expect: something\r\n", 417}, FieldCase{"Upgrade: h2c\r\n", 400},
        FieldCase{"Trailer: x\r\n", 400}, FieldCase{"Host: b\r\n", 400},
        FieldCase{"Authorization: a\r\nauthorization: b\r\n", 400},
        FieldCase{"X: a%0d%0aB: c\r\n", 400}, FieldCase{"X: a%0Ab\r\n", 400},
        FieldCase{"X : a\r\n", 400}, FieldCase{": a\r\n", 400}, FieldCase{"X\r\n", 400},
        FieldCase{" folded\r\n", 400}, FieldCase{"X: a\x01\r\n", 400},
        FieldCase{"X: \xc3\xa9\r\n", 400}, FieldCase{"Content-Length : 3\r\n", 400}));

TEST(RequestHead, NeedsAHostWithHttp11Only) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n"), 200);
}

TEST(RequestHead, ReadsConnectionAndExpectation) {
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n").value().keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n").value().keep_alive);
  EXPECT_TRUE(
      parse("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n").value().expects_continue);
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n").value().framing,
            Framing::kChunked);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"), 400);
}

}  // namespace
}  // namespace daemon_gateway
