// The statement's rules, one by one: a good payload with one thing changed, and the reason it is refused for.
#include "provisioning/statement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardening/base/hex.h"

namespace provisioning {
namespace {

using testing::HasSubstr;

Statement sample() {
  Statement statement;
  statement.subject = "demo";
  statement.resources = {{"weights.gguf", sha256("weights")}, {"a/b.txt", sha256("text")}};
  statement.ignore_paths = {".git", "model.sig"};
  return statement;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string refusal(std::string_view payload) {
  const auto statement = parse_statement(payload);
  return statement.ok() ? "accepted" : statement.error().message;
}

TEST(Statement, ReadsBackWhatItWrote) {
  const std::string payload = serialize_statement(sample());
  const Statement again = parse_statement(payload).value();
  EXPECT_EQ(again.subject, "demo");
  ASSERT_EQ(again.resources.size(), 2U);
  EXPECT_EQ(again.resources[0].name, "a/b.txt");  // code-point order
  EXPECT_EQ(again.resources[1].digest, sha256("weights"));
  EXPECT_EQ(serialize_statement(again), payload);
}

TEST(Statement, GivesTheSameBytesWhateverTheOrderOfItsFiles) {
  Statement reversed = sample();
  std::swap(reversed.resources[0], reversed.resources[1]);
  EXPECT_EQ(serialize_statement(reversed), serialize_statement(sample()));
}

TEST(Statement, RootDigestIsOverTheRawDigestsInArrayOrder) {
  // printf weights | sha256sum; printf text | sha256sum; both as bytes through sha256sum again.
  Sha256 hash;
  hash.update(sha256("weights"));
  hash.update(sha256("text"));
  EXPECT_EQ(sample().root_digest(), hash.finish());
}

TEST(Statement, IgnoresExtraMembersOfResourcesAlone) {
  const std::string payload = serialize_statement(sample());
  EXPECT_EQ(refusal(replaced(payload, R"("algorithm":)", R"("size":7,"algorithm":)")), "accepted");
  EXPECT_THAT(refusal(replaced(payload, R"("resources":)", R"("extra":1,"resources":)")), HasSubstr("unknown member"));
  EXPECT_THAT(refusal(replaced(payload, R"("_type":)", R"("extra":1,"_type":)")), HasSubstr("unknown member"));
  EXPECT_THAT(refusal(replaced(payload, R"("method":)", R"("extra":1,"method":)")), HasSubstr("unknown member"));
}

struct Change {
  std::string_view from;
  std::string_view to;
  std::string_view reason;
};

TEST(Statement, RefusesEachViolationByName) {
  const Change changes[] = {
      {"in-toto.io/Statement/v1", "in-toto.io/Statement/v0.1", "_type"},
      {"signature/v1.0", "signature/v2.0", "predicateType"},
      {"signature/v1.0", "Digests/v0.1", "predicateType"},
      {R"("method":"files")", R"("method":"shards")", "method"},
      {R"("hash_type":"sha256")", R"("hash_type":"blake2b")", "hash_type"},
      {R"("allow_symlinks":false)", R"("allow_symlinks":true)", "links are not followed"},
      {R"("algorithm":"sha256")", R"("algorithm":"blake3")", "algorithm"},
      {R"("name":"a/b.txt")", R"("name":"../b.txt")", "component"},
      {R"("name":"a/b.txt")", R"("name":"/b.txt")", "component"},
      {R"("name":"a/b.txt")", R"("name":"a//b.txt")", "component"},
      {R"("name":"a/b.txt")", R"("name":"./b.txt")", "component"},
      {R"("name":"a/b.txt")", R"("name":"a/")", "component"},
      {R"("name":"a/b.txt")", R"("name":"a\u0000b")", "NUL"},
      {R"("name":"a/b.txt")", R"("name":"weights.gguf")", "twice"},
      {R"("name":"a/b.txt")", R"("name":"model.sig")", "model.sig"},
      {R"("name":"demo")", R"("name":"")", "subject"},
      {R"([".git",)", R"([".",)", "ignore path"},
      {R"([".git",)", R"(["",)", "ignore path"},
      {R"([".git",)", R"(["../x",)", "ignore path"},
      {R"([".git",)", R"(["/etc",)", "ignore path"},
      {R"([".git",)", R"(["*.gguf",)", "wildcard"},
      {R"("predicate":{)", R"("predicate":{"resources":[],)", "duplicate key"},
  };
  const std::string payload = serialize_statement(sample());
  for (const Change& change : changes) {
    EXPECT_THAT(refusal(replaced(payload, change.from, change.to)), HasSubstr(change.reason))
        << change.from << " -> " << change.to;
  }
}

TEST(Statement, RefusesDigestsThatDoNotAddUp) {
  const std::string payload = serialize_statement(sample());
  const std::string weights = base::to_hex(sha256("weights"));
  EXPECT_THAT(refusal(replaced(payload, weights, base::to_hex(sha256("other")))), HasSubstr("root"));
  EXPECT_THAT(refusal(replaced(payload, weights, weights.substr(2))), HasSubstr("62 hexadecimal digits"));
  std::string upper = weights;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_THAT(refusal(replaced(payload, weights, upper)), HasSubstr("hexadecimal"));
}

TEST(Statement, RefusesASignatureOverNothing) {
  Statement empty = sample();
  empty.resources.clear();
  EXPECT_THAT(refusal(serialize_statement(empty)), HasSubstr("covers no file"));
}

TEST(Statement, RefusesWhatIsNotAStatement) {
  for (const std::string_view text : {"", "[]", "null", "{}", "{\"_type\":1}", "\xff"}) {
    EXPECT_FALSE(parse_statement(text).ok()) << text;
  }
}

}  // namespace
}  // namespace provisioning
