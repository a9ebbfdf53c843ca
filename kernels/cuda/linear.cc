#include "kernels/cuda/linear.h"

#include <algorithm>

#include "kernels/check.h"
#include "kernels/cuda/linear_arguments.h"

namespace kernels::cuda {
namespace {

std::uint32_t matrices_of_grid(const LinearCall& call) {
  return call.mode == LinearMode::kGated ? 1 : call.matrix_count;
}

// Of one expert; of the matrix where there are none.
TileShape expert_shape(const LinearCall& call, const LinearMatrix& matrix) {
  TileShape shape = matrix.shape;
  if (call.experts == 0) return shape;
  shape.rows /= call.experts;
  shape.row_tiles /= call.experts;
  return shape;
}

void check_call(const LinearCall& call) {
  KERNELS_CHECK(call.matrices != nullptr && call.matrix_count >= 1 &&
                call.matrix_count <= kMatricesMax);
  KERNELS_CHECK(call.n.rows_max >= 1);
  const TileShape& first = call.matrices[0].shape;
  KERNELS_CHECK(first.records >= 1 && first.row_tiles >= 1);
  KERNELS_CHECK(call.x != nullptr && reinterpret_cast<std::uintptr_t>(call.x) % 16 == 0);
  KERNELS_CHECK(call.x_stride % 8 == 0 && call.x_stride >= first.padded_cols());
  KERNELS_CHECK(call.experts <= 65535);  // the grid's third dimension
  if (call.experts != 0) KERNELS_CHECK(call.expert_first != nullptr && call.n.rows == nullptr);
  for (std::uint32_t m = 0; m < call.matrix_count; ++m) {
    const LinearMatrix& matrix = call.matrices[m];
    KERNELS_CHECK(matrix.shape.format == first.format && matrix.shape.cols == first.cols);
    KERNELS_CHECK(matrix.tiles != nullptr &&
                  reinterpret_cast<std::uintptr_t>(matrix.tiles) % 256 == 0);
    if (call.experts != 0)
      KERNELS_CHECK(matrix.shape.rows % (kTileRows * std::uint64_t{call.experts}) == 0);
    // 0 and 1, 2, 4.
    KERNELS_CHECK(matrix.segment_count <= 4 && matrix.segment_count != 3);
    if (call.mode != LinearMode::kGated)
      KERNELS_CHECK(matrix.out != nullptr && matrix.out_stride >= expert_shape(call, matrix).rows);
  }
  if (call.mode == LinearMode::kGated) {
    KERNELS_CHECK(call.matrix_count == 2 && call.matrices[1].shape.rows == first.rows);
    KERNELS_CHECK(call.hidden != nullptr &&
                  call.hidden_stride >= expert_shape(call, call.matrices[0]).rows);
  }
  if (call.mode == LinearMode::kSegments)
    KERNELS_CHECK(call.matrix_count == 1 && call.experts == 0 && call.scale.square_sums == nullptr);
  if (call.next.weight == nullptr) return;
  KERNELS_CHECK(call.mode == LinearMode::kAdd && call.matrix_count == 1 && call.experts == 0);
  KERNELS_CHECK(first.rows % 256 == 0 && call.next.x_stride >= first.rows);
  KERNELS_CHECK(call.next.x != nullptr && call.next.square_sums != nullptr);
}

std::uint32_t segments_of(const LinearMatrix& matrix, const TileShape& expert) {
  return matrix.segment_count != 0 ? matrix.segment_count : segments(expert);
}

LinearArguments::Matrix matrix_argument(const LinearCall& call, const LinearMatrix& matrix) {
  const TileShape& shape = matrix.shape;
  const float* scales = matrix.row_scales;
  if (shape.format == TileFormat::kE4m3 && scales == nullptr)
    scales = reinterpret_cast<const float*>(matrix.tiles + shape.row_tiles * shape.tile_bytes());
  return {matrix.tiles,     scales, matrix.bias, matrix.out, expert_shape(call, matrix).rows,
          matrix.out_stride};
}

// Clusters where there are too few tiles without: they cost an exchange, and blocks that begin and
// end more often.
LinearGrid grid_of(const LinearCall& call, const LinearKernels::Tile& tile, bool may_cluster) {
  LinearGrid grid;
  grid.matrix_count = matrices_of_grid(call);
  grid.groups = tile.groups;
  grid.token_tiles = divide_up(call.n.rows_max, tile.rows);
  std::uint64_t tiles = 0;
  std::uint32_t segments_max = 1;
  // Experts with rows, at most.
  const std::uint32_t parts = call.experts == 0 ? 1 : std::min(call.experts, call.x_rows);
  for (std::uint32_t m = 0; m < grid.matrix_count; ++m) {
    const TileShape shape = expert_shape(call, call.matrices[m]);
    grid.row_tiles[m] = shape.row_tiles;
    grid.segment_count[m] = segments_of(call.matrices[m], shape);
    tiles += std::uint64_t{grid.row_tiles[m]} * grid.token_tiles * parts;
    segments_max = std::max(segments_max, grid.segment_count[m]);
  }
  grid.apart = call.mode == LinearMode::kSegments;
  if (may_cluster && !grid.apart && tiles < kBlocksWanted) grid.cluster = segments_max;
  return grid;
}

// Rows that a tile had better hold: all, or twice an expert's even share.
std::uint32_t rows_of_tile(const LinearCall& call) {
  if (call.experts == 0) return call.n.rows_max;
  return std::min(call.n.rows_max, 2 * divide_up(call.x_rows, call.experts));
}

// The smallest tile that holds them, or else the largest.
std::size_t tile_for(const LinearKernels::Tile (&tiles)[LinearKernels::kTiles],
                     std::uint32_t rows) {
  std::size_t i = 0;
  while (i + 1 < LinearKernels::kTiles && tiles[i].rows < rows && tiles[i + 1].rows != 0) ++i;
  return i;
}

}  // namespace

std::uint32_t segments(const TileShape& shape) {
  const std::uint32_t stages = divide_up(shape.padded_cols(), kStageCols);
  std::uint32_t count = 1;
  while (count < 4 && shape.row_tiles * count < kBlocksWanted && stages >= 2 * 2 * count)
    count *= 2;
  return count;
}

Status run_linear(Device& device, const LinearKernels& kernels, const LinearCall& call) {
  check_call(call);
  const bool gated = call.mode == LinearMode::kGated;
  const auto& tiles = gated ? kernels.gated_tiles : kernels.tiles;
  const std::size_t tile = tile_for(tiles, rows_of_tile(call));
  const auto format = static_cast<std::size_t>(call.matrices[0].shape.format);
  const Kernel& kernel = gated ? kernels.gated[format][tile] : kernels.kernels[format][tile];

  LinearArguments arguments;
  for (std::uint32_t m = 0; m < call.matrix_count; ++m)
    arguments.matrices[m] = matrix_argument(call, call.matrices[m]);
  arguments.grid = grid_of(call, tiles[tile], kernels.clusters);
  arguments.records = call.matrices[0].shape.records;
  arguments.padded_cols = call.matrices[0].shape.padded_cols();
  arguments.x = call.x;
  arguments.x_stride = call.x_stride;
  arguments.n = call.n;
  arguments.add = call.mode == LinearMode::kAdd;
  arguments.scale = call.scale;
  arguments.next = call.next;
  arguments.hidden = call.hidden;
  arguments.hidden_stride = call.hidden_stride;
  if (call.experts != 0) arguments.expert_first = call.expert_first;

  LaunchShape shape;
  shape.grid_x = clusters_of_grid(arguments.grid) * arguments.grid.cluster;
  shape.grid_y = arguments.grid.token_tiles;
  shape.grid_z = std::max(call.experts, 1U);
  shape.threads = 128 * tiles[tile].groups;
  shape.cluster = arguments.grid.cluster;
  shape.shared_bytes = static_cast<std::uint32_t>(kernel.shared_bytes_max);
  return device.launch_with(kernel, shape, arguments);
}

}  // namespace kernels::cuda
