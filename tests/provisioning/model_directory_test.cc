// Signing and verifying whole directories, against the reference tool's own signature and against
// tampering.
#include "provisioning/model_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "hardening/base/hex.h"
#include "provisioning/envelope.h"
#include "tests/provisioning/scratch_directory.h"
#include "tests/provisioning/test_certificates.h"

namespace provisioning {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string vector_file(const std::string& name) {
  return base::read_text_file("tests/vectors/oms/" + name, 1 << 20).value();
}

std::vector<PublicKey> one_key(PublicKey key) {
  std::vector<PublicKey> keys;
  keys.push_back(std::move(key));
  return keys;
}

// The directory of tests/vectors/oms/README.md.
void fill_golden(const ScratchDirectory& directory) {
  directory.write("a/b", "one\n");
  directory.write("a-b", "two\n");
  directory.write("a.txt", "three\n");
  directory.write("empty.bin", "");
  directory.write("é模.bin", "four\n");
}

class SignedDirectory : public testing::Test {
 protected:
  SignedDirectory() : keys_(one_key(key_.public_key().value())) {
    directory_.write("model.gguf", "weights");
    directory_.write("sub/template.txt", "template");
    const Statement statement = describe_directory(directory_.open(), "demo").value();
    directory_.write("model.sig", serialize_envelope(
                                      seal_payload(serialize_statement(statement), key_).value()));
  }

  std::string verdict() const {
    auto model = SignedModel::open(directory_.open(), keys_);
    if (!model.ok()) return model.error().message;
    const auto status = model.value().verify_all();
    return status.ok() ? "verified" : status.error().message;
  }

  PrivateKey key_ = PrivateKey::generate(Curve::kP384).value();
  std::vector<PublicKey> keys_;
  ScratchDirectory directory_;
};

TEST(GoldenSignature, VerifiesOverTheDirectoryItWasMadeFor) {
  const ScratchDirectory directory;
  fill_golden(directory);
  const auto keys = one_key(PublicKey::parse_pem(vector_file("golden.pub.pem")).value());
  EXPECT_EQ(keys[0].hint(), "ffc6985a0dc4619b1f1ccfff90672bada2505d45423112823dea55b3e98cbeeb");
  const SignedModel model =
      SignedModel::open(directory.open(), vector_file("golden.model.sig"), keys).value();
  EXPECT_EQ(base::to_hex(model.statement().root_digest()),
            "e2677dfbabb545996fd5dce092289d6f1918ef8997288aa7bbb35f49c522aace");
  EXPECT_TRUE(model.verify_all().ok());
  directory.write("a-b", "TWO\n");
  EXPECT_THAT(model.verify_all().error().message, HasSubstr("a-b: sha256 is"));
}

TEST(GoldenSignature, VerifiesByCertificateToo) {
  const ScratchDirectory directory;
  fill_golden(directory);
  SignatureTrust trust;
  trust.certificates.roots = {vector_file("certificate.root.pem")};
  trust.certificates.time = 1'800'000'000;
  const std::string text = vector_file("certificate.model.sig");
  const SignedModel model = SignedModel::open(directory.open(), text, trust).value();
  EXPECT_EQ(model.signer().subject, "CN=Signer,O=Redoubt Tests");
  EXPECT_EQ(model.signer().id, "401e359e99eca8f88f061ccc6f02aa6e0bb1f4bd64104bd0cbf25781e4b16563");
  EXPECT_TRUE(model.verify_all().ok());
}

TEST_F(SignedDirectory, Verifies) {
  EXPECT_EQ(verdict(), "verified");
}

TEST_F(SignedDirectory, RefusesAChangedByte) {
  directory_.write("model.gguf", "weightz");
  EXPECT_THAT(verdict(), HasSubstr("model.gguf: sha256 is"));
}

TEST_F(SignedDirectory, RefusesAFileThatWasNotSigned) {
  directory_.write("sub/extra", "");
  EXPECT_EQ(verdict(), "sub/extra is not covered by the signature");
}

TEST_F(SignedDirectory, RefusesAMissingFile) {
  ::unlink((directory_ / "model.gguf").c_str());
  EXPECT_THAT(verdict(), HasSubstr("model.gguf"));
}

TEST_F(SignedDirectory, RefusesALinkInPlaceOfAFile) {
  ::rename((directory_ / "model.gguf").c_str(), (directory_ / "sub/elsewhere").c_str());
  ASSERT_EQ(::symlink("sub/elsewhere", (directory_ / "model.gguf").c_str()), 0);
  EXPECT_THAT(verdict(), HasSubstr("model.gguf"));
}

TEST_F(SignedDirectory, RefusesALinkedDirectory) {
  ::rename((directory_ / "sub").c_str(), (directory_ / "sub2").c_str());
  ASSERT_EQ(::symlink("sub2", (directory_ / "sub").c_str()), 0);
  const auto model = SignedModel::open(directory_.open(), keys_).value();
  EXPECT_FALSE(model.read("sub/template.txt").ok());
}

TEST_F(SignedDirectory, DoesNotWaitForAFifo) {
  ::unlink((directory_ / "model.gguf").c_str());
  ASSERT_EQ(::mkfifo((directory_ / "model.gguf").c_str(), 0600), 0);
  const auto model = SignedModel::open(directory_.open(), keys_).value();
  EXPECT_THAT(model.read("model.gguf").error().message, HasSubstr("not a regular file"));
}

TEST_F(SignedDirectory, RefusesAnotherKey) {
  keys_ = one_key(PrivateKey::generate(Curve::kP384).value().public_key().value());
  EXPECT_THAT(verdict(), HasSubstr("not trusted"));
}

TEST_F(SignedDirectory, RefusesWhenNoKeyIsTrusted) {
  keys_.clear();
  EXPECT_THAT(verdict(), HasSubstr("no trusted key"));
}

TEST_F(SignedDirectory, RefusesAChangedPayload) {
  Envelope envelope = parse_envelope(directory_.read("model.sig")).value();
  envelope.payload.back() = ' ';
  directory_.write("model.sig", serialize_envelope(envelope));
  EXPECT_THAT(verdict(), HasSubstr("does not verify"));
}

TEST_F(SignedDirectory, ReadsAVerifiedFileThatLaterChangesDoNotTouch) {
  const auto model = SignedModel::open(directory_.open(), keys_).value();
  base::VerifiedFile file = model.read("model.gguf").value();
  directory_.write("model.gguf", "WEIGHTS");
  const auto bytes = file.bytes();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "weights");
  EXPECT_FALSE(model.read("model.gguf").ok());
  EXPECT_THAT(model.read("unknown").error().message, HasSubstr("not covered"));
}

