#include "provisioning/store/trusted_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "provisioning/envelope.h"
#include "tests/provisioning/store/staged_release.h"

namespace provisioning {
namespace {

using store_test::Files;
using store_test::hex_of;
using testing::HasSubstr;
using trust_test::outcome;

const trust_test::Signer& officer() {
  static const trust_test::Signer signer = trust_test::make_signer();
  return signer;
}

std::string text_of(const base::VerifiedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::string large_text() {
  std::string text(3 * kChunkBytes + 17, 'x');
  for (std::size_t i = 0; i < text.size(); i += 97) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

class TrustedReleaseTest : public testing::Test {
 protected:
  TrustedReleaseTest() {
    for (const auto& [name, text] : files_) {
      const auto digests = store_test::digests_of(text);
      objects_.write(hex_of(text), text);
      objects_.write(hex_of(text) + ".chunks",
                     {reinterpret_cast<const char*>(digests.chunks.data()),
                      digests.chunks.size() * sizeof(Sha256Digest)});
    }
    text_ = trust_test::seal_release(store_test::release_of(files_), {&officer()});
  }
  base::Result<TrustedModel> open() const {
    return TrustedModel::open_release(objects_.open(), text_, root_);
  }

  const Files files_{
      {"model/empty", ""}, {"model/large.gguf", large_text()}, {"qualify/golden.json", "{}"}};
  const TrustRoot root_ = trust_test::make_root({&officer()}, 1, {&officer()}, 1);
  ScratchDirectory objects_;
  std::string text_;
};

TEST_F(TrustedReleaseTest, ReadsWhatWasSignedOnAnyNumberOfThreads) {
  const auto model = open().value();
  for (const unsigned threads : {0u, 1u, 2u, 3u, 16u}) {
    std::uint64_t last = 0;
    const auto file =
        model.read("model/large.gguf", threads, [&](std::uint64_t done, std::uint64_t total) {
          EXPECT_GE(done, last);
          EXPECT_EQ(total, files_.at("model/large.gguf").size());
          last = done;
        });
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(text_of(file.value()), files_.at("model/large.gguf")) << threads;
    EXPECT_EQ(base::to_hex(file.value().sha256()), hex_of(files_.at("model/large.gguf")));
    EXPECT_EQ(last, files_.at("model/large.gguf").size());
  }
  EXPECT_EQ(model.read("empty", 2).value().bytes().size(), 0u);
  EXPECT_EQ(text_of(model.read("qualify/golden.json", 2).value()), "{}");
}

TEST_F(TrustedReleaseTest, NamesThePieceThatIsWrong) {
  std::string damaged = files_.at("model/large.gguf");
  damaged[2 * kChunkBytes + 5] ^= 1;
  objects_.write(hex_of(files_.at("model/large.gguf")), damaged);
  EXPECT_THAT(outcome(open().value().read("model/large.gguf", 2)),
              HasSubstr("denied: model/large.gguf: piece 3 of 4"));
}

TEST_F(TrustedReleaseTest, DigestsThatWereAlteredTogetherWithTheFileAreNotBelieved) {
  const std::string other(files_.at("model/large.gguf").size(), 'y');
  const auto digests = store_test::digests_of(other);
  objects_.write(hex_of(files_.at("model/large.gguf")), other);
  objects_.write(hex_of(files_.at("model/large.gguf")) + ".chunks",
                 {reinterpret_cast<const char*>(digests.chunks.data()),
                  digests.chunks.size() * sizeof(Sha256Digest)});
  EXPECT_THAT(outcome(open().value().read("model/large.gguf", 2)),
              HasSubstr("not those the signature vouches for"));
}

TEST_F(TrustedReleaseTest, AFileOfAnotherSizeIsRefusedBeforeItIsRead) {
  objects_.write(hex_of(files_.at("model/large.gguf")), "short");
  EXPECT_THAT(outcome(open().value().read("model/large.gguf", 2)),
              HasSubstr("5 bytes, the signature says"));
}

TEST_F(TrustedReleaseTest, KnowsItsFilesAndRefusesOthers) {
  const auto model = open().value();
  EXPECT_THAT(model.model_files(), testing::ElementsAre("empty", "large.gguf"));
  EXPECT_EQ(model.signers(), std::vector<std::string>{officer().id});
  EXPECT_EQ(model.release()->name, "assistant");
  EXPECT_EQ(model.read("model/other", 1).error().code, base::ErrorCode::kDenied);
  std::filesystem::remove(objects_ / hex_of("{}"));
  EXPECT_EQ(model.read("qualify/golden.json", 1).error().code, base::ErrorCode::kCorrupt);
}

TEST_F(TrustedReleaseTest, ASignatureBySomebodyElseOpensNothing) {
  const auto stranger = trust_test::make_signer();
  text_ = trust_test::seal_release(store_test::release_of(files_), {&stranger});
  EXPECT_EQ(open().error().code, base::ErrorCode::kDenied);
}

TEST(TrustedBareModel, IsReadByContentFromTheStoreAndByNameFromItsDirectory) {
  const auto key = PrivateKey::generate(Curve::kP256).value();
  std::vector<PublicKey> keys;
  keys.push_back(key.public_key().value());
  ScratchDirectory directory;
  directory.write("sub/weights.gguf", "weights");
  const Statement statement = describe_directory(directory.open(), "demo").value();
  const std::string signature =
      serialize_envelope(seal_payload(serialize_statement(statement), key).value());
  directory.write("model.sig", signature);
  ScratchDirectory objects;
  objects.write(hex_of("weights"), "weights");

  const auto named = TrustedModel::open_directory(directory.open(), keys).value();
  const auto stored = TrustedModel::open_bare(objects.open(), signature, keys).value();
  for (const TrustedModel* model : {&named, &stored}) {
    EXPECT_EQ(model->digest(), base::to_hex(statement.root_digest()));
    EXPECT_THAT(model->model_files(), testing::ElementsAre("sub/weights.gguf"));
    EXPECT_EQ(text_of(model->read("sub/weights.gguf", 2).value()), "weights");
    EXPECT_EQ(model->read("other", 1).error().code, base::ErrorCode::kDenied);
  }
  objects.write(hex_of("weights"), "Weights");
  EXPECT_EQ(stored.read("sub/weights.gguf", 1).error().code, base::ErrorCode::kDenied);
}

}  // namespace
}  // namespace provisioning
