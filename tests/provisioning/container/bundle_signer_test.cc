// Signatures are added where the bundle lies, and nothing else in it changes.
#include "provisioning/container/bundle_signer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "provisioning/container/entry_names.h"
#include "provisioning/container/model_signature.h"
#include "tests/provisioning/container/small_bundle.h"

namespace provisioning {
namespace {

constexpr std::string_view kSuite = "ecdsa-p384-sha384";

SigningKey new_key(std::string_view suite = kSuite) {
  auto key = SigningKey::generate(suite);
  EXPECT_TRUE(key.ok()) << key.error().message;
  return std::move(key).value();
}

// Who has signed the statement, each signature verified.
void expect_signed_by(const SmallBundle& bundle, std::string_view name,
                      const std::vector<const SigningKey*>& keys) {
  const auto source = bundle.open(name);
  ASSERT_TRUE(source.ok());
  const auto claims = read_claims(*source.value());
  ASSERT_TRUE(claims.ok()) << claims.error().message;
  const Dsse& envelope = claims.value().envelope;
  ASSERT_EQ(envelope.signatures.size(), keys.size());
  const std::string message = dsse_pae(kReleasePayloadType, envelope.payload);
  for (const SigningKey* key : keys) {
    const auto verify_key = key->verify_key().value();
    const auto found = std::find_if(
        envelope.signatures.begin(), envelope.signatures.end(),
        [&](const DsseSignature& signature) { return signature.key_id == verify_key.id(); });
    ASSERT_NE(found, envelope.signatures.end());
    EXPECT_TRUE(verify_key.verify(std::as_bytes(std::span(message)), found->bytes).ok());
  }
}

TEST(BundleSigner, SignsEachFormInPlaceAndChangesNoStatement) {
  for (const char* name : {"a.rdb", "d"}) {
    const SmallBundle bundle;
    const auto made = bundle.make(name);
    const std::string before = std::string_view(name) == "a.rdb" ? bundle.scratch().read(name) : "";
    const SigningKey one = new_key();
    const SigningKey two = new_key("ed25519");
    {
      auto opened = SignableBundle::open(bundle.path(name));
      ASSERT_TRUE(opened.ok()) << opened.error().message;
      ASSERT_TRUE(opened.value().sign(one).ok());
      ASSERT_TRUE(opened.value().sign(one).ok()) << "again: replaced";
      ASSERT_TRUE(opened.value().sign_model(one, {}).ok());
    }
    auto again = SignableBundle::open(bundle.path(name));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again.value().claims().id, made.id);
    ASSERT_TRUE(again.value().sign(two).ok());
    expect_signed_by(bundle, name, {&one, &two});
    EXPECT_TRUE(bundle.check(name).ok());
    EXPECT_TRUE(check_model_statement(again.value().claims().signature_text, made.release).ok());
    if (before.empty()) continue;
    const std::string after = bundle.scratch().read(name);
    ASSERT_EQ(after.size(), before.size());
    const auto statement_end = before.find("\"signatures\"");
    EXPECT_EQ(after.substr(0, statement_end), before.substr(0, statement_end));
    const std::size_t files_at = 512 + kReleaseRoomBytes + 512 + kSignatureRoomBytes;
    EXPECT_TRUE(after.substr(files_at) == before.substr(files_at));
  }
}

TEST(BundleSigner, MergesSignaturesOfTheSameStatementAlone) {
  const SmallBundle bundle;
  bundle.make("a.rdb");
  const SigningKey one = new_key();
  const SigningKey two = new_key();
  const auto source = bundle.open("a.rdb");
  bundle.scratch().write("release.dsse", source.value()->read_release().value());
  auto statement = SignableBundle::open(bundle.path("release.dsse"));
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  EXPECT_EQ(statement.value().form(), SignableBundle::Form::kStatement);
  ASSERT_TRUE(statement.value().sign(two).ok());
  EXPECT_FALSE(statement.value().sign_model(two, {}).ok());

  auto archive = SignableBundle::open(bundle.path("a.rdb"));
  ASSERT_TRUE(archive.ok());
  ASSERT_TRUE(archive.value().sign(one).ok());
  EXPECT_EQ(archive.value().merge(bundle.scratch().read("release.dsse")).value(), 1u);
  EXPECT_EQ(archive.value().merge(bundle.scratch().read("release.dsse")).value(), 0u);
  expect_signed_by(bundle, "a.rdb", {&one, &two});

  bundle.scratch().write("model/config.json", "{ }");
  bundle.make("other.rdb");
  auto other = SignableBundle::open(bundle.path("other.rdb"));
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other.value().merge(bundle.scratch().read("release.dsse")).ok());
}

TEST(BundleSigner, SaysWhatToDoWhenThereIsNoRoom) {
  const SmallBundle bundle;
  const auto made = bundle.make("a.rdb");
  // 64 signatures of 2 KiB each: more than the 128 KiB that an archive of this size has.
  auto opened = SignableBundle::open(bundle.path("a.rdb"));
  ASSERT_TRUE(opened.ok());
  Dsse many = opened.value().claims().envelope;
  for (int i = 0; i < 64; ++i) {
    many.signatures.push_back(
        {.key_id = fmt::format("{:064x}", i), .bytes = std::vector<std::byte>(2048)});
  }
  const std::string before = bundle.scratch().read("a.rdb");
  const auto merged = opened.value().merge(serialize_dsse(many));
  ASSERT_FALSE(merged.ok());
  EXPECT_EQ(merged.error().code, base::ErrorCode::kExhausted);
  EXPECT_NE(merged.error().message.find("create the bundle again"), std::string::npos)
      << merged.error().message;
  EXPECT_TRUE(bundle.scratch().read("a.rdb") == before);
}

TEST(BundleSigner, AnArchiveHasRoomForTheModelSignatureOfManyFiles) {
  const SmallBundle bundle;
  for (int i = 0; i < 600; ++i)
    bundle.scratch().write(fmt::format("model/shard-{:05}.safetensors", i), "x");
  bundle.make("a.rdb");
  auto opened = SignableBundle::open(bundle.path("a.rdb"));
  ASSERT_TRUE(opened.ok());
  const auto signed_model = opened.value().sign_model(new_key(), {});
  EXPECT_TRUE(signed_model.ok()) << signed_model.error().message;
  EXPECT_GT(opened.value().claims().signature_text.size(), kSignatureRoomBytes);
  EXPECT_TRUE(bundle.check("a.rdb").ok());
}

TEST(BundleSigner, OnlyEcdsaKeysMakeAModelSignature) {
  const SmallBundle bundle;
  bundle.make("a.rdb");
  auto opened = SignableBundle::open(bundle.path("a.rdb"));
  ASSERT_TRUE(opened.ok());
  EXPECT_FALSE(opened.value().sign_model(new_key("ed25519"), {}).ok());
}

}  // namespace
}  // namespace provisioning
