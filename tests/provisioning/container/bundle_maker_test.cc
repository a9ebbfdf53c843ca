// Bundles are the same bytes whoever makes them, and what is read back is what went in.
#include "provisioning/container/bundle_maker.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "provisioning/container/archive_listing.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/model_signature.h"
#include "tests/provisioning/container/small_bundle.h"

namespace provisioning {
namespace {

TEST(BundleMaker, MakesABundleThatReadsBackInBothForms) {
  const SmallBundle bundle;
  const auto archive = bundle.make("a.rdb");
  const auto directory = bundle.make("d");
  EXPECT_EQ(archive.id, directory.id);
  for (const char* name : {"a.rdb", "d"}) {
    const auto status = bundle.check(name);
    EXPECT_TRUE(status.ok()) << name << ": " << status.error().message;
  }
  EXPECT_EQ(bundle.scratch().read("d/model/sub/x.gguf"), std::string(70'000, 'w'));
  EXPECT_EQ(bundle.scratch().read("d/qualify/golden.json"), bundle.scratch().read("golden.json"));
}

TEST(BundleMaker, MakesTheSameBytesAgain) {
  const SmallBundle one;
  const SmallBundle two;
  one.make("a.rdb");
  two.make("b.rdb");
  EXPECT_TRUE(one.scratch().read("a.rdb") == two.scratch().read("b.rdb"));
}

TEST(BundleMaker, LibarchiveSeesTheSameMembers) {
  const SmallBundle bundle;
  const auto made = bundle.make("a.rdb");
  const auto bytes = open_stored_file(base::open_file(bundle.path("a.rdb"), O_RDONLY).value());
  ASSERT_TRUE(bytes.ok());
  const auto members = list_archive(*bytes.value(), 100);
  ASSERT_TRUE(members.ok()) << members.error().message;
  ASSERT_EQ(members.value().size(), made.release.files.size() + 2);
  EXPECT_EQ(members.value()[0].name, kReleaseEntry);
  EXPECT_EQ(members.value()[0].size, kReleaseRoomBytes);
  EXPECT_EQ(members.value()[1].name, kSignatureEntry);
  EXPECT_EQ(members.value()[1].size, kSignatureRoomBytes);
  for (std::size_t i = 0; i < made.release.files.size(); ++i) {
    EXPECT_EQ(members.value()[i + 2].name, made.release.files[i].name);
    EXPECT_EQ(members.value()[i + 2].size, made.release.files[i].size);
  }
}

TEST(BundleMaker, PadsToSixtyFourKibibytesWithThirtyTwoToSpare) {
  EXPECT_EQ(padded_bytes(0, kReleaseRoomBytes), 128u << 10);
  EXPECT_EQ(padded_bytes(96u << 10, kReleaseRoomBytes), 128u << 10);
  EXPECT_EQ(padded_bytes((96u << 10) + 1, kReleaseRoomBytes), 192u << 10);
  EXPECT_EQ(padded_bytes(160u << 10, kReleaseRoomBytes), 192u << 10);
  EXPECT_EQ(padded_bytes((160u << 10) + 1, kReleaseRoomBytes), 256u << 10);
  EXPECT_EQ(padded_bytes(32u << 10, kSignatureRoomBytes), 64u << 10);
}

TEST(BundleMaker, TakesOverTheDirectorysOwnSignatureOrRefusesAWrongOne) {
  const SmallBundle bundle;
  const auto plain = bundle.make("plain");
  const auto key = SigningKey::generate("ecdsa-p384-sha384");
  ASSERT_TRUE(key.ok()) << key.error().message;
  const auto text = sign_model(plain.release, key.value(), {});
  ASSERT_TRUE(text.ok()) << text.error().message;
  bundle.scratch().write("model/model.sig", text.value());
  EXPECT_TRUE(bundle.make("a.rdb").kept_signature);
  EXPECT_TRUE(bundle.check("a.rdb").ok());
  const auto source = bundle.open("a.rdb");
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(read_claims(*source.value()).value().signature_text.substr(0, text.value().size()),
            text.value());

  bundle.scratch().write("model/config.json", "{ }");
  const auto stale = make_bundle(bundle.inputs(), SmallBundle::claims(), bundle.path("b.rdb"),
                                 BundleForm::kArchive);
  ASSERT_FALSE(stale.ok());
  EXPECT_NE(stale.error().message.find("config.json"), std::string::npos) << stale.error().message;
  EXPECT_FALSE(std::filesystem::exists(bundle.path("b.rdb")));
}

TEST(BundleMaker, RefusesWhatNoSiteWouldTakeAndLeavesNothingBehind) {
  const SmallBundle bundle;
  const auto refused = [&](const BundleInputs& inputs, const Release& claims) {
    const auto made = make_bundle(inputs, claims, bundle.path("out/a.rdb"), BundleForm::kArchive);
    const auto directory =
        make_bundle(inputs, claims, bundle.path("out/d"), BundleForm::kDirectory);
    return !made.ok() && !directory.ok() && std::filesystem::is_empty(bundle.path("out"));
  };
  std::filesystem::create_directory(bundle.path("out"));
  Release no_sequence = SmallBundle::claims();
  no_sequence.sequence = 0;
  EXPECT_TRUE(refused(bundle.inputs(), no_sequence));
  BundleInputs nothing = bundle.inputs();
  nothing.models = {bundle.path("missing")};
  EXPECT_TRUE(refused(nothing, SmallBundle::claims()));
  BundleInputs twice = bundle.inputs();
  twice.models = {bundle.path("golden.json"), bundle.path("golden.json")};
  EXPECT_TRUE(refused(twice, SmallBundle::claims()));
  bundle.scratch().write("sbom.json", R"({"bomFormat":"CycloneDX","specVersion":"1.6"})");
  BundleInputs foreign_sbom = bundle.inputs();
  foreign_sbom.sbom = bundle.path("sbom.json");
  EXPECT_TRUE(refused(foreign_sbom, SmallBundle::claims()));
  bundle.scratch().write("model/.hidden", "x");
  EXPECT_TRUE(refused(bundle.inputs(), SmallBundle::claims()));
}

}  // namespace
}  // namespace provisioning