TEST_F(SignedDirectory, VerifiesAFileOfManyPiecesToItsLastByte) {
  std::string text(5'000'001, 'w');  // read ahead in pieces of a mebibyte
  for (std::size_t i = 0; i < text.size(); i += 4099) text[i] = static_cast<char>('a' + i % 26);
  directory_.write("model.gguf", text);
  const auto fd = base::open_file(directory_.path() + "/model.gguf", O_RDONLY);
  ASSERT_TRUE(fd.ok());
  std::uint64_t last = 0;
  const auto read = FileVerifier::read(fd.value(), "model.gguf", sha256(text),
                                       [&last](std::uint64_t done, std::uint64_t) { last = done; });
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(last, text.size());
  EXPECT_TRUE(std::ranges::equal(read.value().bytes(), std::as_bytes(std::span(text))));
  text.back() = '!';
  const auto again = base::open_file(directory_.path() + "/model.gguf", O_RDONLY);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(FileVerifier::read(again.value(), "model.gguf", sha256(text)).error().code,
            base::ErrorCode::kDenied);
}

TEST_F(SignedDirectory, TakesOverWeightsOfASignedFileAlone) {
  const SignedModel model = SignedModel::open(directory_.open(), keys_).value();
  const auto weights_of = [](const base::VerifiedFile& file) {
    auto weights = base::WeightsDraft::create(file, 10).value();
    return std::move(weights).seal().value().take_descriptor();
  };
  const base::VerifiedFile file = model.read("model.gguf").value();
  directory_.write("model.gguf", "gone");  // nothing of it is read again
  EXPECT_EQ(model.inherit("model.gguf", weights_of(file)).value().file_sha256(), file.sha256());

  const base::VerifiedFile other = model.read("sub/template.txt").value();
  EXPECT_EQ(model.inherit("model.gguf", weights_of(other)).error().code, base::ErrorCode::kDenied);
  EXPECT_THAT(model.inherit("other.gguf", weights_of(file)).error().message,
              HasSubstr("not covered by the signature"));
}

TEST_F(SignedDirectory, ListsFilesInCodePointOrder) {
  const ScratchDirectory golden;
  fill_golden(golden);
  golden.write(".git/config", "not listed");
  const std::vector<std::string> ignored{".git"};
  EXPECT_THAT(list_files(golden.open(), ignored).value(),
              ElementsAre("a-b", "a.txt", "a/b", "empty.bin", "é模.bin"));
}

TEST_F(SignedDirectory, VerifiesByCertificateAndSaysWhoSigned) {
  const TestCertificate root = make_certificate({.name = "Root", .extensions = ca_extensions()});
  const TestCertificate leaf =
      make_certificate({.name = "Signer", .extensions = signer_extensions(), .issuer = &root});
  Statement statement = describe_directory(directory_.open(), "demo").value();
  const auto envelope =
      seal_payload(serialize_statement(statement), leaf.private_key(), {leaf.der()});
  directory_.write("model.sig", serialize_envelope(envelope.value()));

  SignatureTrust trust;
  EXPECT_THAT(
      SignedModel::open(directory_.open(), directory_.read("model.sig"), trust).error().message,
      HasSubstr("no root certificate is trusted"));
  trust.certificates.roots = {root.pem()};
  trust.certificates.time = 1'800'000'000;
  const SignedModel model =
      SignedModel::open(directory_.open(), directory_.read("model.sig"), trust).value();
  EXPECT_EQ(model.signer().method, SignatureMethod::kCertificate);
  EXPECT_EQ(model.signer().subject, "CN=Signer");
  EXPECT_EQ(model.signer_hint(), base::to_hex(sha256(leaf.der())));
  EXPECT_TRUE(model.verify_all().ok());
  EXPECT_THAT(verdict(), HasSubstr("no root certificate is trusted"));  // keys alone
}

TEST_F(SignedDirectory, CoversNothingAtIgnoredPathsAndReadsNothingThere) {
  directory_.write(".git/config", "planted");
  directory_.write(".gitattributes", "planted");
  const SignedModel model = SignedModel::open(directory_.open(), keys_).value();
  EXPECT_TRUE(model.verify_all().ok());
  EXPECT_THAT(model.read(".git/config").error().message, HasSubstr("not covered"));
  directory_.write("sub/.git/config", "planted");  // at the top alone they are ignored
  EXPECT_EQ(verdict(), "sub/.git/config is not covered by the signature");
}

TEST_F(SignedDirectory, GivesTheSamePayloadEachTime) {
  const auto payload = [&] {
    return serialize_statement(describe_directory(directory_.open(), "demo").value());
  };
  EXPECT_EQ(payload(), payload());
  EXPECT_EQ(payload(), parse_envelope(directory_.read("model.sig")).value().payload);
}

}  // namespace
}  // namespace provisioning
