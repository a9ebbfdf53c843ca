// Kernels that are wrong end the process with a message that says where.
#include "tests/kernels/cuda/launching.h"

namespace kernels::cuda {
namespace {

struct Nothing {
  std::uint32_t* out;
};

// Launches a kernel that is expected not to come back.
template <void (*kFunction)(Nothing)>
void launch(const LaunchShape& shape, std::size_t shared_bytes_max = 1024, int capability = 90) {
  const auto device = emulated_device(0, capability);
  const Kernel kernel = kernel_of<Nothing, kFunction>("wrong_kernel", shared_bytes_max);
  static_cast<void>(device->launch_with(kernel, shape, Nothing{nullptr}));
}

const LaunchShape kTwoWarps{.grid_x = 2, .threads = 64, .shared_bytes = 1024, .overlap = false};

KERNELS_GLOBAL void skip_a_barrier(Nothing) {
  if (thread() != 40) sync_block();
}

TEST(DivergenceDeathTest, ABlockBarrierThatOneThreadSkipsNamesWhoWaits) {
  EXPECT_DEATH(launch<skip_a_barrier>(kTwoWarps),
               "kernel wrong_kernel, block \\(0, 0, 0\\): no thread can go on\n"
               ".*threads 0 to 39 wait in sync_block \\(divergence_test.cc:[0-9]+\\)\n"
               ".*threads 40 to 40 have ended\n"
               ".*threads 41 to 63 wait in sync_block");
}

KERNELS_GLOBAL void shuffle_in_a_branch(Nothing) {
  if (lane() < 16) static_cast<void>(shuffle(1U, 0));
}

TEST(DivergenceDeathTest, AShuffleInABranchIsFound) {
  EXPECT_DEATH(launch<shuffle_in_a_branch>(kTwoWarps),
               "no thread can go on\n.*threads 0 to 15 wait in shuffle .*\n"
               ".*threads 16 to 31 have ended");
}

KERNELS_GLOBAL void meet_differently(Nothing) {
  if (lane() < 16)
    sync_warp();
  else
    static_cast<void>(shuffle_xor(1U, 1));
}

TEST(DivergenceDeathTest, DifferentCollectivesOfAWarpDoNotMeet) {
  EXPECT_DEATH(launch<meet_differently>(kTwoWarps),
               "block \\(0, 0, 0\\), thread 16: meets shuffle_xor .* where thread 0 waits in "
               "sync_warp");
}

KERNELS_GLOBAL void meet_elsewhere(Nothing) {
  if (warp() == 0)
    sync_block();
  else
    sync_block();
}

TEST(DivergenceDeathTest, TheSameBarrierInTwoPlacesDoesNotMeet) {
  EXPECT_DEATH(launch<meet_elsewhere>(kTwoWarps), "thread 32: meets sync_block");
}

KERNELS_GLOBAL void miscount_a_group(Nothing) {
  if (warp() == 0) sync_group(3, 64);
}

TEST(DivergenceDeathTest, ANamedBarrierOfTooManyThreadsHangs) {
  EXPECT_DEATH(launch<miscount_a_group>(kTwoWarps), "threads 0 to 31 wait in sync_group");
}

KERNELS_GLOBAL void wait_for_nothing(Nothing) {
  KERNELS_SHARED(memory);
  auto* barrier = reinterpret_cast<Barrier*>(memory);
  if (thread() == 0) barrier_init(barrier, 1);
  sync_block();
  if (thread() == 0) barrier_expect(barrier, 16);
  barrier_wait(barrier, 0);
}

TEST(DivergenceDeathTest, ABarrierWhoseBytesNeverComeHangs) {
  EXPECT_DEATH(launch<wait_for_nothing>(kTwoWarps), "threads 0 to 63 wait in barrier_wait");
}

KERNELS_GLOBAL void arrive_twice(Nothing) {
  KERNELS_SHARED(memory);
  auto* barrier = reinterpret_cast<Barrier*>(memory);
  if (thread() == 0) {
    barrier_init(barrier, 1);
    barrier_expect(barrier, 16);
    barrier_expect(barrier, 16);
  }
}

TEST(DivergenceDeathTest, AnArrivalInAPhaseThatIsNotOverIsFound) {
  EXPECT_DEATH(launch<arrive_twice>(kTwoWarps), "thread 0: one arrival too many");
}

KERNELS_GLOBAL void use_raw_barrier(Nothing) {
  KERNELS_SHARED(memory);
  barrier_wait(reinterpret_cast<Barrier*>(memory), 0);
}

TEST(DivergenceDeathTest, ABarrierThatWasNotInitialisedIsFound) {
  EXPECT_DEATH(launch<use_raw_barrier>(kTwoWarps), "this barrier was not initialised");
}

KERNELS_GLOBAL void write_far_beyond(Nothing) {
  KERNELS_SHARED(memory);
  if (thread() == 5) *static_cast<volatile unsigned char*>(memory + 1024 + 17) = 1;
}

KERNELS_GLOBAL void write_just_beyond(Nothing) {
  KERNELS_SHARED(memory);
  if (thread() == 5) *static_cast<volatile unsigned char*>(memory + 1000) = 1;
}

TEST(DivergenceDeathTest, WritesBeyondSharedMemoryAreFound) {
  EXPECT_DEATH(launch<write_far_beyond>(kTwoWarps),
               "kernel wrong_kernel, block \\(0, 0, 0\\), thread 5: reads or writes beyond its "
               "1024 bytes of shared memory");
  LaunchShape shape = kTwoWarps;
  shape.shared_bytes = 1000;
  EXPECT_DEATH(launch<write_just_beyond>(shape), "the block wrote beyond its 1000 bytes");
}

KERNELS_GLOBAL void copy_beyond(Nothing args) {
  KERNELS_SHARED(memory);
  copy16(memory + 1024, args.out, false);
}

KERNELS_GLOBAL void copy_crooked(Nothing args) {
  KERNELS_SHARED(memory);
  copy16(memory + 8, args.out, false);
}

TEST(DivergenceDeathTest, CopiesBeyondOrCrookedAreFound) {
  EXPECT_DEATH(launch<copy_beyond>(kTwoWarps), "thread 0: copy16 to what is not 16 aligned");
  EXPECT_DEATH(launch<copy_crooked>(kTwoWarps), "thread 0: copy16 to what is not 16 aligned");
}

KERNELS_GLOBAL void multiply_with_three_warps(Nothing) {
  KERNELS_SHARED(memory);
  if (warp() == 3) return;
  float d[4] = {};
  const std::uint32_t a[4] = {};
  wgmma_begin();
  wgmma_bf16<8>(d, a, wgmma_operand(memory));
  wgmma_commit();
  wgmma_wait<0>();
}

KERNELS_GLOBAL void leave_a_product(Nothing) {
  KERNELS_SHARED(memory);
  float d[4] = {};
  const std::uint32_t a[4] = {};
  wgmma_bf16<8>(d, a, wgmma_operand(memory));
  wgmma_commit();
}

const LaunchShape kFourWarps{.threads = 128, .shared_bytes = 1024, .overlap = false};

TEST(DivergenceDeathTest, WgmmaIsOfWholeWarpgroupsAndIsWaitedFor) {
  EXPECT_DEATH(launch<multiply_with_three_warps>(kFourWarps),
               "warp 3 took part in other wgmmas than the first warp");
  EXPECT_DEATH(launch<leave_a_product>(kFourWarps), "ended without having waited for its wgmma");
}

TEST(DivergenceDeathTest, WhatAnArchitectureLacksIsRefused) {
  EXPECT_DEATH(launch<leave_a_product>(kFourWarps, 1024, 80), "wgmma needs a GPU of capability 90");
  EXPECT_DEATH(launch<leave_a_product>(kFourWarps, 1024, 120),
               "wgmma needs a GPU of capability 90");
  EXPECT_DEATH(launch<wait_for_nothing>(kTwoWarps, 1024, 80), "barrier_init needs");
}

KERNELS_GLOBAL void do_nothing(Nothing) {}

TEST(DivergenceDeathTest, AKernelThatMayOverlapWaitsForTheOneBefore) {
  EXPECT_DEATH(launch<do_nothing>({.threads = 32}),
               "no thread of this block called wait_for_former");
}

TEST(DivergenceDeathTest, LaunchesOutsideTheLimitsAreRefused) {
  EXPECT_DEATH(launch<do_nothing>({.threads = 48}), "blocks of 48 threads");
  EXPECT_DEATH(launch<do_nothing>({.threads = 1056}), "blocks of 1056 threads");
  EXPECT_DEATH(launch<do_nothing>({.grid_x = 0}), "a grid of 0 x 1 x 1");
  EXPECT_DEATH(launch<do_nothing>({.grid_y = 65536}), "a grid of 1 x 65536 x 1");
  EXPECT_DEATH(launch<do_nothing>({.grid_x = 3, .cluster = 2}), "clusters of 2 in a grid of 3");
  EXPECT_DEATH(launch<do_nothing>({.grid_x = 2, .cluster = 2}, 0, 80), "clusters on capability 80");
  EXPECT_DEATH(launch<do_nothing>({.shared_bytes = 2000}), "2000 bytes of shared memory, it said");
  EXPECT_DEATH(launch<do_nothing>({}, 166913, 80), "a block has 166912");
  EXPECT_DEATH(launch<do_nothing>({}, 232449, 90), "a block has 232448");
  EXPECT_DEATH(static_cast<void>(emulated_device()->launch({.name = "absent"}, {}, nullptr)),
               "launch of absent: it was not compiled for the emulator");
}

}  // namespace
}  // namespace kernels::cuda
