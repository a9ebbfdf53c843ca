#include "runtime/model/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "hardening/base/byte_reader.h"
#include "runtime/model/gguf_writer.h"
#include "runtime/model/limits.h"

namespace runtime {
namespace {

using base::ByteWriter;
using base::ErrorCode;
using testing::HasSubstr;

constexpr std::uint32_t kUint32 = 4;
constexpr std::uint32_t kBool = 7;
constexpr std::uint32_t kString = 8;
constexpr std::uint32_t kArray = 9;

void write_header(ByteWriter& out, std::uint64_t tensors, std::uint64_t entries,
                  std::uint32_t version = 3) {
  out.write_bytes(std::as_bytes(std::span("GGUF", 4)));
  out.write(version);
  out.write(tensors);
  out.write(entries);
}

struct Info {
  std::string name = "t";
  std::vector<std::uint64_t> dimensions{4};
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
};

void write_info(ByteWriter& out, const Info& info) {
  out.write_string<std::uint64_t>(info.name);
  out.write(static_cast<std::uint32_t>(info.dimensions.size()));
  for (const std::uint64_t size : info.dimensions) out.write(size);
  out.write(info.type);
  out.write(info.offset);
}

void pad(ByteWriter& out, std::size_t alignment, std::size_t data_bytes) {
  while (out.bytes().size() % alignment != 0) out.write(std::uint8_t{0});
  out.write_bytes(std::vector<std::byte>(data_bytes));
}

// A file of tensors with so many bytes of data.
std::vector<std::byte> file_of(const std::vector<Info>& infos, std::size_t data_bytes) {
  ByteWriter out;
  write_header(out, infos.size(), 0);
  for (const Info& info : infos) write_info(out, info);
  pad(out, 32, data_bytes);
  return std::move(out).release();
}

// A file of one metadata entry whose value is written by `value`.
std::vector<std::byte> file_with_value(std::string_view key, std::uint32_t type,
                                       const std::function<void(ByteWriter&)>& value) {
  ByteWriter out;
  write_header(out, 0, 1);
  out.write_string<std::uint64_t>(key);
  out.write(type);
  value(out);
  return std::move(out).release();
}

base::Error error_of(const std::vector<std::byte>& bytes) {
  const auto file = GgufFile::parse(bytes);
  return file.ok() ? base::Error{ErrorCode::kUnsupported, 0, "accepted"} : file.error();
}

TEST(Gguf, ReadsWhatTheWriterWrote) {
  GgufWriter writer;
  writer.add_string("general.architecture", "llama");
  writer.add_uint32("a.number", 7);
  writer.add_float32("a.float", 0.5f);
  writer.add_bool("a.flag", true);
  writer.add_strings("a.texts", std::vector<std::string>{"one", "", "three"});
  writer.add_tensor("m", kernels::Format::kQ8_0, 3, 64);
  writer.add_tensor("v", kernels::Format::kF32, 0, 5);
  std::vector<std::byte> bytes = writer.header();
  const std::size_t start = bytes.size();
  bytes.resize(start + 3 * 2 * 34 + GgufWriter::padding_after(3 * 2 * 34) + 5 * 4);

  const auto parsed = GgufFile::parse(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const GgufFile& file = parsed.value();
  EXPECT_EQ(file.find("general.architecture")->as_string(), "llama");
  EXPECT_EQ(file.find("a.number")->as_uint(), 7u);
  EXPECT_EQ(file.find("a.float")->as_float(), 0.5);
  EXPECT_EQ(file.find("a.flag")->as_bool(), true);
  EXPECT_EQ(file.find("a.nothing"), nullptr);
  std::vector<std::string> texts;
  for (auto walk = file.find("a.texts")->elements(); auto text = walk.next();)
    texts.emplace_back(*text->as_string());
  EXPECT_THAT(texts, testing::ElementsAre("one", "", "three"));
  const GgufTensor* matrix = file.find_tensor("m");
  ASSERT_NE(matrix, nullptr);
  EXPECT_EQ(matrix->rows(), 3u);
  EXPECT_EQ(matrix->cols(), 64u);
  EXPECT_EQ(matrix->file_offset, start);
  EXPECT_EQ(matrix->data.size(), 3u * 2 * 34);
  EXPECT_EQ(file.find_tensor("v")->file_offset % GgufWriter::kAlignment, 0u);
  EXPECT_EQ(file.find_tensor("v")->data.size(), 20u);
}

TEST(Gguf, GivesAnIntegerInAnyTypeThatHoldsIt) {
  const auto bytes = file_with_value("k", 1, [](ByteWriter& out) { out.write(std::int8_t{-3}); });
  const auto file = GgufFile::parse(bytes);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file.value().find("k")->as_int(), -3);
  EXPECT_EQ(file.value().find("k")->as_uint(), std::nullopt);
  EXPECT_EQ(file.value().find("k")->as_float(), std::nullopt);
  EXPECT_EQ(file.value().find("k")->as_string(), std::nullopt);
}

TEST(Gguf, ReadsAHeadAloneWithTheSizesOfWhatIsElsewhere) {
  GgufWriter writer;
  writer.add_string("a.text", "words");
  writer.add_tensor("m", kernels::Format::kQ8_0, 3, 64);
  std::vector<std::byte> bytes = writer.header();
  bytes.resize(bytes.size() + 3 * 2 * 34);
  const std::size_t head_bytes = GgufFile::parse(bytes).value().head_bytes();
  const auto head = std::span(bytes).first(head_bytes);
  const GgufFile file = GgufFile::parse_head(head, bytes.size()).value();
  EXPECT_EQ(file.find("a.text")->as_string(), "words");
  EXPECT_EQ(file.file_bytes(), bytes.size());
  EXPECT_EQ(file.find_tensor("m")->bytes, 3u * 2 * 34);
  EXPECT_TRUE(file.find_tensor("m")->data.empty());

  const auto message = [](std::span<const std::byte> part, std::size_t file_bytes) {
    const auto parsed = GgufFile::parse_head(part, file_bytes);
    return parsed.ok() ? std::string("read") : parsed.error().message;
  };
  EXPECT_THAT(message(head, bytes.size() - 1), testing::HasSubstr("end beyond the file"));
  EXPECT_THAT(message(head, head.size() - 1), testing::HasSubstr("a head of"));
  EXPECT_THAT(message(std::span(bytes).first(head_bytes + 1), bytes.size()),
              testing::HasSubstr("it ends at"));
  EXPECT_THAT(message(head.first(head_bytes - 1), bytes.size()), testing::HasSubstr("offset"));
}

TEST(Gguf, ReadsVersion2) {
  ByteWriter out;
  write_header(out, 0, 0, 2);
  EXPECT_TRUE(GgufFile::parse(out.bytes()).ok());
}

TEST(Gguf, HonoursTheAlignmentOfTheFile) {
  ByteWriter out;
  write_header(out, 1, 1);
  out.write_string<std::uint64_t>("general.alignment");
  out.write(kUint32);
  out.write(std::uint32_t{256});
  write_info(out, {});
  pad(out, 256, 16);
  const auto file = GgufFile::parse(out.bytes());
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file.value().tensors()[0].file_offset, 256u);
}

TEST(Gguf, EveryTruncationIsAnError) {
  GgufWriter writer;
  writer.add_string("general.architecture", "llama");
  writer.add_strings("a.texts", std::vector<std::string>{"one", "two"});
  writer.add_tensor("m", kernels::Format::kF16, 2, 8);
  std::vector<std::byte> bytes = writer.header();
  bytes.resize(bytes.size() + 32);
  ASSERT_TRUE(GgufFile::parse(bytes).ok());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(GgufFile::parse(std::span(bytes).first(size)).ok()) << size;
  }
}

