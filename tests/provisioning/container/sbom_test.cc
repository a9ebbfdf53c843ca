// The bill of materials we write is taken, and one that says anything else of the files is not.
#include "provisioning/container/sbom.h"

#include <gtest/gtest.h>

#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "tests/provisioning/container/small_bundle.h"

namespace provisioning {
namespace {

struct Made {
  SmallBundle bundle;
  Release release = bundle.make("d").release;
  std::string text = bundle.scratch().read("d/sbom.cdx.json");
};

TEST(Sbom, IsTakenAsWeWriteIt) {
  const Made made;
  const auto status = check_sbom(made.text, made.release);
  EXPECT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(make_sbom(made.release, {}), made.text);
}

TEST(Sbom, HasTheSameLengthWhateverTheDigests) {
  const Made made;
  Release blank = made.release;
  for (auto& file : blank.files) file.sha256 = {}, file.sha384 = {};
  blank.model_root = {};
  EXPECT_EQ(make_sbom(blank, {}).size(), made.text.size());
  EXPECT_NE(make_sbom(blank, {}), made.text);
}

TEST(Sbom, NamesTheBarsOfTheEvaluations) {
  const Made made;
  const auto json = base::Json::parse(
      make_sbom(made.release, {{.kind = "exact", .set = "facts", .minimum = "0.8"}}));
  ASSERT_TRUE(json.ok());
  const auto* const metrics = json.value()
                                  .find("metadata")
                                  ->find("component")
                                  ->find("modelCard")
                                  ->find("quantitativeAnalysis");
  ASSERT_NE(metrics, nullptr);
  EXPECT_EQ(metrics->dump(),
            R"({"performanceMetrics":[{"type":"exact","value":">= 0.8","slice":"facts"}]})");
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

TEST(Sbom, IsRefusedWhereItSaysSomethingElseOfTheFiles) {
  const Made made;
  const std::string digest = base::to_hex(made.release.find("model/config.json")->sha256);
  const std::string extra =
      R"({"type":"file","name":"NAME","hashes":[{"alg":"SHA-256","content":")" + digest + "\"}]},";
  const std::string list = "\"components\": [";
  const std::pair<const char*, std::string> texts[] = {
      {"another digest", replaced(made.text, digest, std::string(64, '0'))},
      {"a short digest", replaced(made.text, digest, "00")},
      {"another algorithm's name", replaced(made.text, "\"SHA-256\"", "\"SHA-512\"")},
      {"another file's name",
       replaced(made.text, "\"name\": \"model/config.json\"", "\"name\": \"model/other.json\"")},
      {"a file more", replaced(made.text, list, list + replaced(extra, "NAME", "model/more"))},
      {"a file twice",
       replaced(made.text, list, list + replaced(extra, "NAME", "model/config.json"))},
      {"a file of the bundle, not of the model",
       replaced(made.text, list, list + replaced(extra, "NAME", "qualify/golden.json"))},
      {"a name that would clear the screen",
       replaced(made.text, list, list + replaced(extra, "NAME", R"(\u001b[2J)"))},
      {"version 1.5", replaced(made.text, "\"1.6\"", "\"1.5\"")},
      {"another format", replaced(made.text, "CycloneDX", "SPDX")},
      {"no JSON", made.text.substr(1)},
      {"something behind it", made.text + "{}"},
      {"nothing", ""},
      {"a list", "[]"},
      {"components of another type", replaced(made.text, list, "\"components\": 1, \"x\": [")},
  };
  for (const auto& [what, text] : texts) {
    const auto status = check_sbom(text, made.release);
    ASSERT_FALSE(status.ok()) << what;
    EXPECT_EQ(status.error().message.find('\x1b'), std::string::npos) << what;
  }
}

TEST(Sbom, MayNestFilesAndClaimMore) {
  const Made made;
  const std::string nested = replaced(
      made.text, "\"components\": [",
      "\"extra\": true, \"components\": [{\"type\":\"library\",\"name\":\"x\",\"components\": [");
  const auto close = nested.rfind(']');
  const auto status = check_sbom(std::string(nested).replace(close, 1, "]}]"), made.release);
  EXPECT_TRUE(status.ok()) << status.error().message;
}

}  // namespace
}  // namespace provisioning
