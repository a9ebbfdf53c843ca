#include "daemon/audit/log/journal_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provisioning/sha256.h"

namespace {

using daemon_audit::FrameCheck;
using daemon_audit::FrameKind;

daemon_audit::JournalBatchView batch() {
  daemon_audit::JournalBatchView batch;
  batch.first = 256;
  batch.entries = {{.writer = 7, .number = 1, .record = "{\"a\":1}"}, {.record = "{}"}};
  batch.sealed = {{.digest = daemon_audit::hash_leaf("x"), .bytes = "sealed"}};
  batch.checkpoint = "note";
  return batch;
}

std::string frames() {
  std::string out;
  FrameCheck chain{};
  daemon_audit::JournalState state;
  state.first = 256;
  state.writers = {{.writer = 7, .through = 3}};
  state.open_requests = {{.writer = 7, .index = 12, .id = "req-1"}};
  append_state_frame(out, chain, state);
  append_batch_frame(out, chain, batch());
  return out;
}

TEST(JournalFormat, IsLaidOutAsTheDocumentSays) {
  std::string out;
  FrameCheck chain{};
  daemon_audit::append_state_frame(out, chain, {});
  const std::string payload = std::string("RDJ1") + std::string(8 + 2 + 4, '\0');
  const std::string body = std::string("\x13\0\0\0\x01", 5) + payload;
  const auto digest = provisioning::sha256(std::string(16, '\0') + body);
  EXPECT_EQ(out, body + std::string(reinterpret_cast<const char*>(digest.data()), 16));
}

TEST(JournalFormat, ReadsBackWhatItWrote) {
  const std::string out = frames();
  FrameCheck chain{};
  const auto first = daemon_audit::read_frame(out, chain);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first.value().kind, FrameKind::kState);
  const auto state = daemon_audit::parse_state(first.value().payload);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state.value().first, 256U);
  EXPECT_EQ(state.value().open_requests.at(0).id, "req-1");
  EXPECT_EQ(state.value().writers.at(0).through, 3U);
  const auto second =
      daemon_audit::read_frame(std::string_view(out).substr(first.value().frame_bytes), chain);
  ASSERT_TRUE(second.ok());
  const auto parsed = daemon_audit::parse_batch(second.value().payload);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value().first, 256U);
  EXPECT_EQ(parsed.value().entries.at(0).record, "{\"a\":1}");
  EXPECT_EQ(parsed.value().entries.at(0).number, 1U);
  EXPECT_EQ(parsed.value().sealed.at(0).bytes, "sealed");
  EXPECT_EQ(parsed.value().checkpoint, "note");
}

TEST(JournalFormat, NoticesEveryBitThatIsNotAsItWas) {
  const std::string good = frames();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    FrameCheck chain{};
    const auto first = daemon_audit::read_frame(bad, chain);
    if (!first.ok()) continue;
    const auto rest = std::string_view(bad).substr(first.value().frame_bytes);
    EXPECT_FALSE(daemon_audit::read_frame(rest, chain).ok()) << bit;
  }
}

TEST(JournalFormat, ChainsFramesThatChangePlaces) {
  std::string one, two;
  FrameCheck chain{};
  append_batch_frame(one, chain, batch());
  append_batch_frame(two, chain, batch());
  FrameCheck other{};
  EXPECT_FALSE(daemon_audit::read_frame(two, other).ok());
  daemon_audit::rechain_frames(two, other);
  EXPECT_EQ(two, one);
}

TEST(JournalFormat, NamesFilesByMultiplesOf256) {
  EXPECT_EQ(daemon_audit::journal_name(512), "00000000000000000512");
  EXPECT_EQ(daemon_audit::parse_journal_name("00000000000000000512"), 512U);
  for (const auto* bad : {"", "512", "00000000000000000511", "0000000000000000512x",
                          "99999999999999999999", "-0000000000000000512"}) {
    EXPECT_FALSE(daemon_audit::parse_journal_name(bad)) << bad;
  }
}

}  // namespace
