// Operations allocate nothing: counted by replacing the allocator of this program.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/kernels/samples.h"

namespace {
std::atomic<std::size_t> g_allocations{
    0};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
}  // namespace

void* operator new(std::size_t bytes) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace kernels_test {
namespace {

using kernels::Format;

TEST(Allocation, NoOperationAllocates) {
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 3);
    const auto square = load(*ops, make_matrix(Format::kQ4_K, 256, 256, 1));
    const auto table = load(*ops, make_matrix(Format::kF16, 100, 256, 2));
    std::unique_ptr<kernels::KvCache> cache;
    ASSERT_EQ(ops->create_kv_cache({1, 2, 64, 16, 64}, kernels::KvFormat::kF16, &cache),
              kernels::Status::kOk);
    constexpr std::size_t kRows = 30;
    std::vector<float> x = Random(3).uniforms(kRows * 256);
    std::vector<float> q(kRows * 256), k(kRows * 128), v(kRows * 128), out(kRows * 256),
        cos_sin(kRows * 64, 0.5F);
    std::vector<float> logits(kRows * 100), max(kRows), sum(kRows);
    std::vector<std::int32_t> positions(kRows), sequences(kRows), tables(64), tokens(kRows, 3);
    for (std::size_t i = 0; i < kRows; ++i) positions[i] = static_cast<std::int32_t>(600 + i);
    for (std::size_t b = 0; b < 64; ++b) tables[b] = static_cast<std::int32_t>(b);

    const std::size_t before = g_allocations.load();
    for (const std::size_t n : {std::size_t{1}, kRows}) {
      const kernels::RmsNorm norm{cos_sin.data(), 1e-6F};
      const kernels::LinearTerm term{square.get(), nullptr, q.data(), 256};
      const kernels::Rows rows{n, positions.data(), sequences.data(), tables.data(), 64};
      kernels::Ops::RopeStore store{};
      store.q = q.data();
      store.q_stride = 256;
      store.q_heads = 4;
      store.k = k.data();
      store.v = v.data();
      store.kv_stride = 128;
      store.rope = {kernels::RopePairs::kHalves, 64, cos_sin.data()};
      (void)ops->embed(*table, tokens.data(), n, x.data());
      (void)ops->norm_linear(x.data(), n, norm, &term, 1);
      (void)ops->rope_store(store, rows, *cache, 0);
      (void)ops->attention({q.data(), 256, 4, 0.125F, 0, out.data(), 256}, rows, *cache, 0);
      (void)ops->linear_residual(out.data(), n, term);
      (void)ops->norm_gated_mlp(x.data(), n, norm, *square, *square, kernels::Activation::kSilu,
                                out.data());
      (void)ops->logits(x.data(), tokens.data(), 1, norm, *table, logits.data());
      (void)ops->logit_stats(logits.data(), 1, 100, max.data(), sum.data());
      (void)ops->kv_copy_block(*cache, 0, 1);
    }
    EXPECT_EQ(g_allocations.load(), before) << ops->name();
  }
}

}  // namespace
}  // namespace kernels_test
