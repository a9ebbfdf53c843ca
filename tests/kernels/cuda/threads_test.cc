// Barriers, shuffles, grids and clusters on the emulated device.
#include <algorithm>
#include <numeric>

#include "tests/kernels/cuda/launching.h"

namespace kernels::cuda {
namespace {

struct Output {
  std::uint32_t* out;
};

KERNELS_GLOBAL void write_shuffles(Output args) {
  const unsigned base = warp() * 32 + lane();
  args.out[base * 3] = shuffle(thread() * 10, (lane() + 5) % 32);
  args.out[base * 3 + 1] = shuffle_xor(thread() * 10, 3);
  args.out[base * 3 + 2] =
      static_cast<std::uint32_t>(shuffle(static_cast<float>(lane()) + 0.5F, 7) * 2.0F);
}

TEST(Threads, ShufflesExchangeValuesWithinEachWarp) {
  const auto device = emulated_device();
  const OnDevice<std::uint32_t> out(*device, 64 * 3);
  const Kernel kernel = kernel_of<Output, write_shuffles>("write_shuffles", 0);
  ASSERT_EQ(device->launch_with(kernel, {.threads = 64, .overlap = false}, Output{out.data()}),
            Status::kOk);
  const auto values = out.read();
  for (std::uint32_t i = 0; i < 64; ++i) {
    EXPECT_EQ(values[i * 3], (i / 32 * 32 + (i % 32 + 5) % 32) * 10);
    EXPECT_EQ(values[i * 3 + 1], (i ^ 3U) * 10);
    EXPECT_EQ(values[i * 3 + 2], 15U);
  }
}

// Sums 0 … 255 by a tree in shared memory, in every block of a grid.
KERNELS_GLOBAL void write_tree_sums(Output args) {
  KERNELS_SHARED(memory);
  auto* sums = reinterpret_cast<std::uint32_t*>(memory);
  wait_for_former();
  sums[thread()] = thread() + block_x();
  for (unsigned width = threads() / 2; width > 0; width /= 2) {
    sync_block();
    if (thread() < width) sums[thread()] += sums[thread() + width];
  }
  if (thread() == 0)
    args.out[(block_z() * blocks_y() + block_y()) * blocks_x() + block_x()] =
        sums[0] + 1000000 * block_y() + 10000000 * block_z();
}

std::vector<std::uint32_t> tree_sums(std::uint64_t seed) {
  const auto device = emulated_device(seed);
  const OnDevice<std::uint32_t> out(*device, 3 * 2 * 2);
  const Kernel kernel = kernel_of<Output, write_tree_sums>("write_tree_sums", 1024);
  const LaunchShape shape{
      .grid_x = 3, .grid_y = 2, .grid_z = 2, .threads = 256, .shared_bytes = 1024};
  EXPECT_EQ(device->launch_with(kernel, shape, Output{out.data()}), Status::kOk);
  return out.read();
}

TEST(Threads, ABlockBarrierSeparatesWritesFromReadsInEveryOrder) {
  for (const std::uint64_t seed : std::vector<std::uint64_t>{0, 1, 2, 3}) {
    const auto sums = tree_sums(seed);
    for (std::uint32_t i = 0; i < 12; ++i)
      EXPECT_EQ(sums[i], 255U * 128 + 256 * (i % 3) + 1000000 * (i / 3 % 2) + 10000000 * (i / 6));
  }
}

// Two halves of a block that each have a barrier of their own, and pass it different numbers of
// times.
KERNELS_GLOBAL void write_by_groups(Output args) {
  KERNELS_SHARED(memory);
  auto* cells = reinterpret_cast<std::uint32_t*>(memory);
  const unsigned half = thread() / 64;
  const unsigned in_half = thread() % 64;
  cells[thread()] = thread();
  for (unsigned round = 0; round < 3 + half; ++round) {
    sync_group(1 + half, 64);
    const std::uint32_t next = cells[half * 64 + (in_half + 1) % 64];
    sync_group(1 + half, 64);
    cells[thread()] = next;
  }
  args.out[thread()] = cells[thread()];
}

TEST(Threads, NamedBarriersOfHalvesOfABlockDoNotMeet) {
  for (const std::uint64_t seed : std::vector<std::uint64_t>{0, 5, 6}) {
    const auto device = emulated_device(seed);
    const OnDevice<std::uint32_t> out(*device, 128);
    const Kernel kernel = kernel_of<Output, write_by_groups>("write_by_groups", 512);
    ASSERT_EQ(device->launch_with(kernel, {.threads = 128, .shared_bytes = 512, .overlap = false},
                                  Output{out.data()}),
              Status::kOk);
    const auto values = out.read();
    for (std::uint32_t i = 0; i < 128; ++i)
      EXPECT_EQ(values[i], i / 64 * 64 + (i % 64 + 3 + i / 64) % 64);
  }
}

// One warp writes and the other reads, each in its own branch, through two named barriers.
KERNELS_GLOBAL void pass_along(Output args) {
  KERNELS_SHARED(memory);
  auto* cells = reinterpret_cast<std::uint32_t*>(memory);
  if (warp() == 0) {
    for (unsigned round = 0; round < 4; ++round) {
      if (round > 0) sync_group(2, 64);
      cells[lane()] = round * 100 + lane();
      sync_group(1, 64);
    }
  } else {
    for (unsigned round = 0; round < 4; ++round) {
      sync_group(1, 64);
      args.out[round * 32 + lane()] = cells[31 - lane()];
      if (round < 3) sync_group(2, 64);
    }
  }
}

TEST(Threads, WarpsWithDifferentWorkMeetAtNamedBarriersInDifferentPlaces) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const auto device = emulated_device(seed);
    const OnDevice<std::uint32_t> out(*device, 128);
    const Kernel kernel = kernel_of<Output, pass_along>("pass_along", 128);
    ASSERT_EQ(device->launch_with(kernel, {.threads = 64, .shared_bytes = 128, .overlap = false},
                                  Output{out.data()}),
              Status::kOk);
    const auto values = out.read();
    for (std::uint32_t i = 0; i < 128; ++i) EXPECT_EQ(values[i], i / 32 * 100 + 31 - i % 32);
  }
}

