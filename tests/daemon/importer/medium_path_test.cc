#include "daemon/importer/medium_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/provisioning/scratch_directory.h"

namespace daemon_importer {
namespace {

using testing::HasSubstr;

TEST(MediumPath, ABundleOfAnyKindIsItself) {
  const ScratchDirectory medium;
  medium.write("a.rdb", "x");
  medium.write("release/release.dsse", "x");
  medium.write("bare/model.sig", "x");
  medium.write("parts/b.rdb.parts", "x");
  for (const char* entry : {"a.rdb", "release", "bare", "parts"})
    EXPECT_EQ(find_bundle(medium / entry).value(), medium / entry);
}

TEST(MediumPath, TheOneBundleOfAMediumIsFoundAmongOtherThings) {
  const ScratchDirectory medium;
  medium.write("lost+found/x", "x");
  medium.write("notes.txt", "x");
  medium.write("release/release.dsse", "x");
  EXPECT_EQ(find_bundle(medium.path()).value(), medium / "release");
}

TEST(MediumPath, SeveralBundlesAreNamedAndNoneIsChosen) {
  const ScratchDirectory medium;
  medium.write("one.rdb", "x");
  medium.write("two\x1b.rdb", "x");
  EXPECT_THAT(find_bundle(medium.path()).error().message,
              HasSubstr("2 bundles: one.rdb, two?.rdb"));
}

TEST(MediumPath, AnEmptyOrACrowdedMediumIsRefused) {
  const ScratchDirectory medium;
  EXPECT_THAT(find_bundle(medium.path()).error().message, HasSubstr("holds no bundle"));
  for (std::size_t i = 0; i <= kMediumEntriesMax; ++i) medium.write(std::to_string(i), "x");
  EXPECT_EQ(find_bundle(medium.path()).error().code, base::ErrorCode::kExhausted);
  EXPECT_EQ(find_bundle(medium / "absent").error().code, base::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace daemon_importer
