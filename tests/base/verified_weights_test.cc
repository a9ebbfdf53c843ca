// Weights name the file they are made of, and nobody takes them for those of another.
#include "hardening/base/verified_weights.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/runtime/model/test_file.h"

namespace {

using provisioning::FileVerifier;
using testing::HasSubstr;

base::VerifiedFile::Sha256Digest digest(int value) {
  base::VerifiedFile::Sha256Digest bytes{};
  bytes.fill(static_cast<std::byte>(value));
  return bytes;
}

base::VerifiedWeights weights_of_file(int value, std::string_view text) {
  const base::VerifiedFile file =
      FileVerifier::trust(std::vector<std::byte>(100, std::byte{1}), digest(value));
  auto draft = base::WeightsDraft::create(file, text.size()).value();
  draft.back(text.size());
  std::memcpy(draft.bytes().data(), text.data(), text.size());
  return std::move(draft).seal().value();
}

std::string text_of(const base::VerifiedWeights& weights) {
  return {reinterpret_cast<const char*>(weights.bytes().data()), weights.bytes().size()};
}

TEST(VerifiedWeights, AreTakenOverByWhoNamesTheirFile) {
  base::VerifiedWeights first = weights_of_file(5, "layers");
  EXPECT_EQ(text_of(first), "layers");
  const auto second = FileVerifier::inherit(first.take_descriptor(), digest(5));
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(text_of(second.value()), "layers");
  EXPECT_EQ(second.value().file_sha256(), digest(5));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second.value().bytes().data()) % 64, 0U);
}

TEST(VerifiedWeights, AreDeniedToWhoNamesAnotherFile) {
  const auto other =
      FileVerifier::inherit(weights_of_file(5, "layers").take_descriptor(), digest(6));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, base::ErrorCode::kDenied);
  EXPECT_THAT(other.error().message, HasSubstr("0505"));
}

// A memfd with these bytes, sealed as weights are.
base::Fd sealed(const std::vector<std::byte>& bytes) {
  base::Fd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(
      ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
  return fd;
}

std::string message(const std::vector<std::byte>& bytes) {
  const auto inherited = FileVerifier::inherit(sealed(bytes), digest(0));
  return inherited.ok() ? "taken over" : inherited.error().message;
}

TEST(VerifiedWeights, AreRefusedWithAnyFieldOfTheHeaderWrong) {
  std::vector<std::byte> good(base::WeightsHeader::kBytes + 10);
  base::WeightsHeader header;
  header.weights_bytes = 10;
  header.serialize(std::span(good).first<base::WeightsHeader::kBytes>());
  EXPECT_EQ(message(good), "taken over");
  const auto with = [&](std::size_t at, int value) {
    std::vector<std::byte> bytes = good;
    bytes[at] = static_cast<std::byte>(value);
    return message(bytes);
  };
  EXPECT_THAT(with(0, 0), HasSubstr("does not begin as weights do"));
  EXPECT_THAT(with(8, 2), HasSubstr("version 2; 1 is read"));
  EXPECT_THAT(with(16, 1), HasSubstr("sha256"));
  EXPECT_THAT(with(48, 11), HasSubstr("weights of 11 bytes in a memory of 74"));
  EXPECT_THAT(with(55, 255), HasSubstr("bytes in a memory of 74"));
  good.resize(base::WeightsHeader::kBytes - 1);
  EXPECT_THAT(message(good), HasSubstr("weights header"));
}

}  // namespace