struct Malformed {
  const char* name;
  std::vector<std::byte> bytes;
  ErrorCode code;
  const char* message;
};

std::vector<std::byte> header_only(std::uint64_t tensors, std::uint64_t entries,
                                   std::uint32_t version = 3) {
  ByteWriter out;
  write_header(out, tensors, entries, version);
  return std::move(out).release();
}

std::vector<std::byte> text_bytes(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::vector<std::byte> array_of(std::uint32_t type, std::uint64_t count) {
  return file_with_value("k", kArray, [=](ByteWriter& out) {
    out.write(type);
    out.write(count);
  });
}

std::vector<std::byte> two_entries(std::string_view a, std::string_view b) {
  ByteWriter out;
  write_header(out, 0, 2);
  for (const std::string_view key : {a, b}) {
    out.write_string<std::uint64_t>(key);
    out.write(kUint32);
    out.write(std::uint32_t{1});
  }
  return std::move(out).release();
}

std::vector<std::byte> alignment_of(std::uint32_t alignment) {
  return file_with_value("general.alignment", kUint32,
                         [=](ByteWriter& out) { out.write(alignment); });
}

std::vector<Malformed> malformed_headers() {
  return {
      {"empty", {}, ErrorCode::kInvalidInput, "magic: needs 4 bytes at offset 0, 0 remain"},
      {"other magic", text_bytes("GGML0000"), ErrorCode::kInvalidInput,
       "does not begin with \"GGUF\""},
      {"version 1", header_only(0, 0, 1), ErrorCode::kUnsupported,
       "version is 1; 2 and 3 are read"},
      {"version 4", header_only(0, 0, 4), ErrorCode::kUnsupported,
       "version is 4; 2 and 3 are read"},
      {"big-endian", header_only(0, 0, 3u << 24), ErrorCode::kUnsupported,
       "the file is big-endian"},
      {"tensor count", header_only(65'537, 0), ErrorCode::kExhausted,
       "tensor count is 65537; the limit is 65536"},
      {"most tensors", header_only(~std::uint64_t{0}, 0), ErrorCode::kExhausted,
       "tensor count is 18446744073709551615; the limit is 65536"},
      {"metadata count", header_only(0, 4097), ErrorCode::kExhausted,
       "metadata count is 4097; the limit is 4096"},
      {"alignment 0", alignment_of(0), ErrorCode::kInvalidInput, "power of two from 8 to 65536"},
      {"alignment 4", alignment_of(4), ErrorCode::kInvalidInput, "power of two from 8 to 65536"},
      {"alignment 48", alignment_of(48), ErrorCode::kInvalidInput, "power of two from 8 to 65536"},
      {"alignment 131072", alignment_of(131'072), ErrorCode::kInvalidInput,
       "power of two from 8 to 65536"},
      {"alignment text",
       file_with_value("general.alignment", kString,
                       [](ByteWriter& out) { out.write_string<std::uint64_t>("32"); }),
       ErrorCode::kInvalidInput, "general.alignment"},
  };
}

std::vector<Malformed> malformed_metadata() {
  return {
      {"long key", file_with_value(std::string(257, 'k'), kUint32, [](ByteWriter&) {}),
       ErrorCode::kInvalidInput, "metadata entry 0: key: 257 bytes, limit 256"},
      {"empty key", file_with_value("", kUint32, [](ByteWriter&) {}), ErrorCode::kInvalidInput,
       "key is empty"},
      {"control key", file_with_value("a\nb", kUint32, [](ByteWriter&) {}),
       ErrorCode::kInvalidInput, "other bytes than printable ASCII"},
      {"unknown type", file_with_value("k", 13, [](ByteWriter&) {}), ErrorCode::kInvalidInput,
       "metadata \"k\": value type 13 is unknown; 0 to 12 are read"},
      {"bool 2", file_with_value("k", kBool, [](ByteWriter& out) { out.write(std::uint8_t{2}); }),
       ErrorCode::kInvalidInput, "metadata \"k\": a bool is 2"},
      {"long string",
       file_with_value(
           "k", kString,
           [](ByteWriter& out) { out.write(std::uint64_t{limits::kStringBytesMax + 1}); }),
       ErrorCode::kInvalidInput, "metadata \"k\": string: 16777217 bytes, limit 16777216"},
      {"string beyond the end",
       file_with_value("k", kString, [](ByteWriter& out) { out.write(std::uint64_t{100}); }),
       ErrorCode::kInvalidInput, "metadata \"k\": string: needs 100 bytes"},
      {"nested array", array_of(kArray, 1), ErrorCode::kUnsupported,
       "metadata \"k\": arrays of arrays are not read"},
      {"array of unknown type", array_of(99, 1), ErrorCode::kInvalidInput,
       "value type 99 is unknown"},
      {"array count", array_of(0, limits::kArrayElementsMax + 1), ErrorCode::kExhausted,
       "an array of 4194305 elements; the limit is 4194304"},
      {"hostile array count", array_of(kString, ~std::uint64_t{0}), ErrorCode::kExhausted,
       "the limit is 4194304"},
      {"array beyond the end", array_of(12, 1000), ErrorCode::kInvalidInput,
       "array elements: needs 8000 bytes"},
      {"strings beyond the end", array_of(kString, 1000), ErrorCode::kInvalidInput,
       "metadata \"k\": element 0"},
      {"duplicate key", two_entries("same", "same"), ErrorCode::kInvalidInput,
       "metadata \"same\" stands twice"},
  };
}

std::vector<Malformed> malformed_tensors() {
  const std::uint64_t huge = std::uint64_t{1} << 31;
  return {
      {"long name", file_of({{.name = std::string(65, 'n')}}, 16), ErrorCode::kInvalidInput,
       "tensor info 0: name: 65 bytes, limit 64"},
      {"space in name", file_of({{.name = "a b"}}, 16), ErrorCode::kInvalidInput,
       "tensor info 0: name"},
      {"no dimensions", file_of({{.dimensions = {}}}, 16), ErrorCode::kInvalidInput,
       "has 0 dimensions"},
      {"five dimensions", file_of({{.dimensions = {1, 1, 1, 1, 1}}}, 16), ErrorCode::kInvalidInput,
       "tensor \"t\": has 5 dimensions; 1 to 4 are read"},
      {"dimension 0", file_of({{.dimensions = {4, 0}}}, 16), ErrorCode::kInvalidInput,
       "dimension 1 is 0"},
      {"huge dimension", file_of({{.dimensions = {huge + 1}}}, 16), ErrorCode::kInvalidInput,
       "dimension 0 is 2147483649; 1 to 2147483648 are read"},
      {"size overflows", file_of({{.dimensions = {huge, huge, huge}}}, 16),
       ErrorCode::kInvalidInput, "tensor \"t\": its size overflows"},
      {"unknown type", file_of({{.name = "blk.0.attn_q.weight", .type = 16}}, 16),
       ErrorCode::kUnsupported, "tensor \"blk.0.attn_q.weight\": has type 16, which is not read"},
      {"partial block", file_of({{.dimensions = {100}, .type = 8}}, 256), ErrorCode::kInvalidInput,
       "dimension 0 is 100; Q8_0 needs a multiple of 32"},
      {"unaligned", file_of({{.offset = 16}}, 64), ErrorCode::kInvalidInput,
       "offset 16 is not a multiple of 32"},
      {"beyond the end", file_of({{.offset = 32}}, 47), ErrorCode::kInvalidInput,
       "tensor \"t\": 16 bytes at offset 32 of the data end beyond the file"},
      {"offset overflows", file_of({{.offset = ~std::uint64_t{31}}}, 64), ErrorCode::kInvalidInput,
       "end beyond the file"},
      {"overlap", file_of({{.name = "a", .dimensions = {64}}, {.name = "b", .offset = 32}}, 256),
       ErrorCode::kInvalidInput, "tensors \"a\" and \"b\" overlap"},
      {"same place", file_of({{.name = "a"}, {.name = "b"}}, 64), ErrorCode::kInvalidInput,
       "overlap"},
      {"duplicate name", file_of({{.name = "a"}, {.name = "a", .offset = 32}}, 64),
       ErrorCode::kInvalidInput, "tensor \"a\" stands twice"},
  };
}

void expect_all_refused(const std::vector<Malformed>& cases) {
  for (const Malformed& malformed : cases) {
    SCOPED_TRACE(malformed.name);
    const base::Error error = error_of(malformed.bytes);
    EXPECT_THAT(error.message, HasSubstr(malformed.message));
    EXPECT_EQ(error.code, malformed.code);
  }
}

TEST(Gguf, RefusesMalformedHeaders) {
  expect_all_refused(malformed_headers());
}
TEST(Gguf, RefusesMalformedMetadata) {
  expect_all_refused(malformed_metadata());
}
TEST(Gguf, RefusesMalformedTensors) {
  expect_all_refused(malformed_tensors());
}

TEST(Gguf, AcceptsTensorsThatTouch) {
  EXPECT_TRUE(
      GgufFile::parse(file_of({{.name = "a", .dimensions = {8}}, {.name = "b", .offset = 32}}, 48))
          .ok());
}

}  // namespace
}  // namespace runtime
