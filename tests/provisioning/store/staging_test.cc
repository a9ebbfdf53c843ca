#include "provisioning/store/staging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "provisioning/trust/release.h"
#include "tests/provisioning/store/staged_release.h"

namespace provisioning {
namespace {

using store_test::expected_of;
using store_test::hex_of;
using store_test::reader_of;
using testing::HasSubstr;
using trust_test::outcome;

const std::string kId(64, '1');

// Two and a half pieces, no two alike.
std::string long_text() {
  std::string text;
  text.reserve(kChunkBytes * 5 / 2);
  for (std::uint32_t i = 0; text.size() < kChunkBytes * 5 / 2; ++i)
    text += std::to_string(i * 2'654'435'761u);
  return text;
}

class StagingTest : public testing::Test {
 protected:
  Staging open() { return Staging::open(staging_.open(), objects_.open(), kId).value(); }
  std::string path(const std::string& name) const { return staging_ / (kId + "/" + name); }

  ScratchDirectory staging_;
  ScratchDirectory objects_;
  HashThreads hash_;
  std::uint64_t advanced_ = 0;
  const Staging::Advance advance_ = [this](std::uint64_t bytes) { advanced_ += bytes; };
};

TEST_F(StagingTest, AFileIsNamedByItsContentWithTheDigestsOfItsPiecesBesideIt) {
  const std::string text = long_text();
  Staging staging = open();
  ASSERT_EQ(outcome(staging.take(expected_of(text), hash_, reader_of(text), advance_)), "ok");
  EXPECT_TRUE(staging.finished(hex_of(text), text.size()));
  EXPECT_FALSE(staging.in_store(hex_of(text), text.size()));
  EXPECT_EQ(advanced_, text.size());
  const std::string chunks = staging_.read(kId + "/" + hex_of(text) + ".chunks");
  ASSERT_EQ(chunks.size(), 3 * sizeof(Sha256Digest));
  const auto first = sha256(std::string_view(text).substr(0, kChunkBytes));
  EXPECT_EQ(chunks.substr(0, 32),
            std::string(reinterpret_cast<const char*>(first.data()), first.size()));
}

TEST_F(StagingTest, AFileWithAnotherDigestNeverGetsItsName) {
  Staging staging = open();
  const std::string wanted = "what was signed";
  EXPECT_THAT(
      outcome(staging.take(expected_of(wanted), hash_, reader_of("what was read..", 0), advance_)),
      HasSubstr("denied: sha256 is"));
  EXPECT_FALSE(staging.finished(hex_of(wanted), wanted.size()));
  EXPECT_FALSE(std::filesystem::exists(path(hex_of(wanted))));
  EXPECT_FALSE(staging.write_failed());
}

TEST_F(StagingTest, MoreBytesThanStatedAreNotWritten) {
  Staging staging = open();
  const std::string wanted = "short";
  EXPECT_THAT(
      outcome(staging.take(expected_of(wanted), hash_, reader_of("longer than that"), advance_)),
      HasSubstr("more than the 5 bytes"));
}

TEST_F(StagingTest, GoesOnWhereAnEarlierRunWasCutOff) {
  const std::string text = long_text();
  const std::string part = hex_of(text) + ".part";
  std::filesystem::create_directory(staging_ / kId);
  staging_.write(kId + "/" + part, text.substr(0, kChunkBytes + 12'345));
  Staging staging = open();
  const std::uint64_t there = kChunkBytes + 12'345;
  ASSERT_EQ(staging.resumable(hex_of(text), text.size()), there);
  ASSERT_EQ(outcome(staging.take(expected_of(text), hash_, reader_of(text, there), advance_)), "ok");
  EXPECT_TRUE(staging.resumed());
  EXPECT_EQ(advanced_, text.size());
  EXPECT_EQ(staging_.read(kId + "/" + hex_of(text)), text);
}

TEST_F(StagingTest, APartWithAWrongByteIsNoticed) {
  const std::string text = long_text();
  std::string damaged = text.substr(0, kChunkBytes);
  damaged[100] ^= 1;
  std::filesystem::create_directory(staging_ / kId);
  staging_.write(kId + "/" + hex_of(text) + ".part", damaged);
  Staging staging = open();
  EXPECT_THAT(
      outcome(staging.take(expected_of(text), hash_, reader_of(text, kChunkBytes), advance_)),
      HasSubstr("denied"));
  EXPECT_TRUE(staging.resumed());
}

TEST_F(StagingTest, APartThatIsLongerThanItsFileIsNoticed) {
  const std::string text = long_text();
  std::filesystem::create_directory(staging_ / kId);
  staging_.write(kId + "/" + hex_of(text) + ".part", text + "more");
  Staging staging = open();
  EXPECT_THAT(outcome(staging.take(expected_of(text), hash_, reader_of(text, text.size()), advance_)),
              HasSubstr("longer"));
}

TEST_F(StagingTest, AFailingMediumIsToldFromAFailingDisk) {
  Staging staging = open();
  const auto medium = [](std::span<std::byte>) -> base::Result<std::size_t> {
    return base::io_error(EIO, "read");
  };
  EXPECT_EQ(staging.take(expected_of("text"), hash_, medium, advance_).error().code,
            base::ErrorCode::kIo);
  EXPECT_FALSE(staging.write_failed());
  std::filesystem::create_directory(path("taken"));
  EXPECT_FALSE(staging.put("taken", "text").ok());
  EXPECT_TRUE(staging.write_failed());
}

TEST_F(StagingTest, AnObjectWithoutTheDigestsOfItsPiecesIsNotThere) {
  objects_.write(hex_of("text"), "text");
  Staging staging = open();
  EXPECT_FALSE(staging.in_store(hex_of("text"), 4));
  objects_.write(hex_of("text") + ".chunks", std::string(32, 'x'));
  EXPECT_TRUE(staging.in_store(hex_of("text"), 4));
  EXPECT_FALSE(staging.in_store(hex_of("text"), 5)) << "another size";
}

}  // namespace
}  // namespace provisioning
