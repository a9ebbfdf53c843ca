// The one shape of tar, against GNU tar and libarchive, and against everything else that tar can
// say.
#include "provisioning/container/tar_profile.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <functional>

#include "provisioning/container/archive_listing.h"
#include "tests/provisioning/container/memory_bytes.h"
#include "tests/provisioning/scratch_directory.h"

namespace provisioning {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// A name of `bytes` bytes whose only slash stands at `slash`.
std::string name_with_slash(std::size_t bytes, std::size_t slash) {
  std::string name(bytes, 'n');
  name[slash] = '/';
  return name;
}

void fix_checksum(std::string& header, std::size_t block) {
  std::memcpy(header.data() + block + 148, "        ", 8);
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(header[block + i]);
  std::memcpy(header.data() + block + 148,
              (fmt::format("{:06o}", sum) + std::string("\0 ", 2)).data(), 8);
}

struct Shape {
  std::string name;
  std::uint64_t size;
  std::size_t header_bytes;
};

const Shape kShapes[] = {
    {"release.dsse", 131072, 512},
    {"model/x.gguf", 0, 512},
    {"model/x.gguf", 1, 512},
    {"model/x.gguf", (1ull << 31) - 1, 512},
    {"model/x.gguf", 1ull << 31, 512},
    {"model/x.gguf", (1ull << 32) - 1, 512},
    {"model/x.gguf", 1ull << 32, 512},
    {"model/x.gguf", (1ull << 33) - 1, 512},
    {"model/x.gguf", 1ull << 33, 1536},
    {"model/x.gguf", (1ull << 33) + 1, 1536},
    {"model/x.gguf", 4ull << 40, 1536},
    {std::string(100, 'n'), 7, 512},
    {std::string(101, 'n'), 7, 1536},
    {name_with_slash(101, 1), 7, 512},
    {name_with_slash(255, 154), 7, 512},
    {name_with_slash(255, 155), 7, 512},
    {name_with_slash(255, 156), 7, 1536},
    {name_with_slash(255, 153), 7, 1536},  // 101 bytes behind it
    {std::string(255, 'n'), (1ull << 33) + 1, 1536},
    {"model/" + std::string(100, 'a') + "/" + std::string(40, 'b') + "/c", 1, 512},
};

TEST(TarProfile, EveryHeaderReadsBackAsItsNameAndSize) {
  for (const Shape& shape : kShapes) {
    const std::string header = encode_tar_header(shape.name, shape.size);
    EXPECT_EQ(header.size(), shape.header_bytes) << shape.name << " " << shape.size;
    EXPECT_EQ(tar_header_bytes(bytes_of(header).first<512>()), header.size());
    const auto member = parse_tar_header(bytes_of(header));
    ASSERT_TRUE(member.ok()) << member.error().message;
    EXPECT_EQ(member.value().name, shape.name);
    EXPECT_EQ(member.value().size, shape.size);
  }
}

TEST(TarProfile, LibarchiveReadsTheSameNamesAndSizes) {
  for (const Shape& shape : kShapes) {
    // The contents are skipped and cost nothing: only the header and the end are there.
    HoledBytes archive(encode_tar_header(shape.name, shape.size),
                       shape.size + tar_padding(shape.size), std::string(kTarEndBytes, '\0'));
    const auto members = list_archive(archive, 2);
    ASSERT_TRUE(members.ok()) << members.error().message;
    ASSERT_EQ(members.value().size(), 1u);
    EXPECT_EQ(members.value()[0].name, shape.name);
    EXPECT_EQ(members.value()[0].size, shape.size);
  }
}

TEST(TarProfile, GnuTarMakesTheSameBytes) {
  const ScratchDirectory scratch;
  const std::string deep = "model/" + std::string(90, 'a') + "/" + std::string(90, 'b');
  scratch.write("in/model/x.gguf", "hello");
  scratch.write("in/" + deep, "");
  const std::string command = "cd " + scratch / "in" +
                              " && tar --format=ustar --mode=0444 --owner=0 --group=0 "
                              "--numeric-owner --mtime=@0 -b1 -cf ../out.tar " +
                              "model/x.gguf " + deep;
  ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT: a test's own fixed command
  std::string expected = encode_tar_header("model/x.gguf", 5) + "hello" + std::string(507, '\0');
  expected += encode_tar_header(deep, 0) + std::string(kTarEndBytes, '\0');
  EXPECT_TRUE(scratch.read("out.tar") == expected);
}

struct Change {
  const char* what;
  std::function<void(std::string& header)> make;
};

TEST(TarProfile, WhateverElseTarCanSayIsRefused) {
  const auto put = [](std::size_t at, std::string text) {
    return [at, text](std::string& header) { header.replace(at, text.size(), text); };
  };
  const auto type = [](char flag) { return [flag](std::string& header) { header[156] = flag; }; };
  const Change changes[] = {
      {"setuid", put(100, "0004444")},
      {"mode 0", put(100, "0000000")},
      {"writable", put(100, "0000644")},
      {"uid", put(108, "0000001")},
      {"gid", put(116, "0000001")},
      {"mtime", put(136, "00000000001")},
      {"user name", put(265, "root")},
      {"group name", put(297, "root")},
      {"device", put(329, "0000001")},
      {"empty device field", put(329, std::string(8, '\0'))},
      {"link name", put(157, "x")},
      {"hard link", type('1')},
      {"symbolic link", type('2')},
      {"character device", type('3')},
      {"block device", type('4')},
      {"directory", type('5')},
      {"FIFO", type('6')},
      {"contiguous", type('7')},
      {"old regular file", type('\0')},
      {"GNU sparse", type('S')},
      {"GNU long name", type('L')},
      {"GNU long link", type('K')},
      {"GNU multi-volume", type('M')},
      {"GNU dump directory", type('D')},
      {"global pax header", type('g')},
      {"Solaris ACL", type('A')},
      {"GNU magic", put(257, "ustar  ")},
      {"no magic", put(257, std::string(8, '\0'))},
      {"base-256 size", put(124, std::string("\x80\0\0\0\0\0\0\0\0\0\0\x05", 12))},
      {"negative base-256 size", put(124, std::string(12, '\xff'))},
      {"size ended by a space", put(124, "00000000005 ")},
      {"size with blanks before it", put(124, "          5")},
      {"size with a sign", put(124, "-0000000005")},
      {"size without digits", put(124, std::string(12, '\0'))},
      {"prefix where none is needed", put(345, "model")},
      {"bytes behind the name", put(90, "hidden")},
      {"bytes behind the fields", put(500, "x")},
      {"no name", put(0, std::string(100, '\0'))},
  };
  for (const Change& change : changes) {
    std::string header = encode_tar_header("model/x.gguf", 5);
    change.make(header);
    fix_checksum(header, 0);
    EXPECT_FALSE(parse_tar_header(bytes_of(header)).ok()) << change.what;
  }
}

TEST(TarProfile, NoFlippedBitLeavesAHeaderWhatItWas) {
  for (const std::uint64_t size : {std::uint64_t{5}, kUstarSizeEnd + 1}) {
    const std::string good = encode_tar_header(std::string(120, 'n'), size);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      std::string header = good;
      header[bit / 8] = static_cast<char>(header[bit / 8] ^ (1 << (bit % 8)));
      // Within the records a flip can make another name, which has no checksum to say so; but never
      // the same one.
      const auto member = parse_tar_header(bytes_of(header));
      if (bit < 512 * 8) {
        EXPECT_FALSE(member.ok()) << "bit " << bit;
      } else if (member.ok()) {
        EXPECT_TRUE(member.value().name != std::string(120, 'n') || member.value().size != size)
            << "bit " << bit;
      }
    }
  }
}

