#include "kernels/reference/math.h"

#include <cmath>

namespace kernels::reference {

std::vector<double> normalise(const float* x, std::size_t cols, const RmsNorm& norm) {
  std::vector<double> y(x, x + cols);
  if (norm.weight == nullptr) return y;
  double sum = 0;
  for (const double value : y) sum += value * value;
  const double root = std::sqrt(sum / static_cast<double>(cols) + static_cast<double>(norm.eps));
  for (std::size_t c = 0; c < cols; ++c) y[c] = y[c] / root * static_cast<double>(norm.weight[c]);
  return y;
}

double dot(const float* weight, const double* x, std::size_t cols) {
  double sum = 0;
  for (std::size_t c = 0; c < cols; ++c) sum += static_cast<double>(weight[c]) * x[c];
  return sum;
}

double silu(double z) {
  return z / (1.0 + std::exp(-z));
}

void rotate(const Rope& rope, const float* cos_sin, double* head) {
  const std::size_t pairs = rope.rope_dims / 2;
  for (std::size_t j = 0; j < pairs; ++j) {
    const bool adjacent = rope.pairs == RopePairs::kAdjacent;
    double& first = head[adjacent ? 2 * j : j];
    double& second = head[adjacent ? 2 * j + 1 : j + pairs];
    const double cosine = static_cast<double>(cos_sin[j]);
    const double sine = static_cast<double>(cos_sin[pairs + j]);
    const double turned = first * cosine - second * sine;
    second = first * sine + second * cosine;
    first = turned;
  }
}

}  // namespace kernels::reference
