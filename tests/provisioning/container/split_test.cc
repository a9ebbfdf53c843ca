// Parts are cut and joined without a trace, read as the archive they make, and a damaged one is
// told.
#include "provisioning/container/split.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/provisioning/container/small_bundle.h"

namespace provisioning {
namespace {

namespace fs = std::filesystem;

struct Split {
  explicit Split(std::uint64_t part_bytes) {
    bundle.make("a.rdb");
    fs::create_directory(bundle.path("parts"));
    auto split = split_archive(bundle.path("a.rdb"), part_bytes, bundle.path("parts"));
    EXPECT_TRUE(split.ok()) << split.error().message;
    index = std::move(split).value();
  }
  SmallBundle bundle;
  PartsIndex index;
};

TEST(Split, PartsAreReadAsTheArchiveTheyMakeAndJoinToIt) {
  for (const std::uint64_t part_bytes :
       {std::uint64_t{100'000}, std::uint64_t{131'071}, std::uint64_t{1} << 30}) {
    const Split split(part_bytes);
    const auto status = split.bundle.check("parts");
    EXPECT_TRUE(status.ok()) << part_bytes << ": " << status.error().message;
    ASSERT_TRUE(join_parts(split.bundle.path("parts"), split.bundle.path("joined.rdb")).ok());
    EXPECT_TRUE(split.bundle.scratch().read("joined.rdb") == split.bundle.scratch().read("a.rdb"));
  }
}

TEST(Split, GivesTheSamePartsAgainAndRoundTripsItsIndex) {
  const Split one(100'000);
  const Split two(100'000);
  EXPECT_EQ(one.bundle.scratch().read("parts/a.rdb.parts"),
            two.bundle.scratch().read("parts/a.rdb.parts"));
  const auto index = parse_parts(serialize_parts(one.index));
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(serialize_parts(index.value()), serialize_parts(one.index));
}

TEST(Split, RefusesSizesThatMakeNoSense) {
  const Split split(100'000);
  const auto refused = [&](std::uint64_t size) {
    return !split_archive(split.bundle.path("a.rdb"), size, split.bundle.path("parts")).ok();
  };
  EXPECT_TRUE(refused(0));
  EXPECT_TRUE(refused(100));
  EXPECT_EQ(part_count(999 * 512, 512), 999u);
  EXPECT_EQ(part_count(999 * 512 + 1, 512), 0u);
  EXPECT_FALSE(
      split_archive(split.bundle.path("golden.json"), 512, split.bundle.path("parts")).ok())
      << "not named .rdb";
}

TEST(Split, TellsWhichPartIsDamagedOrMissing) {
  const Split split(100'000);
  const auto join = [&] {
    return join_parts(split.bundle.path("parts"), split.bundle.path("joined.rdb"));
  };
  std::string part = split.bundle.scratch().read("parts/a.rdb.002");
  part[500] = static_cast<char>(part[500] ^ 1);
  split.bundle.scratch().write("parts/a.rdb.002", part);
  const auto damaged = join();
  ASSERT_FALSE(damaged.ok());
  EXPECT_NE(damaged.error().message.find("a.rdb.002"), std::string::npos);
  EXPECT_FALSE(fs::exists(split.bundle.path("joined.rdb")));
  split.bundle.scratch().write("parts/a.rdb.002", part.substr(1));
  EXPECT_FALSE(join().ok());
  EXPECT_FALSE(split.bundle.check("parts").ok());
  fs::remove(split.bundle.path("parts/a.rdb.002"));
  EXPECT_FALSE(join().ok());
  EXPECT_FALSE(split.bundle.check("parts").ok());
}

TEST(Split, RefusesAnIndexThatDoesNotAddUp) {
  const std::string digest = "\"" + std::string(64, 'a') + "\"";
  const auto index = [&](const std::string& bytes, const std::string& part,
                         const std::string& digests) {
    return parse_parts("{\"type\":\"redoubt-parts\",\"format\":1,\"bytes\":" + bytes +
                       ",\"part_bytes\":" + part + ",\"sha256\":[" + digests + "]}");
  };
  EXPECT_TRUE(index("1024", "512", digest + "," + digest).ok());
  EXPECT_FALSE(index("1024", "512", digest).ok());
  EXPECT_FALSE(index("1025", "512", digest + "," + digest).ok());
  EXPECT_FALSE(index("0", "512", "").ok());
  EXPECT_FALSE(index("1024", "0", digest).ok());
  EXPECT_FALSE(index("1024", "511", digest + "," + digest + "," + digest).ok());
  EXPECT_FALSE(index("-1", "512", digest).ok());
  EXPECT_FALSE(index("9223372036854775807", "512", digest).ok());
  EXPECT_FALSE(index("18446744073709551615", "512", digest).ok());
  EXPECT_FALSE(index("512.0", "512", digest).ok());
  EXPECT_FALSE(index("512", "512", "\"" + std::string(64, 'A') + "\"").ok());
  EXPECT_FALSE(index("512", "512", "\"aa\"").ok());
  EXPECT_FALSE(index("512", "512", "5").ok());
  EXPECT_FALSE(parse_parts("{}").ok());
}

TEST(Split, LeavesOtherFilesOnTheMediumAloneButNotASecondBundle) {
  const Split split(100'000);
  split.bundle.scratch().write("parts/System Volume Information/x", "x");
  EXPECT_TRUE(split.bundle.check("parts").ok());
  split.bundle.scratch().write("parts/b.rdb.parts", "{}");
  EXPECT_FALSE(split.bundle.check("parts").ok());
}

}  // namespace
}  // namespace provisioning
