#include "daemon/audit/tlog/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/audit/tlog/cosignature.h"
#include "daemon/audit/tlog/text_fields.h"
#include "hardening/base/hex.h"
#include "tests/daemon/audit/tlog/naive_tree.h"
#include "tests/daemon/audit/tlog/tlog_vector.h"

namespace daemon_audit {
namespace {

using ::testing::HasSubstr;

// C2SP tlog-checkpoint.
constexpr char kSofa[] =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

VerifierKey vector_key() {
  return VerifierKey::parse(kVectorLogKey).value();
}

TEST(Checkpoint, ReadsAndWritesTheExampleOfTheFormat) {
  const auto checkpoint = Checkpoint::parse(kSofa).value();
  EXPECT_EQ(checkpoint.origin, "example.com/behind-the-sofa");
  EXPECT_EQ(checkpoint.size, 20'852'163u);
  EXPECT_EQ(encode_hash(checkpoint.root), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
  EXPECT_EQ(checkpoint.serialize(), kSofa);
  const auto extended = Checkpoint::parse(std::string(kSofa) + "more\nand more\n").value();
  EXPECT_EQ(extended.serialize(), kSofa);
}

TEST(Checkpoint, RefusesWhatIsNone) {
  const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  for (const std::string& text :
       {std::string(), std::string("a\n"), std::string("a\n1\n"), "\n1\n" + root, "a\n\n" + root,
        "a\n01\n" + root, "a\n-1\n" + root, "a\n+1\n" + root, "a\n1 \n" + root, "a\n0x1\n" + root,
        "a\n18446744073709551616\n" + root, "a\n281474976710657\n" + root,
        "a\n1\n" + root.substr(0, 44), "a\n1\n" + root.substr(4),
        std::string("a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n"),
        std::string("a\n1\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n"), "a\n1\n" + root + "\n",
        "a\n1\n" + root + "b\n\nc\n", "a\n1\r\n" + root}) {
    EXPECT_FALSE(Checkpoint::parse(text).ok()) << text;
  }
}

TEST(Checkpoint, IsSignedAndOpened) {
  const auto key = SignerKey::generate("redoubt/a").value();
  const Checkpoint checkpoint{.origin = "redoubt/a", .size = 0, .root = hash_empty_tree()};
  const std::string note = sign_checkpoint(checkpoint, key).value();
  const auto opened = open_checkpoint(note, key.verifier()).value();
  EXPECT_EQ(opened.size, 0u);
  EXPECT_EQ(opened.root, hash_empty_tree());
  EXPECT_EQ(open_checkpoint(note, vector_key()).error().code, base::ErrorCode::kDenied);
  EXPECT_FALSE(sign_checkpoint({.origin = "redoubt/b", .size = 0, .root = {}}, key).ok());
}

TEST(Checkpoint, IsNotOpenedUnderAnotherOrigin) {
  const auto key = SignerKey::generate("redoubt/a").value();
  const std::string text = "redoubt/b\n0\n" + encode_hash(hash_empty_tree()) + "\n";
  const auto refused = open_checkpoint(text + '\n' + key.sign(text).value(), key.verifier());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kDenied);
  EXPECT_THAT(refused.error().message, HasSubstr("origin"));
}

TEST(Checkpoint, SignsAsPythonDoes) {
  const auto key = SignerKey::from_pem("redoubt.example/log", kVectorLogPem).value();
  EXPECT_EQ(key.verifier().text(), kVectorLogKey);
  const auto leaves = make_leaves(300);
  const Checkpoint checkpoint{
      .origin = "redoubt.example/log", .size = 300, .root = naive_root(leaves)};
  EXPECT_THAT(kVectorProof, HasSubstr(sign_checkpoint(checkpoint, key).value()));
}

TEST(TlogProof, IsAsPythonMakesIt) {
  const auto leaves = make_leaves(300);
  const auto proof = TlogProof::parse(kVectorProof).value();
  EXPECT_EQ(proof.index, 123u);
  EXPECT_EQ(proof.path, prove_inclusion(123, 300, reader_over(leaves)).value());
  EXPECT_EQ(proof.serialize(), kVectorProof);
  const auto checkpoint = check_proof(proof, "record 123", vector_key());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint.value().size, 300u);
}

TEST(TlogProof, HoldsForNothingElse) {
  const auto proof = TlogProof::parse(kVectorProof).value();
  const auto code = [](const TlogProof& bent, std::string_view record) {
    return check_proof(bent, record, vector_key()).error().code;
  };
  EXPECT_EQ(code(proof, "record 124"), base::ErrorCode::kDenied);
  EXPECT_EQ(code(proof, "record 123 "), base::ErrorCode::kDenied);
  EXPECT_EQ(code(proof, std::string(65'536, 'r')), base::ErrorCode::kDenied);
  TlogProof bent = proof;
  bent.index = 122;
  EXPECT_EQ(code(bent, "record 123"), base::ErrorCode::kDenied);
  bent.index = 300;
  EXPECT_EQ(code(bent, "record 123"), base::ErrorCode::kDenied);
  bent = proof;
  bent.path.pop_back();
  EXPECT_EQ(code(bent, "record 123"), base::ErrorCode::kDenied);
  const auto other = SignerKey::generate("redoubt.example/log").value();
  EXPECT_EQ(check_proof(proof, "record 123", other.verifier()).error().code,
            base::ErrorCode::kDenied);
}

TEST(TlogProof, CarriesExtraBytes) {
  TlogProof proof = TlogProof::parse(kVectorProof).value();
  proof.extra = std::string("a\0b", 3);
  const std::string text = proof.serialize();
  EXPECT_THAT(text, HasSubstr("\nextra YQBi\nindex 123\n"));
  EXPECT_EQ(TlogProof::parse(text).value().extra, proof.extra);
}

TEST(TlogProof, RefusesEachLineThatIsMissingAndEachOtherForm) {
  const std::string text = kVectorProof;
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', end + 1)) {
    if (end + 1 == text.size() || text.substr(end + 1).starts_with("\xE2\x80\x94 witness"))
      continue;
    EXPECT_FALSE(TlogProof::parse(text.substr(0, end + 1)).ok()) << end;
  }
  const auto replaced = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return TlogProof::parse(changed).ok();
  };
  EXPECT_TRUE(replaced("index 123", "index 0"));
  EXPECT_FALSE(replaced("@v1", "@v2"));
  EXPECT_FALSE(replaced("index 123", "index 0123"));
  EXPECT_FALSE(replaced("index 123", "index -1"));
  EXPECT_FALSE(replaced("index 123", "index  1"));
  EXPECT_FALSE(replaced("index 123", "index 281474976710656"));
  EXPECT_FALSE(replaced("index 123", "extra \nindex 123"));
  EXPECT_FALSE(replaced("index 123", "extra ****\nindex 123"));
  EXPECT_FALSE(replaced("index 123\n", "index 123\nAAAA\n"));
  std::string many;
  for (int i = 0; i < 48; ++i) many += encode_hash(hash_empty_tree()) + "\n";
  EXPECT_FALSE(replaced("index 123\n", "index 123\n" + many));
}

// C2SP tlog-cosignature gives the text that the Ed25519 cosignature of its example is over.
TEST(Cosignature, IsOverTheTextThatTheFormatNames) {
  EXPECT_EQ(cosigned_text(1'679'315'147, kSofa),
            "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
            "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
  const std::string bytes =
      decode_base64(
          "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+"
          "mbIUBkBIfZ+qnA==",
          "example")
          .value();
  EXPECT_EQ(parse_cosignature(std::string_view(bytes).substr(4)).value().time, 1'679'315'147u);
}

// The structure of the ML-DSA-44 message, byte for byte, with RFC 8446's length prefixes.
TEST(Cosignature, HasTheStructureThatMlDsaSigns) {
  const auto message = cosigned_message("w1", 258, kSofa).value();
  const std::string root =
      decode_base64("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "r").value();
  EXPECT_EQ(message, std::string("subtree/v1\n\0", 12) + std::string("\2w1", 3) +
                         std::string("\0\0\0\0\0\0\1\2", 8) +
                         "\x1b"
                         "example.com/behind-the-sofa" +
                         std::string(8, '\0') + std::string("\0\0\0\0\1\x3e\x2d\xc3", 8) + root);
}

}  // namespace
}  // namespace daemon_audit
