// The linear kernel of sm_90a: bulk copies, wgmma, clusters.
//
// A block is kGroups warpgroups, each with 64 rows of weights (of two matrices, gate and up, where
// kGated), and kTokens rows of activations that they share. Chunks of weights come as bulk copies,
// which one thread issues, chunks of activations as the threads' own copies; both into a ring in
// shared memory. Weights become A fragments in registers, activations are wgmma's B where they lie.
// In a cluster, a block computes one segment of its tiles, and the sums are exchanged through
// shared memory; a block that is no part of one computes all segments, one after the other.
#ifndef KERNELS_CUDA_LINEAR_WGMMA_KERNEL_H_
#define KERNELS_CUDA_LINEAR_WGMMA_KERNEL_H_

#include "kernels/cuda/linear_epilogue.h"
#include "kernels/cuda/linear_wgmma_ring.h"
#include "kernels/cuda/tiles/all_tiles.h"

namespace kernels::cuda {

// The A fragments of two steps, of all matrices and parts: while one is multiplied, the next is
// made.
template <typename Tile, unsigned kMatrices>
struct WgmmaFragments {
  std::uint32_t a[2][kMatrices][Tile::kParts][4];
};

template <typename Tile, unsigned kMatrices>
KERNELS_DEVICE void load_quad(typename Tile::Codes (&codes)[kMatrices],
                              const unsigned char* (&tiles)[kMatrices], std::uint32_t quad) {
  constexpr std::uint32_t kRecordQuads = Tile::kRecordCols / 64;
  KERNELS_UNROLL
  for (std::uint32_t m = 0; m < kMatrices; ++m)
    Tile::load(codes[m], tiles[m] + quad / kRecordQuads * Tile::kRecordBytes, quad % kRecordQuads,
               thread() % 128);
}

// The products of one quad (64 columns) by one warpgroup: k16 steps ascend, and in a step the parts
// of an element. The last step's may still be under way afterwards.
template <typename Tile, unsigned kTokens, unsigned kMatrices>
KERNELS_DEVICE void multiply_quad_wgmma(float (&sums)[kMatrices][kTokens / 2],
                                        const typename Tile::Codes (&codes)[kMatrices],
                                        WgmmaFragments<Tile, kMatrices>& fragments,
                                        const unsigned char* activations) {
  const std::uint64_t b = wgmma_operand(activations);
  KERNELS_UNROLL
  for (std::uint32_t step = 0; step < 4; ++step) {
    auto& a = fragments.a[step % 2];
    KERNELS_UNROLL
    for (std::uint32_t m = 0; m < kMatrices; ++m) {
      KERNELS_UNROLL
      for (unsigned part = 0; part < Tile::kParts; ++part)
        Tile::fragment(codes[m], step, part, a[m][part]);
    }
    wgmma_begin();
    KERNELS_UNROLL
    for (std::uint32_t m = 0; m < kMatrices; ++m) {
      KERNELS_UNROLL
      for (unsigned part = 0; part < Tile::kParts; ++part)
        wgmma_bf16<static_cast<int>(kTokens)>(sums[m], a[m][part], b + 2 * step);
    }
    wgmma_commit();
    wgmma_wait<1>();  // the step before is done, and its fragments' registers are free
  }
}

// Adds the segments of a cluster's tile in segment 0's block, in ascending order. All blocks of the
// cluster call it, and none may leave before all have.
template <typename Plan>
KERNELS_DEVICE void add_segments(float (&sums)[Plan::kMatrices][Plan::kSums], unsigned char* shared,
                                 std::uint32_t segment, std::uint32_t segment_count) {
  float* mine = reinterpret_cast<float*>(shared) + thread();
  sync_block();  // the ring is read no more
  if (segment != 0) {
    KERNELS_UNROLL
    for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) {
      KERNELS_UNROLL
      for (std::uint32_t i = 0; i < Plan::kSums; ++i)
        mine[(m * Plan::kSums + i) * Plan::kThreads] = sums[m][i];
    }
  }
  sync_cluster();
  if (segment == 0) {
    const unsigned rank = cluster_rank();
    for (std::uint32_t other = 1; other < segment_count; ++other) {
      const float* theirs = cluster_shared(mine, rank + other);
      KERNELS_UNROLL
      for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) {
        KERNELS_UNROLL
        for (std::uint32_t i = 0; i < Plan::kSums; ++i)
          sums[m][i] = sums[m][i] + theirs[(m * Plan::kSums + i) * Plan::kThreads];
      }
    }
  }
  sync_cluster();
}

