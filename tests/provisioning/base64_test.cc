#include "provisioning/base64.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace provisioning {
namespace {

std::string decoded(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes.ok()) return "error: " + bytes.error().message;
  return std::string(reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size());
}

TEST(Base64, AgreesWithTheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},        {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(to_base64(std::as_bytes(std::span(plain))), text);
    EXPECT_EQ(decoded(text), plain);
  }
}

TEST(Base64, AcceptsTheUrlSafeAlphabetButNoMix) {
  EXPECT_EQ(decoded("-_-_"), decoded("+/+/"));
  EXPECT_THAT(decoded("+_+_"), testing::HasSubstr("mixes two alphabets"));
}

TEST(Base64, RefusesWhatALenientReaderWouldSkip) {
  for (const std::string_view text : {"Zg", "Zg=", "Z===", "Zg==Zg==", "Z!!g", "Zm9v\n", "Zh==", "====", "=Zg="}) {
    EXPECT_THAT(decoded(text), testing::StartsWith("error: ")) << text;
  }
}

}  // namespace
}  // namespace provisioning
