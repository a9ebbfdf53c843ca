#include "daemon/replay/recorded_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/replay/recorded_bodies.h"

namespace daemon_replay {
namespace {

using base::Json;
using daemon_audit::Record;
using testing::HasSubstr;

Record record(std::uint64_t index, std::string type, Json body) {
  Record out;
  out.index = index;
  out.type = std::move(type);
  out.body = std::move(body);
  return out;
}

class RecordedRequestTest : public testing::Test {
 protected:
  RecordedRequestTest() {
    request_.choices = {{{1, 2}, "stop"}};
    admitted_ = record(4, "request.admitted", test_admission(request_));
    finished_ = record(9, "request.finished", test_completion(request_));
  }
  base::Result<RecordedRequest> read() { return RecordedRequest::read(admitted_, finished_); }
  std::string refusal() {
    const auto got = read();
    EXPECT_FALSE(got.ok());
    return got.ok() ? "" : got.error().message;
  }

  TestRequest request_;
  Record admitted_;
  Record finished_;
};

TEST_F(RecordedRequestTest, TakesBothEndsTogether) {
  const auto got = read();
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().id, "req-1");
  EXPECT_EQ(got.value().admitted_at, 4U);
  EXPECT_EQ(got.value().finished_at, 9U);
  EXPECT_FALSE(got.value().chat);
  EXPECT_EQ(got.value().model_digest, kTestModel);
  EXPECT_EQ(got.value().seed, 7U);
  EXPECT_EQ(got.value().prompts.size(), 1U);
  ASSERT_EQ(got.value().choices.size(), 1U);
  EXPECT_TRUE(got.value().choices[0].whole());
  EXPECT_EQ(got.value().body_digest, "");
}

TEST_F(RecordedRequestTest, TakesSeedsOf64Bits) {
  member(admitted_.body, "seed") = "18446744073709551615";
  EXPECT_EQ(read().value().seed, 18446744073709551615U);
  member(admitted_.body, "seed") = "18446744073709551616";
  EXPECT_THAT(refusal(), HasSubstr("seed"));
  member(admitted_.body, "seed") = "-1";
  EXPECT_THAT(refusal(), HasSubstr("seed"));
}

TEST_F(RecordedRequestTest, RefusesEndsOfTwoRequests) {
  member(finished_.body, "request") = "req-2";
  EXPECT_THAT(refusal(), HasSubstr("another request's"));
}

TEST_F(RecordedRequestTest, RefusesEndsThatNameDifferentModels) {
  member(member(finished_.body, "model"), "digest") = std::string(64, 'b');
  EXPECT_THAT(refusal(), HasSubstr("different models"));
}

TEST_F(RecordedRequestTest, RefusesOtherRecords) {
  std::swap(admitted_, finished_);
  EXPECT_THAT(refusal(), HasSubstr("not request.admitted"));
}

TEST_F(RecordedRequestTest, RefusesChoicesOutOfOrder) {
  member(member(finished_.body, "choices").as_array()[0], "index") = 1;
  EXPECT_THAT(refusal(), HasSubstr("order"));
}

TEST_F(RecordedRequestTest, RefusesCountsBeyondTheirRange) {
  member(member(admitted_.body, "prompts").as_array()[0], "tokens") = std::int64_t{1} << 32;
  EXPECT_THAT(refusal(), HasSubstr("tokens"));
}

TEST_F(RecordedRequestTest, RefusesBodiesThatBreakTheirTable) {
  member(admitted_.body, "created") = "yesterday";
  EXPECT_THAT(refusal(), HasSubstr("created"));
}

}  // namespace
}  // namespace daemon_replay
