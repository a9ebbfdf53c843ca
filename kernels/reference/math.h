// The formulas of ops.h for one row, in double, each written as its source has it.
#ifndef KERNELS_REFERENCE_MATH_H_
#define KERNELS_REFERENCE_MATH_H_

#include <cstddef>
#include <vector>

#include "kernels/ops.h"

namespace kernels::reference {

// x / sqrt(mean(x^2) + eps) * weight; x itself when norm.weight is null.
std::vector<double> normalise(const float* x, std::size_t cols, const RmsNorm& norm);

// sum_c weight[c] * x[c], ascending.
double dot(const float* weight, const double* x, std::size_t cols);

// z / (1 + exp(-z)).
double silu(double z);

// Turns the first rope.rope_dims elements of one head in place; cos_sin is the row's.
void rotate(const Rope& rope, const float* cos_sin, double* head);

}  // namespace kernels::reference

#endif  // KERNELS_REFERENCE_MATH_H_
