#include "kernels/cuda/emulated/matrix_product.h"

#include <cstring>

#include "kernels/cuda/portable/host_numbers.h"

namespace kernels::cuda::emulated {
namespace {

constexpr std::size_t kRows = 16;
constexpr std::size_t kDepth = 16;
constexpr std::size_t kColumns = 8;

double value_of(Half type, std::uint32_t bits) {
  const auto half = static_cast<std::uint16_t>(bits & 0xffffU);
  return static_cast<double>(type == Half::kBf16 ? from_bf16(half) : from_f16(half));
}

void read_a(Half type, const LaneFragments (&lanes)[kWarpLanes], double (&a)[kRows][kDepth]) {
  for (std::size_t lane = 0; lane < kWarpLanes; ++lane) {
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t row = lane / 4 + (i % 2) * 8;
      const std::size_t k = lane % 4 * 2 + (i / 2) * 8;
      a[row][k] = value_of(type, lanes[lane].a[i]);
      a[row][k + 1] = value_of(type, lanes[lane].a[i] >> 16U);
    }
  }
}

// Sixteen rows by eight columns. `b` is [kDepth][8]; the lanes' accumulators of these
// columns are d[first] … d[first + 3].
void multiply(const double (&a)[kRows][kDepth], const double (&b)[kDepth][kColumns],
              const LaneFragments (&lanes)[kWarpLanes], std::size_t first) {
  for (std::size_t row = 0; row < kRows; ++row) {
    double sums[kColumns] = {};
    for (std::size_t k = 0; k < kDepth; ++k) {
      for (std::size_t column = 0; column < kColumns; ++column)
        sums[column] += a[row][k] * b[k][column];
    }
    for (std::size_t column = 0; column < kColumns; ++column) {
      float& d = lanes[row % 8 * 4 + column / 2].d[first + row / 8 * 2 + column % 2];
      d = static_cast<float>(static_cast<double>(d) + sums[column]);
    }
  }
}

}  // namespace

void multiply_fragments(Half type, const LaneFragments (&lanes)[kWarpLanes]) {
  double a[kRows][kDepth];
  double b[kDepth][kColumns];
  read_a(type, lanes, a);
  for (std::size_t lane = 0; lane < kWarpLanes; ++lane) {
    for (std::size_t i = 0; i < 2; ++i) {
      const std::size_t k = lane % 4 * 2 + i * 8;
      b[k][lane / 4] = value_of(type, lanes[lane].b[i]);
      b[k + 1][lane / 4] = value_of(type, lanes[lane].b[i] >> 16U);
    }
  }
  multiply(a, b, lanes, 0);
}

void multiply_swizzled(std::size_t n, const LaneFragments (&lanes)[kWarpLanes],
                       const unsigned char* tile, std::size_t column_bytes) {
  double a[kRows][kDepth];
  double b[kDepth][kColumns];
  read_a(Half::kBf16, lanes, a);
  for (std::size_t group = 0; group < n / kColumns; ++group) {
    for (std::size_t row = 0; row < kColumns; ++row) {
      const unsigned char* bytes = tile + (group * kColumns + row) * 128;
      for (std::size_t k = 0; k < kDepth; ++k) {
        const std::size_t byte = column_bytes + k * 2;
        const std::size_t chunk = (byte / 16) ^ row;
        std::uint16_t bits = 0;
        std::memcpy(&bits, bytes + chunk * 16 + byte % 16, sizeof bits);
        b[k][row] = value_of(Half::kBf16, bits);
      }
    }
    multiply(a, b, lanes, group * 4);
  }
}

}  // namespace kernels::cuda::emulated
