#include "hardening/base/verified_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/runtime/model/test_file.h"

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(VerifiedFile, GivesPagesBackOnceNothingOfThemIsWanted) {
  const std::vector<std::byte> ones(9 * kMiB + 100, std::byte{1});
  base::VerifiedFile file = provisioning::FileVerifier::trust(ones);
  const auto count = [&file] {
    const auto bytes = file.bytes();
    return static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), std::byte{1}));
  };
  // In odd pieces, the odd ones first: what is still wanted stays as it is.
  constexpr std::size_t kPiece = 700'001;
  for (const std::size_t turn : {1U, 0U}) {
    for (std::size_t i = turn; i * kPiece < ones.size(); i += 2) {
      file.release(i * kPiece, std::min(kPiece, ones.size() - i * kPiece));
      for (std::size_t later = turn == 1 ? 0 : i + 2; later * kPiece < ones.size(); later += 2) {
        const auto piece = file.bytes().subspan(later * kPiece);
        ASSERT_EQ(piece[0], std::byte{1});
        ASSERT_EQ(piece[std::min(kPiece, piece.size()) - 1], std::byte{1});
      }
    }
  }
  EXPECT_EQ(count(), 0U);
}

TEST(VerifiedFile, MovesWithWhatIsStillWanted) {
  const std::vector<std::byte> ones(3 * kMiB, std::byte{1});
  base::VerifiedFile first = provisioning::FileVerifier::trust(ones);
  first.release(0, kMiB);
  base::VerifiedFile second = std::move(first);
  EXPECT_EQ(second.bytes()[2 * kMiB], std::byte{1});
  second.release(kMiB, 2 * kMiB);
  EXPECT_EQ(second.bytes()[2 * kMiB], std::byte{0});
}

TEST(VerifiedFileDeathTest, NothingIsReleasedTwice) {
  const std::vector<std::byte> ones(kMiB, std::byte{1});
  base::VerifiedFile file = provisioning::FileVerifier::trust(ones);
  file.release(0, kMiB / 2);
  EXPECT_DEATH(file.release(0, kMiB), "");
}

}  // namespace
