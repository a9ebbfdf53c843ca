#include "provisioning/store/about.h"

#include <gtest/gtest.h>

#include "provisioning/store/object_list.h"
#include "tests/provisioning/trust/trust_documents.h"

namespace provisioning {
namespace {

using trust_test::outcome;
using trust_test::replaced;

StoredModel model() {
  StoredModel model;
  model.id = std::string(64, 'a');
  model.name = "assistant";
  model.sequence = 7;
  model.version = "2026.11";
  model.imported = 1'795'284'000;
  model.signers = {std::string(64, 'b')};
  model.bytes = 12;
  return model;
}

TEST(About, ComesBackAsItWasWritten) {
  const auto parsed = parse_about(serialize_about(model())).value();
  EXPECT_EQ(serialize_about(parsed), serialize_about(model()));
  EXPECT_EQ(parsed.version, "2026.11");
  EXPECT_EQ(parsed.signers, model().signers);
}

TEST(About, RefusesWhatNobodyOfUsWrites) {
  const std::string good = serialize_about(model());
  const std::pair<const char*, const char*> spoils[] = {
      {"\"format\":1", "\"format\":2"},
      {"\"bare\":false", "\"bare\":0"},
      {"\"bytes\":12", "\"bytes\":-12"},
      {"\"name\":\"assistant\"", "\"name\":\"../x\""},
      {"\"version\":\"2026.11\"", "\"version\":\"\\u001b[2J\""},
      {"\"verity\":false", "\"verity\":false,\"more\":1"},
      {"\"id\":\"aa", "\"id\":\"AA"},
      {"\"signers\":[\"bb", "\"signers\":[\"x\",\"bb"},
      {"\"sequence\":7,", ""}};
  for (const auto& [from, to] : spoils)
    EXPECT_FALSE(parse_about(replaced(good, from, to)).ok()) << to;
}

TEST(ObjectList, IsSortedWithoutRepetitionsAndStrict) {
  const StoredObject a{std::string(64, 'a'), 3};
  const StoredObject b{std::string(64, 'b'), 0};
  const std::string text = serialize_object_list({b, a, b});
  EXPECT_EQ(text, a.sha256 + " 3\n" + b.sha256 + " 0\n");
  EXPECT_EQ(parse_object_list(text).value(), (std::vector<StoredObject>{a, b}));
  for (const std::string& bad :
       {b.sha256 + " 0\n" + a.sha256 + " 3\n", a.sha256 + " 3\n" + a.sha256 + " 3\n",
        a.sha256 + " 3", a.sha256 + " 03\n", a.sha256 + " -1\n", a.sha256 + "\n",
        a.sha256 + "  3\n", std::string(64, 'A') + " 3\n", a.sha256 + " 99999999999999999999999\n",
        a.sha256 + " 9999999999999999\n", std::string("\n")}) {
    EXPECT_FALSE(parse_object_list(bad).ok()) << bad;
  }
  EXPECT_TRUE(parse_object_list("").value().empty());
}

}  // namespace
}  // namespace provisioning
