// Copies in the background on the emulated device: what was not waited for has not happened.
#include <cmath>
#include <numeric>

#include "tests/kernels/cuda/launching.h"

namespace kernels::cuda {
namespace {

struct CopyArgs {
  const float* in;
  float* out;
};

std::vector<float> counted(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

// Two groups of 16 bytes a thread; the last thread's second is not valid. Looks after each wait.
KERNELS_GLOBAL void copy_in_groups(CopyArgs args) {
  KERNELS_SHARED(memory);
  auto* own = reinterpret_cast<float*>(memory) + thread() * 8;
  const float* from = args.in + thread() * 8;
  copy16(own, from, true);
  commit_copies();
  copy16(own + 4, from + 4, thread() != threads() - 1);
  commit_copies();
  float* out = args.out + thread() * 6;
  out[0] = own[0];
  wait_copies<1>();
  out[1] = own[3];
  out[2] = own[4];
  wait_copies<0>();
  out[3] = own[4];
  out[4] = own[7];
  sync_block();
  out[5] = *(reinterpret_cast<float*>(memory) + (thread() + 1) % threads() * 8);
}

TEST(Background, ACopyArrivesWithTheWaitForItsGroupAndIsPoisonBefore) {
  const auto device = emulated_device(1, 80);
  const OnDevice<float> in(*device, counted(64 * 8));
  const OnDevice<float> out(*device, 64 * 6);
  ASSERT_EQ(device->launch_with(kernel_of<CopyArgs, copy_in_groups>("copy_in_groups", 2048),
                                {.threads = 64, .shared_bytes = 2048, .overlap = false},
                                CopyArgs{in.data(), out.data()}),
            Status::kOk);
  const auto values = out.read();
  for (std::size_t i = 0; i < 64; ++i) {
    const float first = static_cast<float>(i * 8 + 1);
    EXPECT_TRUE(std::isnan(values[i * 6])) << i;
    EXPECT_EQ(values[i * 6 + 1], first + 3);
    EXPECT_TRUE(std::isnan(values[i * 6 + 2])) << i;
    EXPECT_EQ(values[i * 6 + 3], i == 63 ? 0.0F : first + 4);
    EXPECT_EQ(values[i * 6 + 4], i == 63 ? 0.0F : first + 7);
    EXPECT_EQ(values[i * 6 + 5], static_cast<float>((i + 1) % 64 * 8 + 1));
  }
}

// A ring of two tiles of 1,024 bytes: warp 0 fills, warp 1 adds up. Four phases of each barrier.
KERNELS_GLOBAL void add_tiles(CopyArgs args) {
  KERNELS_SHARED(memory);
  auto* full = reinterpret_cast<Barrier*>(memory + 2048);
  Barrier* empty = full + 2;
  if (thread() == 0) {
    for (unsigned i = 0; i < 2; ++i) {
      barrier_init(full + i, 1);
      barrier_init(empty + i, 32);
    }
    barriers_ready();
  }
  sync_block();
  constexpr unsigned kTiles = 8;
  if (warp() == 0) {
    if (lane() == 0) {
      for (unsigned tile = 0; tile < kTiles; ++tile) {
        const unsigned slot = tile % 2;
        if (tile >= 2) barrier_wait(empty + slot, (tile / 2 + 1) % 2);
        barrier_expect(full + slot, 1024);
        bulk_copy(memory + slot * 1024, args.in + tile * 256, 512, full + slot);
        bulk_copy(memory + slot * 1024 + 512, args.in + tile * 256 + 128, 512, full + slot);
      }
    }
  } else {
    float sum = 0;
    for (unsigned tile = 0; tile < kTiles; ++tile) {
      const unsigned slot = tile % 2;
      barrier_wait(full + slot, tile / 2 % 2);
      const auto* values = reinterpret_cast<const float*>(memory + slot * 1024);
      for (unsigned i = lane(); i < 256; i += 32) sum += values[i];
      barrier_expect(empty + slot, 0);
    }
    args.out[lane()] = sum;
  }
}

TEST(Background, BulkCopiesAndBarriersMakeARingWhatsoeverTheOrder) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const auto device = emulated_device(seed);
    const OnDevice<float> in(*device, counted(2048));
    const OnDevice<float> out(*device, 32);
    ASSERT_EQ(device->launch_with(kernel_of<CopyArgs, add_tiles>("add_tiles", 4096),
                                  {.threads = 64, .shared_bytes = 4096, .overlap = false},
                                  CopyArgs{in.data(), out.data()}),
              Status::kOk);
    const auto sums = out.read();
    for (std::size_t i = 0; i < 32; ++i) {
      float expected = 0;
      for (std::size_t k = i; k < 2048; k += 32) expected += static_cast<float>(k + 1);
      EXPECT_EQ(sums[i], expected) << i;
    }
  }
}

// Reads before it waits for the barrier, and after.
KERNELS_GLOBAL void read_early(CopyArgs args) {
  KERNELS_SHARED(memory);
  auto* barrier = reinterpret_cast<Barrier*>(memory + 1024);
  if (thread() == 0) {
    barrier_init(barrier, 1);
    barriers_ready();
    barrier_expect(barrier, 128);
    bulk_copy(memory, args.in, 128, barrier);
  }
  sync_block();
  const auto* values = reinterpret_cast<const float*>(memory);
  args.out[thread() * 2] = values[thread()];
  sync_block();
  barrier_wait(barrier, 0);
  args.out[thread() * 2 + 1] = values[thread()];
}

TEST(Background, ABulkCopyHasNotHappenedBeforeTheWait) {
  const auto device = emulated_device();
  const OnDevice<float> in(*device, counted(32));
  const OnDevice<float> out(*device, 64);
  ASSERT_EQ(device->launch_with(kernel_of<CopyArgs, read_early>("read_early", 2048),
                                {.threads = 32, .shared_bytes = 2048, .overlap = false},
                                CopyArgs{in.data(), out.data()}),
            Status::kOk);
  const auto values = out.read();
  for (std::size_t i = 0; i < 32; ++i) {
    EXPECT_TRUE(std::isnan(values[i * 2]));
    EXPECT_EQ(values[i * 2 + 1], static_cast<float>(i + 1));
  }
}

}  // namespace
}  // namespace kernels::cuda
