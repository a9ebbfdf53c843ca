#include "daemon/engine/arrivals.h"

#include <gtest/gtest.h>

#include "daemon/engine/limits.h"

namespace daemon_engine {
namespace {

daemon_ipc::RequestBegin begin_of(std::uint64_t id, std::uint32_t body_bytes) {
  daemon_ipc::RequestBegin begin;
  begin.id = id;
  begin.body_bytes = body_bytes;
  return begin;
}

daemon_ipc::RequestBody piece_of(std::uint64_t id, std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {id, {bytes.begin(), bytes.end()}};
}

TEST(Arrivals, PutsPiecesOfSeveralBodiesTogether) {
  Arrivals arrivals;
  EXPECT_FALSE(arrivals.begin(begin_of(1, 6)).value());
  EXPECT_FALSE(arrivals.begin(begin_of(2, 3)).value());
  EXPECT_FALSE(arrivals.add(piece_of(1, "abc")).value());
  const auto second = arrivals.add(piece_of(2, "xyz")).value();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->body, "xyz");
  const auto first = arrivals.add(piece_of(1, "def")).value();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->begin.id, 1U);
  EXPECT_EQ(first->body, "abcdef");
}

TEST(Arrivals, ARequestWithoutBodyIsComplete) {
  Arrivals arrivals;
  EXPECT_TRUE(arrivals.begin(begin_of(1, 0)).value());
}

TEST(Arrivals, BreachesOfTheProtocolAreErrors) {
  Arrivals arrivals;
  ASSERT_TRUE(arrivals.begin(begin_of(1, 3)).ok());
  EXPECT_FALSE(arrivals.begin(begin_of(1, 3)).ok()) << "the id is in use";
  EXPECT_FALSE(arrivals.add(piece_of(1, "abcd")).ok()) << "more than announced";
  EXPECT_FALSE(arrivals.begin(begin_of(2, kBodyBytesMax + 1)).ok());
}

TEST(Arrivals, BoundsWhatIsAnnouncedBeforeItArrives) {
  Arrivals arrivals;
  std::uint64_t id = 0;
  for (std::size_t bytes = 0; bytes + kBodyBytesMax <= kPendingBytesMax; bytes += kBodyBytesMax) {
    ASSERT_TRUE(arrivals.begin(begin_of(++id, kBodyBytesMax)).ok());
  }
  EXPECT_EQ(arrivals.begin(begin_of(99, 1)).error().code, base::ErrorCode::kExhausted);
  EXPECT_TRUE(arrivals.cancel(1));
  EXPECT_TRUE(arrivals.begin(begin_of(99, 1)).ok()) << "a cancelled one gives its place back";
  EXPECT_FALSE(arrivals.cancel(1));
}

TEST(Arrivals, PiecesOfACancelledRequestAreDropped) {
  Arrivals arrivals;
  ASSERT_TRUE(arrivals.begin(begin_of(1, 6)).ok());
  arrivals.cancel(1);
  EXPECT_FALSE(arrivals.add(piece_of(1, "abcdef")).value());
}

}  // namespace
}  // namespace daemon_engine