template <typename Tile, unsigned kTokens, unsigned kGroups, bool kGated>
KERNELS_DEVICE void linear_wgmma(const LinearArguments& args) {
  using Plan = WgmmaPlan<Tile, kTokens, kGroups, kGated>;
  KERNELS_SHARED(shared);
  const LinearPlace place = place_of_block(args.grid, block_x(), block_y(), blocks_x());
  const std::uint32_t row_tiles = args.grid.row_tiles[place.matrix];
  const std::uint32_t segment_count = args.grid.segment_count[place.matrix];
  const std::uint32_t first_token = place.token_tile * kTokens;
  const WgmmaFetch<Tile, kTokens, kGroups, kGated> fetch(args, place, shared);
  float* const scales = reinterpret_cast<float*>(shared + Plan::kScalesAt);
  const bool one_segment = args.grid.one_segment_a_block();
  const ChunkRange range =
      one_segment ? segment_chunks(args.padded_cols, Plan::kChunkCols, segment_count, place.segment)
                  : ChunkRange{0, divide_up(args.padded_cols, Plan::kChunkCols)};
  // A block of a cluster that has no tile comes along for the cluster's barriers.
  const std::uint32_t chunks = place.first_tile < row_tiles ? range.last - range.first : 0;
  constexpr std::uint32_t kAhead = Plan::kSlots - 1;

  if (thread() == 0) {
    for (std::uint32_t slot = 0; slot < Plan::kSlots; ++slot) barrier_init(fetch.barrier(slot), 1);
    barriers_ready();
  }
  sync_block();
  // Weights depend on no kernel before this one. A block that may find no rows to compute does not
  // begin: it could not leave before its copies have come.
  const bool early = args.expert_first == nullptr && (first_token == 0 || args.n.rows == nullptr);
  const auto fetch_first_weights = [&] {
    if (thread() != 0) return;
    for (std::uint32_t i = 0; i < kAhead && i < chunks; ++i) fetch.weights(range.first + i, i);
  };
  if (early) fetch_first_weights();
  wait_for_former();
  allow_next();
  const LinearArguments::Tokens tokens = args.tokens(first_token);
  if (!early && tokens.first >= tokens.last) return;  // every block of the cluster does
  if (!early) fetch_first_weights();
  if (place.segment == 0) make_scales<kTokens>(args, tokens, scales);
  for (std::uint32_t i = 0; i < kAhead; ++i) {
    if (i < chunks) fetch.activations(range.first + i, i, tokens);
    commit_copies();
  }

  const std::uint32_t group = thread() / 128;
  const bool has_tile = place.first_tile + group < row_tiles;
  float sums[Plan::kMatrices][Plan::kSums] = {};
  float total[Plan::kMatrices][Plan::kSums] = {};
  std::uint32_t segment = 0;  // of the block's own
  std::uint32_t segment_end =
      one_segment ? chunks
                  : segment_chunks(args.padded_cols, Plan::kChunkCols, segment_count, 0).last;
  for (std::uint32_t i = 0; i < chunks; ++i) {
    wait_copies<Plan::kSlots - 2>();
    async_proxy_fence();  // wgmma reads what this thread's copies wrote
    barrier_wait(fetch.barrier(i), i / Plan::kSlots % 2);
    sync_block();  // this chunk is there for all, and all are done with the one before it
    if (i + kAhead < chunks) {
      if (thread() == 0) fetch.weights(range.first + i + kAhead, i + kAhead);
      fetch.activations(range.first + i + kAhead, i + kAhead, tokens);
    }
    commit_copies();
    if (!has_tile) continue;
    const std::uint32_t quads =
        records_of_chunk(args.records, Tile::kChunkRecords, range.first + i) *
        (Tile::kRecordCols / 64);
    const unsigned char* tiles[Plan::kMatrices];
    KERNELS_UNROLL
    for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) tiles[m] = fetch.tile(i, group, m);
    WgmmaFragments<Tile, Plan::kMatrices> fragments;
    typename Tile::Codes codes[Plan::kMatrices];
    load_quad<Tile>(codes, tiles, 0);
    for (std::uint32_t quad = 0; quad < quads; ++quad) {
      typename Tile::Codes next[Plan::kMatrices];
      load_quad<Tile>(next, tiles, quad + 1 < quads ? quad + 1 : quad);
      multiply_quad_wgmma<Tile, kTokens>(sums, codes, fragments, fetch.activation_tile(i, quad));
      KERNELS_UNROLL
      for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) codes[m] = next[m];
    }
    wgmma_wait<0>();
    if (i + 1 == segment_end) {
      KERNELS_UNROLL
      for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) add_segment(total[m], sums[m], segment);
      ++segment;
      segment_end = segment_chunks(args.padded_cols, Plan::kChunkCols, segment_count, segment).last;
    }
  }

  const std::uint32_t tile = place.first_tile + group;
  if constexpr (!kGated) {
    if (args.grid.apart) {
      if (has_tile) store_segment<kTokens>(args, total[0], place, tile, tokens, thread() % 128);
      return;
    }
  }
  if (args.grid.cluster > 1) add_segments<Plan>(total, shared, place.segment, segment_count);
  if (place.segment != 0) return;
  if (has_tile)
    finish_tile<kTokens, kGated>(args, total, place.matrix, tile, tokens, thread() % 128, scales);
  if constexpr (!kGated) {
    if (args.next.weight != nullptr)
      prepare_next<kTokens>(args, total[0], place.first_tile, has_tile, tokens,
                            reinterpret_cast<float*>(shared));
  }
}

template <typename Tile, unsigned kTokens, unsigned kGroups, bool kGated>
KERNELS_GLOBAL void KERNELS_BOUNDS(128 * kGroups, 1) linear_wgmma_kernel(LinearArguments args) {
  linear_wgmma<Tile, kTokens, kGroups, kGated>(args);
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_WGMMA_KERNEL_H_
