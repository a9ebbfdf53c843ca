// Matrix products and matrix loads on the emulated device, against plain loops.
#include <bit>
#include <cmath>
#include <random>

#include "tests/kernels/cuda/launching.h"

namespace kernels::cuda {
namespace {

// Values whose products and sums have rounding errors to speak of.
std::vector<std::uint16_t> random_halves(std::size_t count, bool bf16, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> values(0.0F, 3.0F);
  std::vector<std::uint16_t> halves(count);
  for (std::uint16_t& half : halves) half = bf16 ? to_bf16(values(random)) : to_f16(values(random));
  return halves;
}

double value_of(std::uint16_t half, bool bf16) {
  return static_cast<double>(bf16 ? from_bf16(half) : from_f16(half));
}

struct ProductArgs {
  const std::uint16_t* a;  // [m, k]
  const std::uint16_t* b;  // [n, k]
  float* d;                // [m, n]
};

KERNELS_DEVICE std::uint32_t pair(const std::uint16_t* at) {
  return at[0] | static_cast<std::uint32_t>(at[1]) << 16U;
}

// 16 x 8 x 16, elements taken one by one.
template <bool kBf16>
KERNELS_GLOBAL void multiply_16x8(ProductArgs args) {
  const unsigned g = lane() / 4;
  const unsigned c = lane() % 4;
  std::uint32_t a[4];
  std::uint32_t b[2];
  for (unsigned i = 0; i < 4; ++i) a[i] = pair(args.a + (g + i % 2 * 8) * 16 + 2 * c + i / 2 * 8);
  for (unsigned i = 0; i < 2; ++i) b[i] = pair(args.b + g * 16 + 2 * c + i * 8);
  float d[4];
  for (unsigned i = 0; i < 4; ++i) d[i] = args.d[(g + i / 2 * 8) * 8 + 2 * c + i % 2];
  if constexpr (kBf16)
    mma_bf16(d, a, b);
  else
    mma_f16(d, a, b);
  for (unsigned i = 0; i < 4; ++i) args.d[(g + i / 2 * 8) * 8 + 2 * c + i % 2] = d[i];
}

float expected_product(const std::vector<std::uint16_t>& a, const std::vector<std::uint16_t>& b,
                       std::size_t row, std::size_t column, std::size_t k_first, std::size_t depth,
                       bool bf16, float start) {
  double sum = 0;
  for (std::size_t k = k_first; k < k_first + 16; ++k)
    sum += value_of(a[row * depth + k], bf16) * value_of(b[column * depth + k], bf16);
  return static_cast<float>(static_cast<double>(start) + sum);
}

void expect_mma(const Kernel& kernel, bool bf16) {
  const auto device = emulated_device(3);
  const auto a = random_halves(16 * 16, bf16, 1);
  const auto b = random_halves(8 * 16, bf16, 2);
  std::vector<float> d(16 * 8);
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = static_cast<float>(i) * 0.37F - 20.0F;
  const OnDevice<std::uint16_t> a_memory(*device, a);
  const OnDevice<std::uint16_t> b_memory(*device, b);
  const OnDevice<float> d_memory(*device, d);
  ASSERT_EQ(device->launch_with(kernel, {.threads = 32, .overlap = false},
                                ProductArgs{a_memory.data(), b_memory.data(), d_memory.data()}),
            Status::kOk);
  const auto result = d_memory.read();
  for (std::size_t i = 0; i < d.size(); ++i)
    EXPECT_EQ(result[i], expected_product(a, b, i / 8, i % 8, 0, 16, bf16, d[i])) << i;
}

TEST(Matrices, MmaMultipliesRandomFragmentsOfBf16) {
  expect_mma(kernel_of<ProductArgs, multiply_16x8<true>>("multiply_16x8_bf16", 0), true);
}

TEST(Matrices, MmaMultipliesRandomFragmentsOfF16) {
  expect_mma(kernel_of<ProductArgs, multiply_16x8<false>>("multiply_16x8_f16", 0), false);
}

// The same product with A and B fetched by load_matrices; B lies as [k, n] and is transposed on the
// way.
struct LoadedArgs {
  const std::uint16_t* a;  // [16, 16]
  const std::uint16_t* b;  // [16 (k), 16 (n)]
  float* d;                // [16, 16]
};

KERNELS_GLOBAL void multiply_loaded(LoadedArgs args) {
  KERNELS_SHARED(memory);
  auto* a_tile = reinterpret_cast<std::uint16_t*>(memory);
  auto* b_tile = a_tile + 256;
  for (unsigned i = thread(); i < 256; i += threads()) {
    a_tile[i] = args.a[i];
    b_tile[i] = args.b[i];
  }
  sync_warp();
  std::uint32_t a[4];
  std::uint32_t b[4];
  // Matrices in the order rows 0 … 7, rows 8 … 15 of columns 0 … 7, then of columns 8 … 15.
  const unsigned place = lane() % 16 * 16 + lane() / 16 * 8;
  load_matrices(a, a_tile + place);
  load_matrices_transposed(b, b_tile + place);
  for (unsigned half = 0; half < 2; ++half) {
    float d[4] = {};
    const std::uint32_t b_half[2] = {b[half * 2], b[half * 2 + 1]};
    mma_bf16(d, a, b_half);
    for (unsigned i = 0; i < 4; ++i)
      args.d[(lane() / 4 + i / 2 * 8) * 16 + half * 8 + lane() % 4 * 2 + i % 2] = d[i];
  }
}

TEST(Matrices, LoadedMatricesAreTheFragmentsOfMmaPlainAndTransposed) {
  const auto device = emulated_device(4);
  const auto a = random_halves(256, true, 3);
  const auto b = random_halves(256, true, 4);
  const OnDevice<std::uint16_t> a_memory(*device, a);
  const OnDevice<std::uint16_t> b_memory(*device, b);
  const OnDevice<float> d_memory(*device, 256);
  ASSERT_EQ(device->launch_with(kernel_of<LoadedArgs, multiply_loaded>("multiply_loaded", 1024),
                                {.threads = 32, .shared_bytes = 1024, .overlap = false},
                                LoadedArgs{a_memory.data(), b_memory.data(), d_memory.data()}),
            Status::kOk);
  const auto result = d_memory.read();
  for (std::size_t i = 0; i < 256; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 16; ++k)
      sum += value_of(a[i / 16 * 16 + k], true) * value_of(b[k * 16 + i % 16], true);
    EXPECT_EQ(result[i], static_cast<float>(sum)) << i;
  }
}

// 64 x n x 64: B swizzled into shared memory, four steps along k in two groups.
template <int kN>
KERNELS_GLOBAL void multiply_64xn(ProductArgs args) {
  KERNELS_SHARED(memory);
  for (unsigned chunk = thread(); chunk < kN * 8; chunk += threads()) {
    const unsigned row = chunk / 8;
    auto* to =
        reinterpret_cast<std::uint16_t*>(memory + row * 128 + ((chunk % 8) ^ (row % 8)) * 16);
    for (unsigned i = 0; i < 8; ++i) to[i] = args.b[chunk * 8 + i];
  }
  async_proxy_fence();
  sync_block();
  constexpr unsigned kColumns = kN;
  float d[kColumns / 2];
  const unsigned row = warp() * 16 + lane() / 4;
  for (unsigned i = 0; i < kColumns / 2; ++i)
    d[i] = args.d[(row + i % 4 / 2 * 8) * kColumns + i / 4 * 8 + lane() % 4 * 2 + i % 2];
  const std::uint64_t b = wgmma_operand(memory);
  wgmma_begin();
  for (unsigned step = 0; step < 4; ++step) {
    std::uint32_t a[4];
    for (unsigned i = 0; i < 4; ++i)
      a[i] = pair(args.a + (row + i % 2 * 8) * 64 + step * 16 + lane() % 4 * 2 + i / 2 * 8);
    wgmma_bf16<kN>(d, a, b + 2 * step);
    if (step % 2 == 1) wgmma_commit();
  }
  wgmma_wait<1>();
  wgmma_wait<0>();
  for (unsigned i = 0; i < kColumns / 2; ++i)
    args.d[(row + i % 4 / 2 * 8) * kColumns + i / 4 * 8 + lane() % 4 * 2 + i % 2] = d[i];
}

template <int kN>
void expect_wgmma(std::uint64_t order_seed) {
  constexpr std::size_t kColumns = kN;
  const auto device = emulated_device(order_seed);
  const auto a = random_halves(64 * 64, true, 5);
  const auto b = random_halves(kColumns * 64, true, 6);
  std::vector<float> d(64 * kColumns);
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = static_cast<float>(i % 100) * 0.13F;
  const OnDevice<std::uint16_t> a_memory(*device, a);
  const OnDevice<std::uint16_t> b_memory(*device, b);
  const OnDevice<float> d_memory(*device, d);
  const std::uint32_t shared_bytes = kN * 128;
  ASSERT_EQ(
      device->launch_with(kernel_of<ProductArgs, multiply_64xn<kN>>("multiply_64xn", shared_bytes),
                          {.threads = 128, .shared_bytes = shared_bytes, .overlap = false},
                          ProductArgs{a_memory.data(), b_memory.data(), d_memory.data()}),
      Status::kOk);
  const auto result = d_memory.read();
  for (std::size_t i = 0; i < d.size(); ++i) {
    float expected = d[i];
    for (std::size_t k = 0; k < 64; k += 16)
      expected = expected_product(a, b, i / kColumns, i % kColumns, k, 64, true, expected);
    ASSERT_EQ(result[i], expected) << kN << " " << i;
  }
}

TEST(Matrices, WgmmaMultipliesEveryWidthFromSwizzledSharedMemory) {
  expect_wgmma<8>(0);
  expect_wgmma<16>(1);
  expect_wgmma<32>(0);
  expect_wgmma<64>(2);
  expect_wgmma<128>(0);
  expect_wgmma<256>(3);
}

// Looks at the accumulator before and after the wait.
KERNELS_GLOBAL void read_before_wait(ProductArgs args) {
  KERNELS_SHARED(memory);
  auto* tile = reinterpret_cast<std::uint16_t*>(memory);
  for (unsigned i = thread(); i < 512; i += threads()) tile[i] = 0x3f80;  // 1
  sync_block();
  float d[4] = {};
  const std::uint32_t a[4] = {0x3f803f80, 0x3f803f80, 0x3f803f80, 0x3f803f80};
  wgmma_begin();
  wgmma_bf16<8>(d, a, wgmma_operand(memory));
  wgmma_commit();
  args.d[thread() * 2] = d[0];
  wgmma_wait<0>();
  args.d[thread() * 2 + 1] = d[0];
}

TEST(Matrices, WgmmaChangesItsAccumulatorsOnlyWhenWaitedFor) {
  const auto device = emulated_device();
  const OnDevice<float> d(*device, 256);
  ASSERT_EQ(device->launch_with(kernel_of<ProductArgs, read_before_wait>("read_before_wait", 1024),
                                {.threads = 128, .shared_bytes = 1024, .overlap = false},
                                ProductArgs{nullptr, nullptr, d.data()}),
            Status::kOk);
  const auto values = d.read();
  for (std::size_t i = 0; i < 128; ++i) {
    EXPECT_EQ(values[i * 2], 0.0F);
    EXPECT_EQ(values[i * 2 + 1], 16.0F);
  }
}

}  // namespace
}  // namespace kernels::cuda
