// The statement's rules, one by one: a good payload with one thing changed, and the reason it is
// refused for.
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
  EXPECT_THAT(refusal(replaced(payload, R"("resources":)", R"("extra":1,"resources":)")),
              HasSubstr("unknown member"));
  EXPECT_THAT(refusal(replaced(payload, R"("_type":)", R"("extra":1,"_type":)")),
              HasSubstr("unknown member"));
  EXPECT_THAT(refusal(replaced(payload, R"("method":)", R"("extra":1,"method":)")),
              HasSubstr("unknown member"));
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
      {"signature/v1.0", "signature/v1.1", "predicateType"},
      {"signature/v1.0", "Digests/v0.1", "before 1.0: have the model signed again"},
      {"signature/v1.0", "signature/v0.1", "before 1.0: have the model signed again"},
      {R"("method":"files")", R"("method":"shards")", "whole files"},
      {R"("method":"files")", R"("method":"shards","shard_size":2000.0)", "whole files"},
      {R"("method":"files")", R"("method":"shards","shard_size":0)", "whole files"},
      {R"("method":"files")", R"("method":"files","shard_size":2000.0)",
       "unknown member \"shard_size\""},
      {R"("method":"files")", R"("method":"items")", "only \"files\" is read"},
      {R"("hash_type":"sha256")", R"("hash_type":"blake2b")", "digests are SHA-256 here"},
      {R"("hash_type":"sha256")", R"("hash_type":"md5")", "only \"sha256\" is read"},
      {R"("allow_symlinks":false)", R"("allow_symlinks":true)", "links are not followed"},
      {R"("allow_symlinks":false)", R"("allow_symlinks":0)", "of type"},
      {R"("algorithm":"sha256")", R"("algorithm":"blake3")", "digests are SHA-256 here"},
      {R"("algorithm":"sha256")", R"("algorithm":"md5")", "only \"sha256\" is read"},
      {R"("name":"a/b.txt")", R"("name":"../b.txt")", "component"},
      {R"("name":"a/b.txt")", R"("name":"/b.txt")", "component"},
      {R"("name":"a/b.txt")", R"("name":"a//b.txt")", "component"},
      {R"("name":"a/b.txt")", R"("name":"./b.txt")", "component"},
      {R"("name":"a/b.txt")", R"("name":"a/")", "component"},
      {R"("name":"a/b.txt")", R"("name":"a\u0000b")", "NUL"},
      {R"("name":"a/b.txt")", R"("name":"weights.gguf")", "twice"},
      {R"("name":"a/b.txt")", R"("name":"Weights.GGUF")", "twice"},
      {R"("name":"a/b.txt")", R"("name":"weights.gguf/x")", "file and a directory"},
      {R"("name":"a/b.txt")", R"("name":"model.sig")", "model.sig"},
      {R"("name":"a/b.txt")", R"("name":".")", "single file"},
      {R"("name":"a/b.txt")", R"("name":"a\u001b[2J")", "control character"},
      {R"("name":"a/b.txt")", R"("name":".git/config")", ".git"},
      {R"("name":"a/b.txt")", R"("name":7)", "of type"},
      {R"("name":"a/b.txt")", R"("x":1)", "name is missing"},
      {R"("name":"demo")", R"("name":"")", "subject"},
      {R"("name":"demo")", R"("name":"a\u202eb")", "control character"},
      {R"({"name":"demo")", R"({},{"name":"demo")", "exactly one"},
      {R"([".git",)", R"([".",)", "ignore path"},
      {R"([".git",)", R"([7,)", "not a string"},
      {R"([".git",)", R"(["weights.gguf",)", "lies at an ignored path"},
      {R"([".git",)", R"(["a",)", "lies at an ignored path"},
      {R"([".git",)", R"(["a/b.txt",)", "lies at an ignored path"},
      {R"([".git",)", R"(["a\u000ab",)", "control character"},
      {R"([".git",)", R"(["a\\b",)", "backslash"},
      {R"(".git","model.sig"])", R"(".git"],"ignore_paths":[])", "duplicate key"},
      {R"([".git",)", R"(["",)", "ignore path"},
      {R"([".git",)", R"(["../x",)", "ignore path"},
      {R"([".git",)", R"(["/etc",)", "ignore path"},
      {R"([".git",)", R"(["*.gguf",)", "wildcard"},
      {R"("predicate":{)", R"("predicate":{"resources":[],)", "duplicate key"},
      {R"("subject":[)", R"("subject":[],"subject":[)", "duplicate key"},
      {R"("algorithm":)", R"("name":"x","algorithm":)", "duplicate key"},
      {R"("sha256":)", R"("sha256":"","sha256":)", "duplicate key"},
      {R"("predicateType":)", R"("_type":"","predicateType":)", "duplicate key"},
  };
  const std::string payload = serialize_statement(sample());
  for (const Change& change : changes) {
    EXPECT_THAT(refusal(replaced(payload, change.from, change.to)), HasSubstr(change.reason))
        << change.from << " -> " << change.to;
  }
}