KERNELS_GLOBAL void write_neighbours(Output args) {
  KERNELS_SHARED(memory);
  auto* cell = reinterpret_cast<std::uint32_t*>(memory);
  if (thread() == 0) *cell = block_x() * 100;
  sync_cluster();
  const std::uint32_t next = *cluster_shared(cell, (cluster_rank() + 1) % 4);
  sync_cluster();  // nobody leaves while a neighbour reads
  if (thread() == 0) args.out[block_x()] = next + cluster_rank();
}

TEST(Threads, BlocksOfAClusterReadEachOthersSharedMemory) {
  for (const std::uint64_t seed : std::vector<std::uint64_t>{0, 7}) {
    const auto device = emulated_device(seed);
    const OnDevice<std::uint32_t> out(*device, 8);
    const Kernel kernel = kernel_of<Output, write_neighbours>("write_neighbours", 1024);
    const LaunchShape shape{
        .grid_x = 8, .threads = 64, .cluster = 4, .shared_bytes = 1024, .overlap = false};
    ASSERT_EQ(device->launch_with(kernel, shape, Output{out.data()}), Status::kOk);
    const auto values = out.read();
    for (std::uint32_t i = 0; i < 8; ++i)
      EXPECT_EQ(values[i], (i / 4 * 4 + (i + 1) % 4) * 100 + i % 4);
  }
}

// A race: who comes first writes its number. The seed decides.
KERNELS_GLOBAL void write_arrival_order(Output args) {
  args.out[1 + atomic_add(args.out, 1)] = block_x() * 64 + thread();
}

std::vector<std::uint32_t> arrival_order(std::uint64_t seed) {
  const auto device = emulated_device(seed);
  const OnDevice<std::uint32_t> out(*device, 129);
  const Kernel kernel = kernel_of<Output, write_arrival_order>("write_arrival_order", 0);
  EXPECT_EQ(device->launch_with(kernel, {.grid_x = 2, .threads = 64, .overlap = false},
                                Output{out.data()}),
            Status::kOk);
  auto values = out.read();
  EXPECT_EQ(values[0], 128U);
  values.erase(values.begin());
  return values;
}

TEST(Threads, ASeedShufflesTheOrderOfThreadsAndBlocksRepeatably) {
  std::vector<std::uint32_t> ascending(128);
  std::iota(ascending.begin(), ascending.end(), 0U);
  EXPECT_EQ(arrival_order(0), ascending);
  const auto shuffled = arrival_order(1);
  EXPECT_NE(shuffled, ascending);
  EXPECT_EQ(shuffled, arrival_order(1));
  EXPECT_NE(shuffled, arrival_order(2));
  auto sorted = shuffled;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, ascending);
}

}  // namespace
}  // namespace kernels::cuda
