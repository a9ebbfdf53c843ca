#include "daemon/audit/tlog/tree.h"

#include <gtest/gtest.h>

#include <cstring>

#include "hardening/base/hex.h"
#include "tests/daemon/audit/tlog/naive_tree.h"

namespace daemon_audit {
namespace {

Hash from_hex(std::string_view text) {
  const auto bytes = base::from_hex(text).value();
  Hash hash{};
  EXPECT_EQ(bytes.size(), hash.size());
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

std::vector<Hash> all_from_hex(const std::vector<std::string>& texts) {
  std::vector<Hash> hashes;
  for (const auto& text : texts) hashes.push_back(from_hex(text));
  return hashes;
}

// The eight leaves, roots and proofs that google/certificate-transparency tests itself with
// (cpp/merkletree/merkle_tree_test.cc).
std::vector<Hash> published_leaves() {
  std::vector<Hash> leaves;
  for (const char* hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                          "606162636465666768696a6b6c6d6e6f"}) {
    const auto bytes = base::from_hex(hex).value();
    leaves.push_back(hash_leaf({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }
  return leaves;
}

constexpr const char* kPublishedRoots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

TEST(Tree, HasThePublishedRoots) {
  const auto hashes = reader_over(published_leaves());
  for (std::uint64_t size = 0; size <= 8; ++size) {
    EXPECT_EQ(tree_root(size, hashes).value(), from_hex(kPublishedRoots[size])) << size;
  }
}

TEST(Tree, GivesThePublishedInclusionProofs) {
  const auto hashes = reader_over(published_leaves());
  EXPECT_EQ(prove_inclusion(0, 1, hashes).value(), std::vector<Hash>{});
  EXPECT_EQ(prove_inclusion(0, 8, hashes).value(),
            all_from_hex({"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                          "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                          "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
  EXPECT_EQ(prove_inclusion(5, 8, hashes).value(),
            all_from_hex({"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                          "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
  EXPECT_EQ(prove_inclusion(2, 3, hashes).value(),
            all_from_hex({"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}));
  EXPECT_EQ(prove_inclusion(1, 5, hashes).value(),
            all_from_hex({"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                          "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                          "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
}

TEST(Tree, GivesThePublishedConsistencyProofs) {
  const auto hashes = reader_over(published_leaves());
  EXPECT_EQ(prove_consistency(1, 1, hashes).value(), std::vector<Hash>{});
  EXPECT_EQ(prove_consistency(1, 8, hashes).value(),
            all_from_hex({"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                          "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                          "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
  EXPECT_EQ(prove_consistency(6, 8, hashes).value(),
            all_from_hex({"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                          "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
  EXPECT_EQ(prove_consistency(2, 5, hashes).value(),
            all_from_hex({"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                          "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
}

constexpr std::size_t kSizes = 300;

TEST(Tree, HasTheRootsOfTheDefinitionAtAllSizes) {
  const auto leaves = make_leaves(kSizes);
  const auto hashes = reader_over(leaves);
  for (std::size_t size = 0; size <= kSizes; ++size) {
    EXPECT_EQ(tree_root(size, hashes).value(), naive_root(LeafHashes(leaves).first(size))) << size;
  }
}

// Each leaf of each size up to 130, then every 13th; each also as a proof that no longer holds.
TEST(Tree, ProvesEachLeafAsTheDefinitionDoes) {
  const auto leaves = make_leaves(kSizes);
  const auto hashes = reader_over(leaves);
  for (std::size_t size = 1; size <= kSizes; size += size < 130 ? 1 : 13) {
    const Hash root = tree_root(size, hashes).value();
    for (std::size_t i = 0; i < size; ++i) {
      auto proof = prove_inclusion(i, size, hashes).value();
      ASSERT_EQ(proof, naive_path(i, LeafHashes(leaves).first(size))) << i << " of " << size;
      ASSERT_TRUE(check_inclusion(leaves[i], i, size, proof, root).ok()) << i << " of " << size;
      ASSERT_FALSE(check_inclusion(leaves[i + 1 == kSizes ? 0 : i + 1], i, size, proof, root).ok());
      ASSERT_FALSE(check_inclusion(leaves[i], i, size, proof, leaves[0]).ok() && size > 1);
      ASSERT_FALSE(check_inclusion(leaves[i], i == 0 ? size : i - 1, size, proof, root).ok());
      proof.push_back(root);
      ASSERT_FALSE(check_inclusion(leaves[i], i, size, proof, root).ok());
      proof.pop_back();
      if (proof.empty()) continue;
      proof.back()[0] ^= std::byte{1};
      ASSERT_FALSE(check_inclusion(leaves[i], i, size, proof, root).ok());
      proof.pop_back();
      ASSERT_FALSE(check_inclusion(leaves[i], i, size, proof, root).ok());
    }
  }
}

TEST(Tree, ProvesEachGrowthAsTheDefinitionDoes) {
  const auto leaves = make_leaves(kSizes);
  const auto hashes = reader_over(leaves);
  for (std::size_t size = 1; size <= kSizes; size += size < 130 ? 1 : 13) {
    const Hash root = tree_root(size, hashes).value();
    for (std::size_t old_size = 1; old_size <= size; ++old_size) {
      const Hash old_root = tree_root(old_size, hashes).value();
      auto proof = prove_consistency(old_size, size, hashes).value();
      ASSERT_EQ(proof, naive_subproof(old_size, LeafHashes(leaves).first(size), true))
          << old_size << " of " << size;
      ASSERT_TRUE(check_consistency(old_size, old_root, size, root, proof).ok())
          << old_size << " of " << size;
      Hash other = old_root;
      other[31] ^= std::byte{0x80};
      ASSERT_FALSE(check_consistency(old_size, other, size, root, proof).ok());
      ASSERT_FALSE(check_consistency(old_size, old_root, size, other, proof).ok());
      proof.push_back(root);
      ASSERT_FALSE(check_consistency(old_size, old_root, size, root, proof).ok());
      proof.pop_back();
      if (proof.empty()) continue;
      proof.front()[5] ^= std::byte{1};
      ASSERT_FALSE(check_consistency(old_size, old_root, size, root, proof).ok());
      proof.front()[5] ^= std::byte{1};
      proof.pop_back();
      ASSERT_FALSE(check_consistency(old_size, old_root, size, root, proof).ok());
    }
  }
}

TEST(Tree, RefusesWhatCannotBeProven) {
  const auto hashes = reader_over(make_leaves(8));
  EXPECT_FALSE(prove_inclusion(8, 8, hashes).ok());
  EXPECT_FALSE(prove_inclusion(0, 0, hashes).ok());
  EXPECT_FALSE(prove_consistency(0, 8, hashes).ok());
  EXPECT_FALSE(prove_consistency(9, 8, hashes).ok());
  EXPECT_FALSE(tree_root(kTreeSizeMax + 1, hashes).ok());
  EXPECT_FALSE(tree_root(16, hashes).ok());  // the reader's error
  const Hash empty = hash_empty_tree(), root = tree_root(8, hashes).value();
  EXPECT_FALSE(check_inclusion(root, 0, 0, {}, root).ok());
  EXPECT_TRUE(check_consistency(0, empty, 8, root, {}).ok());
  EXPECT_FALSE(check_consistency(0, root, 8, root, {}).ok());
  EXPECT_FALSE(check_consistency(0, empty, 0, root, {}).ok());
  EXPECT_FALSE(check_consistency(8, root, 4, root, {}).ok());
}

}  // namespace
}  // namespace daemon_audit
