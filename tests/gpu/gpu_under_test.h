// The GPU these tests run on, and arrays in its memory. Without a GPU every test is skipped, and
// says why.
//
// REDOUBT_GPU_TEST=emulated-sm90a or emulated-sm80 runs them on the emulated device instead: slow,
// and only to see that the tests themselves are right.
#ifndef TESTS_GPU_GPU_UNDER_TEST_H_
#define TESTS_GPU_GPU_UNDER_TEST_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace gpu_test {

bool is_emulated();
// Sizes are to be small: emulated, or REDOUBT_GPU_TEST_SHORT is set (under a sanitizer).
bool is_short();
// Empty when there is something to test.
std::string why_skipped();
// How many GPUs, from the first on, have its kernel set.
std::size_t gpus_alike();

struct OpsOptions {
  bool fp8 = false;
  bool record_steps = true;
  std::size_t gpus = 1;  // that share each layer: 1, 2 or 4
};
// Fails the test when it cannot be made.
std::unique_ptr<kernels::Ops> make_ops(const kernels::Limits& limits,
                                       const OpsOptions& options = {});

// Limits that hold every case of these tests.
kernels::Limits test_limits();

class GpuTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_skipped(); !why.empty()) GTEST_SKIP() << why;
  }
};

// Memory of a backend with values in it. Destroyed before its Ops.
template <typename T>
class Array {
 public:
  Array(kernels::Ops& ops, const std::vector<T>& values) : ops_(ops), count_(values.size()) {
    EXPECT_EQ(ops.allocate(values.size() * sizeof(T), &buffer_), kernels::Status::kOk);
    EXPECT_EQ(ops.copy_in(data(), values.data(), values.size() * sizeof(T)), kernels::Status::kOk);
  }
  // Filled with a pattern that is no result: what an operation leaves out shows.
  Array(kernels::Ops& ops, std::size_t count) : Array(ops, std::vector<T>(count, T(-77))) {}

  T* data() const { return static_cast<T*>(buffer_->data()); }
  std::vector<T> values() const {
    std::vector<T> out(count_);
    EXPECT_EQ(ops_.copy_out(out.data(), data(), count_ * sizeof(T)), kernels::Status::kOk);
    return out;
  }

 private:
  kernels::Ops& ops_;
  std::size_t count_;
  std::unique_ptr<kernels::Buffer> buffer_;
};
using Floats = Array<float>;
using Ints = Array<std::int32_t>;

}  // namespace gpu_test

#endif  // TESTS_GPU_GPU_UNDER_TEST_H_