TEST(Statement, TakesFilesInAnyOrderWithTheRootOfThatOrder) {
  const std::string payload = serialize_statement(sample());  // a/b.txt first
  const std::string one = R"({"name":"a/b.txt","algorithm":"sha256","digest":")" +
                          base::to_hex(sha256("text")) + R"("})";
  const std::string two = R"({"name":"weights.gguf","algorithm":"sha256","digest":")" +
                          base::to_hex(sha256("weights")) + R"("})";
  const std::string turned = replaced(payload, one + "," + two, two + "," + one);
  EXPECT_THAT(refusal(turned), HasSubstr("root"));  // still the root of the first order
  const std::string root = base::to_hex(sample().root_digest());  // sample() has the weights first
  Statement sorted = sample();
  std::swap(sorted.resources[0], sorted.resources[1]);
  EXPECT_EQ(refusal(replaced(turned, base::to_hex(sorted.root_digest()), root)), "accepted");
}

TEST(Statement, TakesAnEmptyFileAndTenThousand) {
  Statement large = sample();
  for (int i = 0; i < 10'000; ++i)
    large.resources.push_back({"part/" + std::to_string(i), sha256("")});
  EXPECT_EQ(refusal(serialize_statement(large)), "accepted");
}

TEST(Statement, BoundsWhatItTakes) {
  Statement many = sample();
  for (int i = 0; i <= 50'000; ++i)
    many.resources.push_back({"part/" + std::to_string(i), sha256("")});
  EXPECT_THAT(refusal(serialize_statement(many)), HasSubstr("50003 files, limit 50000"));
  Statement hidden = sample();
  for (int i = 0; i < 65; ++i) hidden.ignore_paths.push_back("x" + std::to_string(i));
  EXPECT_THAT(refusal(serialize_statement(hidden)), HasSubstr("67 ignore paths, limit 64"));
  Statement wordy = sample();
  wordy.subject.assign(2000, 's');
  EXPECT_THAT(refusal(serialize_statement(wordy)), HasSubstr("2000 bytes, limit 1024"));
}

TEST(Statement, RefusesDigestsThatDoNotAddUp) {
  const std::string payload = serialize_statement(sample());
  const std::string weights = base::to_hex(sha256("weights"));
  EXPECT_THAT(refusal(replaced(payload, weights, base::to_hex(sha256("other")))),
              HasSubstr("root"));
  EXPECT_THAT(refusal(replaced(payload, weights, weights.substr(2))),
              HasSubstr("62 hexadecimal digits"));
  std::string upper = weights;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_THAT(refusal(replaced(payload, weights, upper)), HasSubstr("hexadecimal"));
}

TEST(Statement, RefusesASignatureOverNothing) {
  Statement empty = sample();
  empty.resources.clear();
  EXPECT_THAT(refusal(serialize_statement(empty)), HasSubstr("covers no file"));
}

TEST(Statement, RefusesAValueBehindItAndEveryTruncation) {
  const std::string payload = serialize_statement(sample());
  for (const std::string_view behind : {"{}", "x", ",", "\n[]"})
    EXPECT_NE(refusal(payload + std::string(behind)), "accepted");
  EXPECT_EQ(refusal(payload + " \n"), "accepted");
  for (std::size_t size = 0; size < payload.size(); ++size)
    EXPECT_NE(refusal(payload.substr(0, size)), "accepted");
}

TEST(Statement, RefusesWhatIsNotAStatement) {
  for (const std::string_view text : {"", "[]", "null", "{}", "{\"_type\":1}", "\xff"}) {
    EXPECT_FALSE(parse_statement(text).ok()) << text;
  }
}

}  // namespace
}  // namespace provisioning
