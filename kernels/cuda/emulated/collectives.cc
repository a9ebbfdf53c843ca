// What threads do together: barriers, shuffles, matrix products. The last to arrive computes for
// all.
#include <bit>
#include <cstring>

#include "kernels/cuda/emulated/block_run.h"

namespace kernels::cuda::emulated {
namespace {

Warp& own_warp(const Thread& thread) {
  return thread.block->warps[thread.thread / kWarpLanes];
}

// Arrives at the warp's meeting, with the caller's arguments in the wait. True for the last.
bool arrive_at_warp(const char* what, std::uint64_t detail, Place place, void* arguments) {
  return ClusterRun::current().arrive(own_warp(ClusterRun::thread()).meeting, kWarpLanes,
                                      {what, place, detail, arguments});
}

void end_warp_meeting() {
  ClusterRun::current().end_meeting(own_warp(ClusterRun::thread()).meeting);
}

// The arguments of the lanes that have met, by lane.
template <typename Arguments>
void arguments_of_lanes(Arguments* (&lanes)[kWarpLanes]) {
  for (const Thread* thread : own_warp(ClusterRun::thread()).meeting.threads)
    lanes[thread->thread % kWarpLanes] = static_cast<Arguments*>(thread->wait.arguments);
}

struct Shuffle {
  std::uint32_t value;
  unsigned source_lane;
  std::uint32_t result;
};

std::uint32_t exchange(const char* what, std::uint32_t value, unsigned source_lane, Place place) {
  Shuffle own{value, source_lane, 0};
  if (arrive_at_warp(what, 0, place, &own)) {
    Shuffle* lanes[kWarpLanes] = {};
    arguments_of_lanes(lanes);
    // The lane number counts modulo the warp (PTX ISA 9.0, shfl.sync, with a mask of all
    // lanes).
    for (Shuffle* lane : lanes) lane->result = lanes[lane->source_lane % kWarpLanes]->value;
    end_warp_meeting();
  }
  return own.result;
}

struct MatrixRow {
  std::uint32_t* r;
  const unsigned char* row;
};

// `lane` of matrix j: portable.h, load_matrices.
std::uint32_t matrix_register(MatrixRow* const (&lanes)[kWarpLanes], std::size_t matrix,
                              std::size_t lane, bool transposed) {
  std::uint32_t result = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t along = lane % 4 * 2 + i;
    const std::size_t row = transposed ? along : lane / 4;
    const std::size_t column = transposed ? lane / 4 : along;
    std::uint16_t element = 0;
    std::memcpy(&element, lanes[matrix * 8 + row]->row + column * sizeof element, sizeof element);
    result |= static_cast<std::uint32_t>(element) << (16 * i);
  }
  return result;
}

std::uint64_t mixed(std::uint64_t digest, std::uint64_t value) {
  return (std::rotl(digest, 7) ^ value) * 0x9e3779b97f4a7c15U + 1;
}

// The operand of wgmma, as wgmma_operand makes it (PTX ISA 9.0, section 9.7.15.5.1, "matrix
// descriptor"): address / 16 in bits 0 … 13, here from the beginning of the block's shared memory,
// stride between groups of eight rows / 16 in bits 32 … 45, swizzle of 128 bytes in bits 62 … 63.
constexpr std::uint64_t kDescriptorAddress = 0x3fff;
constexpr std::uint64_t kDescriptorRest =
    std::uint64_t{1} << 62U | std::uint64_t{1024 / 16} << 32U | std::uint64_t{1} << 16U;

const unsigned char* operand_tile(const Block& block, const PendingProduct& product,
                                  std::size_t* column_bytes) {
  ClusterRun& run = ClusterRun::current();
  if ((product.b & ~kDescriptorAddress) != kDescriptorRest)
    run.fail("wgmma of an operand that wgmma_operand did not make");
  const std::size_t address = (product.b & kDescriptorAddress) * 16;
  *column_bytes = address % 1024;
  if (*column_bytes > 96 || *column_bytes % 32 != 0)
    run.fail("wgmma of an operand that begins %zu bytes into its tile", *column_bytes);
  const unsigned char* tile = block.shared.data() + (address - *column_bytes);
  if (!block.shared.holds(tile, std::size_t{product.n} * 128))
    run.fail("wgmma of an operand beyond the block's shared memory");
  return tile;
}

// The oldest `count` pending products of all lanes of a warp.
void multiply_pending(std::size_t count) {
  Thread& self = ClusterRun::thread();
  const auto& members = own_warp(self).meeting.threads;
  for (std::size_t i = 0; i < count; ++i) {
    const PendingProduct& own = self.products.things[i];
    LaneFragments lanes[kWarpLanes];
    for (const Thread* thread : members) {
      if (thread->products.things.size() < count || thread->products.things[i].b != own.b ||
          thread->products.things[i].n != own.n)
        ClusterRun::current().fail("its wgmma differs from that of thread %u", thread->thread);
      const PendingProduct& product = thread->products.things[i];
      lanes[thread->thread % kWarpLanes] = {product.a, nullptr, product.d};
    }
    std::size_t column_bytes = 0;
    const unsigned char* tile = operand_tile(*self.block, own, &column_bytes);
    multiply_swizzled(own.n, lanes, tile, column_bytes);
    std::uint64_t& digest = own_warp(self).products;
    digest = mixed(mixed(digest, own.b), own.n);
  }
  for (Thread* thread : members) thread->products.drop(count);
}

}  // namespace

