#include "daemon/importer/import_messages.h"

#include <gtest/gtest.h>

#include "daemon/importer/importer_config.h"

namespace daemon_importer {
namespace {

ImportResult result() {
  ImportResult result;
  result.verdict = Verdict::kStaged;
  result.resumed = true;
  result.name = "assistant";
  result.sequence = 7;
  result.version = "2026.11";
  result.signers = {std::string(64, 'a')};
  result.warnings = {"expired"};
  return result;
}

TEST(ImportMessages, ComeBackAsTheyWereSent) {
  const ImportMessage messages[] = {Started{std::string(64, 'b'), 12}, Progress{1, 12, "importing"},
                                    result()};
  for (const ImportMessage& message : messages) {
    const auto bytes = serialize(message);
    const auto again = parse(bytes);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(serialize(again.value()), bytes);
  }
}

TEST(ImportMessages, EveryShorterAndEveryLongerOneIsRefused) {
  auto bytes = serialize(result());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse(std::span(bytes).first(size)).ok()) << size;
  }
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(parse(bytes).ok());
}

TEST(ImportMessages, TextsAreCutAndCannotTalkToATerminal) {
  ImportResult refused;
  refused.error = "\x1b[2J" + std::string(100'000, 'x');
  const auto parsed = parse(serialize(refused)).value();
  const auto& error = std::get<ImportResult>(parsed).error;
  EXPECT_EQ(error.size(), kErrorBytesMax);
  EXPECT_EQ(error.substr(0, 5), "?[2Jx");
}

TEST(ImportMessages, ControlBytesOfAnImporterThatIsNotOursAreRefused) {
  auto bytes = serialize(Progress{1, 2, "what"});
  bytes.back() = std::byte{0x1b};
  EXPECT_EQ(parse(bytes).error().code, base::ErrorCode::kInvalidInput);
}

TEST(ImporterConfig, ComesBackAsItWasWritten) {
  ImporterConfig config;
  config.trust_root = "{}";
  config.trusted_keys = {"a key"};
  config.site.backends = {"cpu"};
  config.site.product_version = "0.1.0";
  config.site.now = 5;
  config.recheck = true;
  const auto again = ImporterConfig::parse(config.serialize()).value();
  EXPECT_EQ(again.serialize(), config.serialize());
  EXPECT_FALSE(ImporterConfig::parse("{}").ok());
}

}  // namespace
}  // namespace daemon_importer
