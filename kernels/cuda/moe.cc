#include "kernels/cuda/moe.h"

#include "kernels/check.h"
#include "kernels/cuda/moe_arguments.h"

namespace kernels::cuda {
namespace {

// Places are counted in 32 bits with room to spare.
constexpr std::uint64_t kPlacesMax = std::uint64_t{1} << 24;

void check_choice(const RowCount& n, std::uint32_t experts, std::uint32_t k) {
  KERNELS_CHECK(n.rows_max >= 1 && std::uint64_t{n.rows_max} * k <= kPlacesMax);
  KERNELS_CHECK(experts >= 1 && experts <= kExpertsMax);
  KERNELS_CHECK(k >= 1 && k <= kChosenMax && k <= experts);
}

bool aligned16(const void* p) {
  return p != nullptr && reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
}

}  // namespace

Status run_route(Device& device, const MoeKernels& kernels, const RouteCall& call) {
  check_choice(call.n, call.experts, call.k);
  KERNELS_CHECK(call.logits != nullptr && call.chosen != nullptr && call.weight != nullptr);
  LaunchShape shape;
  shape.grid_x = (call.n.rows_max + kRoutedRows - 1) / kRoutedRows;
  shape.threads = kRoutedRows * 32;
  return device.launch_with(kernels.route, shape, call);
}

Status run_group(Device& device, const MoeKernels& kernels, const GroupCall& call) {
  check_choice(call.n, call.experts, call.k);
  KERNELS_CHECK(call.chosen != nullptr && call.expert_first != nullptr && call.place != nullptr);
  LaunchShape shape;
  shape.grid_x = call.experts;
  shape.threads = kGroupThreads;
  shape.shared_bytes = static_cast<std::uint32_t>(kernels.group.shared_bytes_max);
  return device.launch_with(kernels.group, shape, call);
}

Status run_gather(Device& device, const MoeKernels& kernels, const GatherCall& call) {
  check_choice(call.n, kExpertsMax, call.k);
  KERNELS_CHECK(aligned16(call.x) && aligned16(call.to) && call.place != nullptr);
  KERNELS_CHECK(call.stride >= 8 && call.stride % 8 == 0);
  LaunchShape shape;
  shape.grid_x = call.n.rows_max;
  shape.grid_y = call.k;
  shape.threads = kGatherThreads;
  return device.launch_with(kernels.gather, shape, call);
}

Status run_combine(Device& device, const MoeKernels& kernels, const CombineCall& call) {
  check_choice(call.n, kExpertsMax, call.k);
  KERNELS_CHECK(call.y != nullptr && call.place != nullptr && call.weight != nullptr);
  KERNELS_CHECK(call.out != nullptr && call.cols >= 1);
  KERNELS_CHECK(call.stride >= call.cols && call.out_stride >= call.cols);
  LaunchShape shape;
  shape.grid_x = call.n.rows_max;
  shape.grid_y = (call.cols + kCombineThreads - 1) / kCombineThreads;
  shape.threads = kCombineThreads;
  return device.launch_with(kernels.combine, shape, call);
}

}  // namespace kernels::cuda
