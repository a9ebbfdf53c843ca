#include "provisioning/trust/release.h"

#include <gtest/gtest.h>

#include "hardening/base/hex.h"
#include "tests/provisioning/trust/trust_documents.h"

namespace {

using namespace provisioning;
using namespace trust_test;
using ::testing::Test;

std::string payload() {
  return serialize_release(make_release()).value();
}

// The file list is checked for names before anything that a digest would reveal.
std::string outcome_with_name(const std::string& name) {
  Release release = make_release();
  release.golden.clear();
  set_files(release, {make_file("model/x.gguf"), make_file(name)});
  return outcome(serialize_release(release));
}

TEST(Release, HasOneTextThatReadsBackTheSame) {
  Release release = make_release();
  release.expires = at("2031-01-01T00:00:00Z");
  const std::string text = serialize_release(release).value();
  const auto again = parse_release(text);
  ASSERT_EQ(outcome(again), "ok");
  EXPECT_EQ(serialize_release(again.value()).value(), text);
  EXPECT_TRUE(text.starts_with(
      R"({"type":"redoubt-release","format":1,"name":"assistant","sequence":7,)"
      R"("version":"2026.2","issued":"2026-02-01T00:00:00Z","expires":"2031-01-01T00:00:00Z",)"));
  EXPECT_EQ(again.value().total_bytes(), 5'000'000'312u);
  EXPECT_EQ(again.value().find("model/x.gguf")->size, 5'000'000'000u);
  EXPECT_EQ(again.value().find("model/y.gguf"), nullptr);
}

// SHA-256("abc"), FIPS 180-4's example, of a payload that is just that.
TEST(Release, IsCalledByTheDigestOfItsPayload) {
  EXPECT_EQ(release_id("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// The OMS root digest: SHA-256 over the files' digests. Here of two files, "a" and "b" by content,
// from a shell:
//   printf '%s' "$(printf a|sha256sum|cut -c1-64)$(printf b|sha256sum|cut -c1-64)" | xxd -r -p |
//   sha256sum
TEST(Release, TakesTheModelRootOverTheModelFilesAlone) {
  ReleaseFile a = make_file("model/a");
  a.sha256 = sha256("a");
  ReleaseFile b = make_file("model/b");
  b.sha256 = sha256("b");
  EXPECT_EQ(base::to_hex(model_root_of({a, b, make_file("qualify/c")})),
            "e5a01fee14e0ed5c48714f22180f25ad8365b53f9779f79dc4a3d7e93963f94a");
}

TEST(Release, TakesNamesThatTheLayoutAllows) {
  for (const std::string name :
       {"model/tokenizer.json", "model/a/b/c/d/e/f/g", "qualify/A-b_c+d=e.1", "sbom.cdx.json"}) {
    EXPECT_EQ(outcome_with_name(name), "ok") << name;
  }
  EXPECT_EQ(outcome_with_name("model/" + std::string(100, 'a')), "ok");
}

struct NameCase {
  std::string name;
  std::string why;
};

// Checklist 26 and 29: what leaves the directory, what a terminal would obey, what is ours.
TEST(Release, RefusesNamesThatAreMoreThanNames) {
  const std::vector<NameCase> cases{
      {"../x", "begins with \".\""},
      {"/etc/passwd", "an empty component"},
      {"model/../../b", "begins with \".\""},
      {"model//b", "an empty component"},
      {"./model/a", "begins with \".\""},
      {"model/a/", "an empty component"},
      {"model/", "an empty component"},
      {"", "an empty component"},
      {".", "begins with \".\""},
      {"..", "begins with \".\""},
      {"C:\\x", "a character"},
      {"model/a\\b", "a character"},
      {std::string("model/a\0b", 9), "a character"},
      {"model/a\nb", "a character"},
      {"model/a\x1b[2J", "a character"},
      {"model/\xc3\xa4", "a character"},
      {"model/a b", "a character"},
      {"model/" + std::string(101, 'a'), "a component of 101 bytes, limit 100"},
      {"model/" + std::string(5'000, 'a'), "a name of 5006 bytes, limit 255"},
      {"model/a/b/c/d/e/f/g/h", "9 levels, limit 8"},
      {"model", "outside model/ and qualify/"},
      {"models/a", "outside model/ and qualify/"},
      {"release.dsse", "outside model/ and qualify/"},
      {"model.sig", "outside model/ and qualify/"},
      {"model/.git", "begins with \".\""},
      {"qualify/.staging", "begins with \".\""},
      {"lost+found", "outside model/ and qualify/"},
      {"sbom.cdx.json/a", "outside model/ and qualify/"},
  };
  for (const auto& [name, why] : cases) {
    const std::string said = outcome_with_name(name);
    EXPECT_NE(said.find(why), said.npos) << "of a name with " << name.size() << " bytes: " << said;
    EXPECT_TRUE(said.starts_with("invalid_input: ")) << said;
  }
}

// Checklist 27 and 28.
TEST(Release, RefusesNamesThatCollide) {
  const std::vector<NameCase> cases{
      {"model/x.gguf", "stands twice"},
      {"model/X.GGUF", "stands twice, upper and lower case taken as equal"},
      {"model/x.gguf/a", "lies below model/x.gguf, which is a file"},
      {"model/X.gguf/a", "model/x.gguf is a directory of another file"},
  };
  for (const auto& [name, why] : cases) {
    const std::string said = outcome_with_name(name);
    EXPECT_NE(said.find(why), said.npos) << name << ": " << said;
  }
}

TEST(Release, RefusesFilesOutOfOrder) {
  Release release = make_release();
  std::swap(release.files[0], release.files[1]);
  release.model_root = model_root_of(release.files);
  const std::string said = outcome(serialize_release(release));
  EXPECT_NE(said.find("model/config.json stands behind model/x.gguf"), said.npos) << said;
}

// Checklist 32.
TEST(Release, RefusesMoreThanItsLimits) {
  Release release = make_release();
  release.golden.clear();
  std::vector<ReleaseFile> files;
  for (int i = 0; i < 20'001; ++i) files.push_back(make_file("model/" + std::to_string(i), 0));
  set_files(release, files);
  EXPECT_NE(outcome(serialize_release(release)).find("files has 20001 entries, limit 20000"),
            std::string::npos);

  files.pop_back();
  set_files(release, files);
  EXPECT_EQ(outcome(serialize_release(release)), "ok");

  constexpr std::uint64_t kFourTiB = std::uint64_t{4} << 40;
  for (const std::uint64_t size :
       {kFourTiB + 1, std::uint64_t{INT64_MAX}, std::uint64_t{UINT64_MAX}}) {
    set_files(release, {make_file("model/a", size)});
    EXPECT_NE(
        outcome(serialize_release(release)).find("size is not an integer of 0 to 4398046511104"),
        std::string::npos);
  }
  std::vector<ReleaseFile> large;
  for (const char* name : {"model/1", "model/2", "model/3", "model/4"})
    large.push_back(make_file(name, kFourTiB));
  set_files(release, large);
  EXPECT_EQ(outcome(serialize_release(release)), "ok");
  large.push_back(make_file("model/5", 1));
  set_files(release, large);
  EXPECT_NE(outcome(serialize_release(release)).find("has 17592186044417 bytes in all"),
            std::string::npos);
}

TEST(Release, RefusesAModelRootThatDoesNotFollow) {
  Release release = make_release();
  release.model_root.fill(std::byte{0});
  EXPECT_NE(outcome(serialize_release(release)).find("model_root is not the root"),
            std::string::npos);
  EXPECT_TRUE(outcome(parse_release(replaced(payload(), base::to_hex(make_release().model_root),
                                             std::string(64, '0'))))
                  .starts_with("denied: "));
}

struct TextCase {
  std::string from;
  std::string to;
  std::string why;
};

TEST(Release, RefusesWhatTheFormatDoesNotKnow) {
  const std::string digits = base::to_hex(make_release().files[0].sha256);
  const std::vector<TextCase> cases{
      {R"("type":"redoubt-release")", R"("type":"redoubt-root")",
       "type is not \"redoubt-release\""},
      {R"("format":1)", R"("format":2)", "format is not 1"},
      {R"("format":1)", R"("format":1.0)", "format is not 1"},
      {R"("format":1)", R"("format":1,"extra":0)", "an unknown member"},
      {R"("format":1)", R"("format":1,"format":1)", "duplicate key"},
      {R"("name":"assistant")", R"("name":"")", "has 0 bytes, not 1 to 128"},
      {R"("name":"assistant")", R"("name":"a/b")", "has a character other than"},
      {R"("name":"assistant")", R"("nome":"assistant")", "an unknown member"},
      {R"("sequence":7)", R"("sequence":0)", "not an integer of 1 to 9007199254740991"},
      {R"("sequence":7)", R"("sequence":-7)", "not an integer of 1"},
      {R"("sequence":7)", R"("sequence":7.0)", "not an integer of 1"},
      {R"("sequence":7)", R"("sequence":7e0)", "not an integer of 1"},
      {R"("sequence":7)", R"("sequence":07)", "malformed JSON"},
      {R"("sequence":7)", R"("sequence":"7")", "not an integer of 1"},
      {R"("sequence":7)", R"("sequence":9007199254740992)", "not an integer of 1"},
      {R"("sequence":7)", R"("sequence":18446744073709551615)", "not an integer of 1"},
      {R"("sequence":7)", R"("sequence":18446744073709551616)", "not an integer of 1"},
      {R"("version":"2026.2")", R"("version":"2026\n")", "version is not printable ASCII"},
      {"2026-02-01T00:00:00Z", "2026-02-30T00:00:00Z", "issued: a time that there is not"},
      {"2026-02-01T00:00:00Z", "2026-02-01T00:00:60Z", "issued: a time that there is not"},
      {"2026-02-01T00:00:00Z", "2026-02-01T00:00:00+00:00", "issued: not a time written as"},
      {"2026-02-01T00:00:00Z", "2026-02-01T00:00:00.0Z", "issued: not a time written as"},
      {"2026-02-01T00:00:00Z", "2026-02-01t00:00:00z", "issued: not a time written as"},
      {"2026-02-01T00:00:00Z", "1969-12-31T23:59:59Z", "issued: a time before 1970"},
      {R"("product_min":"0.1.0")", R"("product_min":"0.01.0")", "product_min: not a version"},
      {R"("product_min":"0.1.0")", R"("product_min":"")", "product_min: not a version"},
      {R"("product_min":"0.1.0")", R"("product_min":"1.")", "product_min: not a version"},
      {R"("product_min":"0.1.0")", R"("product_min":"-1")", "product_min: not a version"},
      {R"("product_min":"0.1.0")", R"("product_min":"1.2.3.4.5")",
       "product_min: a version of more than four"},
      {R"("sites":["alpha-7"])", R"("sites":["alpha-7","alpha-7"])", "sites has alpha-7 twice"},
      {R"("sites":["alpha-7"])", R"("sites":[""])", "sites: not a name"},
      {R"("sites":["alpha-7"])", R"("sites":null)", "sites is of type null"},
      {R"("backends":["cpu","cuda"])", R"("backends":[])", "backends is empty"},
      {R"("memory_bytes_min":0)", R"("memory_bytes_min":-1)", "memory_bytes_min is not an integer"},
      {R"("license":"Apache-2.0")", R"("license":"")", "license has 0 bytes"},
      {digits, digits.substr(1), "sha256 is not 64 lower-case"},
      {digits, "A" + digits.substr(1), "sha256 is not 64 lower-case"},
      {R"("size":12)", R"("size":12,"md5":"")", "files[0] has an unknown member"},
      {R"("golden":"qualify/golden.json")", R"("golden":"qualify/other.json")",
       "golden names what is not a file"},
      {R"("golden":"qualify/golden.json")", R"("golden":"model/x.gguf")",
       "golden names what is not a file"},
      {R"("evaluations":[])", R"("evaluations":["qualify/golden.json","qualify/golden.json"])",
       "twice"},
      {R"("evaluations":[])", R"("evaluations":["x"])", "evaluations names what is not a file"},
  };
  for (const auto& [from, to, why] : cases) {
    const auto parsed = parse_release(replaced(payload(), from, to));
    const std::string said = outcome(parsed);
    EXPECT_NE(said.find(why), said.npos) << to << ": " << said;
  }
}

TEST(Release, RefusesWhatStandsBehindIt) {
  EXPECT_NE(outcome(parse_release(payload() + "{}")), "ok");
  EXPECT_NE(outcome(parse_release(payload() + "x")), "ok");
  EXPECT_NE(outcome(parse_release("")), "ok");
  EXPECT_NE(outcome(parse_release("[]")), "ok");
}

TEST(Release, HasToHaveAModel) {
  Release release = make_release();
  set_files(release, {make_file("qualify/golden.json")});
  EXPECT_NE(outcome(serialize_release(release)).find("has none below model/"), std::string::npos);
  set_files(release, {});
  release.golden.clear();
  EXPECT_NE(outcome(serialize_release(release)).find("has none below model/"), std::string::npos);
}

}  // namespace