// A pax header with these records before a ustar header of (name, size), all checksums right.
std::string with_pax(const std::string& records, const std::string& name, std::uint64_t size) {
  std::string header = encode_tar_header(std::string(255, 'n'), 0).substr(0, 512);
  header.replace(124, 11, fmt::format("{:011o}", records.size()));
  fix_checksum(header, 0);
  header += records + std::string(512 - records.size(), '\0');
  return header + encode_tar_header(name, size);
}

TEST(TarProfile, PaxRecordsAreRefusedWhereTheyAreNotNeededOrNotInTheOneForm) {
  const std::string long_name(101, 'n');
  const std::string good = with_pax("111 path=" + long_name + "\n", std::string(100, 'n'), 5);
  ASSERT_TRUE(parse_tar_header(bytes_of(good)).ok());
  const std::pair<const char*, std::string> records[] = {
      {"size that ustar holds", "10 size=5\n"},
      {"path that ustar holds", "21 path=model/x.gguf\n"},
      {"linkpath", "16 linkpath=x/y\n"},
      {"mtime", "11 mtime=1\n"},
      {"an extended attribute", "33 SCHILY.xattr.security.capability=\n"},
      {"GNU sparse", "22 GNU.sparse.major=1\n"},
      {"negative size", "11 size=-5\n"},
      {"size of 2^64", "29 size=18446744073709551616\n"},
      {"size with leading zeros", "24 size=0000008589934592\n"},
      {"no records", ""},
      {"no length", "path=x\n"},
      {"no newline", "10 path=xy"},
      {"wrong length", "112 path=" + long_name + "\n"},
      {"twice", "111 path=" + long_name + "\n111 path=" + long_name + "\n"},
      {"a longer one behind it", "111 path=" + long_name + "\n12 comment=\n"},
  };
  for (const auto& [what, text] : records) {
    EXPECT_FALSE(parse_tar_header(bytes_of(with_pax(text, std::string(100, 'n'), 5))).ok()) << what;
  }
}

TEST(TarProfile, SizesBeyondTheLimitAreRefused) {
  std::string header = encode_tar_header("model/x.gguf", kTarSizeMax);
  const std::string limit = fmt::format("{}", kTarSizeMax);
  const auto at = header.find(limit);
  ASSERT_NE(at, header.npos);
  header[at + limit.size() - 1] = static_cast<char>(header[at + limit.size() - 1] + 1);
  const auto member = parse_tar_header(bytes_of(header));
  ASSERT_FALSE(member.ok());
  EXPECT_NE(member.error().message.find("limit"), std::string::npos);
}

}  // namespace
}  // namespace provisioning