void sync_block(Place place) {
  ClusterRun& run = ClusterRun::current();
  Block& block = *ClusterRun::thread().block;
  if (run.arrive(block.whole, block.threads.size(), {"sync_block", place}))
    run.end_meeting(block.whole);
}

void sync_group(unsigned barrier, unsigned threads, Place place) {
  ClusterRun& run = ClusterRun::current();
  Block& block = *ClusterRun::thread().block;
  if (barrier < 1 || barrier > 15)
    run.fail("sync_group with barrier %u; there are 1 to 15", barrier);
  if (threads == 0 || threads % kWarpLanes != 0 || threads > block.threads.size())
    run.fail("sync_group of %u threads, in a block of %zu", threads, block.threads.size());
  Meeting& meeting = block.named[barrier];
  const std::uint64_t detail = std::uint64_t{barrier} << 32U | threads;
  // Warps with different work meet at named barriers, each in its own part of the kernel.
  const Wait wait{"sync_group", place, detail, nullptr, true};
  if (run.arrive(meeting, threads, wait)) run.end_meeting(meeting);
}

void sync_warp(Place place) {
  if (arrive_at_warp("sync_warp", 0, place, nullptr)) end_warp_meeting();
}

void sync_cluster(Place place) {
  ClusterRun& run = ClusterRun::current();
  run.require(90, "sync_cluster");
  const std::size_t count = run.cluster() * ClusterRun::thread().threads;
  if (run.arrive(run.cluster_meeting(), count, {"sync_cluster", place}))
    run.end_meeting(run.cluster_meeting());
}

std::uint32_t shuffle(std::uint32_t value, unsigned source_lane, Place place) {
  return exchange("shuffle", value, source_lane, place);
}

std::uint32_t shuffle_xor(std::uint32_t value, unsigned mask, Place place) {
  return exchange("shuffle_xor", value, (ClusterRun::thread().thread % kWarpLanes) ^ mask, place);
}

void mma(Half type, float* d, const std::uint32_t* a, const std::uint32_t* b, Place place) {
  LaneFragments own{a, b, d};
  if (!arrive_at_warp(type == Half::kBf16 ? "mma_bf16" : "mma_f16", 0, place, &own)) return;
  LaneFragments* arrived[kWarpLanes] = {};
  LaneFragments lanes[kWarpLanes];
  arguments_of_lanes(arrived);
  for (std::size_t i = 0; i < kWarpLanes; ++i) lanes[i] = *arrived[i];
  multiply_fragments(type, lanes);
  end_warp_meeting();
}

void load_matrices(std::uint32_t* r, const void* shared_row, bool transposed, Place place) {
  ClusterRun& run = ClusterRun::current();
  if (!ClusterRun::thread().block->shared.holds(shared_row, 16) ||
      reinterpret_cast<std::uintptr_t>(shared_row) % 16 != 0)
    run.fail("load_matrices of a row that is not 16 aligned bytes of shared memory");
  MatrixRow own{r, static_cast<const unsigned char*>(shared_row)};
  if (!arrive_at_warp(transposed ? "load_matrices_transposed" : "load_matrices", 0, place, &own))
    return;
  MatrixRow* lanes[kWarpLanes] = {};
  arguments_of_lanes(lanes);
  for (std::size_t lane = 0; lane < kWarpLanes; ++lane) {
    for (std::size_t matrix = 0; matrix < 4; ++matrix)
      lanes[lane]->r[matrix] = matrix_register(lanes, matrix, lane, transposed);
  }
  end_warp_meeting();
}

std::uint64_t wgmma_operand(const void* shared) {
  const Block& block = *ClusterRun::thread().block;
  const auto offset =
      static_cast<std::size_t>(static_cast<const unsigned char*>(shared) - block.shared.data());
  if (!block.shared.holds(shared, 1024) || offset % 1024 != 0)
    ClusterRun::current().fail("wgmma_operand of what is not 1,024-byte aligned shared memory");
  return kDescriptorRest | offset / 16;
}

void wgmma(unsigned n, float* d, const std::uint32_t* a, std::uint64_t b, Place place) {
  ClusterRun& run = ClusterRun::current();
  Thread& self = ClusterRun::thread();
  static_cast<void>(place);
  run.require_exactly(90, "wgmma");
  if (self.threads % 128 != 0) run.fail("wgmma in a block that is not of whole warpgroups");
  self.products.things.push_back({b, n, {a[0], a[1], a[2], a[3]}, d});
}

void wgmma_commit() {
  auto& products = ClusterRun::thread().products;
  products.groups.push_back(products.things.size());
}

void wgmma_wait(std::size_t pending, Place place) {
  // A warp computes its own sixteen rows of the 64: it does not wait for the other three, so what
  // it needs of them (B in shared memory) has to have been waited for.
  if (!arrive_at_warp("wgmma_wait", pending, place, nullptr)) return;
  multiply_pending(ClusterRun::thread().products.due(pending));
  end_warp_meeting();
}

}  // namespace kernels::cuda::emulated
