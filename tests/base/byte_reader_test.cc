#include "hardening/base/byte_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "hardening/base/checked.h"

namespace base {
namespace {

TEST(ByteReader, ReadsBackWhatAWriterWrote) {
  ByteWriter writer;
  writer.write<std::uint16_t>(0xBEEF);
  writer.write<std::int64_t>(-5);
  writer.write<float>(1.5F);
  writer.write_string<std::uint32_t>("text");
  ByteReader reader(writer.bytes());
  EXPECT_EQ(reader.read<std::uint16_t>("a").value(), 0xBEEF);
  EXPECT_EQ(reader.read<std::int64_t>("b").value(), -5);
  EXPECT_EQ(reader.read<float>("c").value(), 1.5F);
  EXPECT_EQ(reader.read_string<std::uint32_t>("d", 4).value(), "text");
  EXPECT_TRUE(reader.expect_end("message").ok());
}

TEST(ByteReader, AFailedReadMovesNothing) {
  ByteWriter writer;
  writer.write_string<std::uint16_t>("abc");
  const auto bytes = writer.bytes();
  ByteReader reader(bytes.first(4));  // length 3, two bytes there
  EXPECT_FALSE(reader.read_string<std::uint16_t>("name", 10).ok());
  EXPECT_EQ(reader.position(), 0U);
  EXPECT_FALSE(reader.read<std::uint64_t>("wide").ok());
  EXPECT_EQ(reader.position(), 0U);
}

TEST(ByteReader, NamesTheFieldAndTheLimit) {
  ByteWriter writer;
  writer.write_string<std::uint8_t>("abcd");
  ByteReader reader(writer.bytes());
  EXPECT_EQ(reader.read_string<std::uint8_t>("model name", 3).error().message, "model name: 4 bytes, limit 3");
  EXPECT_EQ(reader.take(6, "body").error().message, "body: needs 6 bytes at offset 0, 5 remain");
}

TEST(ByteReader, ASubReaderEndsWhereItsFieldEnds) {
  ByteWriter writer;
  writer.write<std::uint32_t>(1);
  writer.write<std::uint32_t>(2);
  ByteReader reader(writer.bytes());
  ByteReader inner = reader.sub_reader(4, "inner").value();
  EXPECT_EQ(inner.read<std::uint32_t>("x").value(), 1U);
  EXPECT_FALSE(inner.read<std::uint8_t>("y").ok());
  EXPECT_EQ(reader.expect_end("outer").error().message, "outer: 4 bytes after the end");
}

TEST(Checked, ReportsWhatDoesNotFit) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(checked_add<std::uint64_t>(kMax, 0), kMax);
  EXPECT_FALSE(checked_add<std::uint64_t>(kMax, 1));
  EXPECT_FALSE(checked_sub<std::uint32_t>(1, 2));
  EXPECT_FALSE(checked_mul<std::uint64_t>(kMax / 2, 3));
  EXPECT_EQ(checked_align_up<std::uint64_t>(65, 64), 128U);
  EXPECT_FALSE(checked_align_up<std::uint64_t>(kMax - 2, 64));
  EXPECT_FALSE((checked_cast<std::int32_t>(std::uint64_t{1} << 31)));
  EXPECT_EQ((checked_cast<std::uint8_t>(255)), 255);
}

}  // namespace
}  // namespace base
