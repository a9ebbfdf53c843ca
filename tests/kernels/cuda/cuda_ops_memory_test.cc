// The backend's memory: what is taken is what was said, and what is refused leaves nothing behind.
#include <gtest/gtest.h>

#include "kernels/half.h"
#include "tests/kernels/cuda/emulated_ops.h"

namespace kernels::cuda {
namespace {

using kernels_test::make_matrix;
using kernels_test::Matrix;
using kernels_test::Random;

const KvShape kCache = {
    .layers = 2, .kv_heads = 2, .head_dim = 64, .block_tokens = 16, .blocks = 5};

TEST(CudaOpsMemory, TakesForWeightsAndCachesWhatItSaidAndNotAByteMore) {
  for (const bool fp8 : {false, true}) {
    const auto planner = make_emulated_ops({.fp8 = fp8});
    std::vector<Matrix> matrices;
    std::size_t bytes = planner->scratch_bytes();
    for (const Format format : kernels_test::kFormats) {
      matrices.push_back(make_matrix(format, 70, 512, 1));
      bytes += planner->weight_bytes(format, 70, 512);
    }
    bytes += planner->kv_cache_bytes(kCache, KvFormat::kF16);
    bytes += planner->kv_cache_bytes(kCache, KvFormat::kQ8_0);
    const auto ops = make_emulated_ops({.fp8 = fp8, .memory_bytes = bytes});
    std::vector<std::unique_ptr<Weight>> weights;
    for (const Matrix& matrix : matrices) weights.push_back(load_matrix(*ops, matrix));
    std::unique_ptr<KvCache> f16;
    std::unique_ptr<KvCache> q8;
    EXPECT_EQ(ops->create_kv_cache(kCache, KvFormat::kF16, &f16), Status::kOk);
    EXPECT_EQ(ops->create_kv_cache(kCache, KvFormat::kQ8_0, &q8), Status::kOk);
    std::unique_ptr<Buffer> buffer;
    EXPECT_EQ(ops->allocate(1, &buffer), Status::kOutOfMemory);
    EXPECT_EQ(buffer, nullptr);
  }
}

TEST(CudaOpsMemory, RefusesAWeightThatDoesNotFitAndGoesOn) {
  const Matrix matrix = make_matrix(Format::kBF16, 640, 512, 1);
  const auto planner = make_emulated_ops();
  const std::size_t bytes = planner->weight_bytes(matrix.format, matrix.rows, matrix.cols);
  const auto ops = make_emulated_ops({.memory_bytes = planner->scratch_bytes() + bytes + 256});
  std::unique_ptr<Weight> first;
  std::unique_ptr<Weight> second;
  ASSERT_EQ(ops->load_weight(matrix.source(), &first), Status::kOk);
  EXPECT_EQ(ops->load_weight(matrix.source(), &second), Status::kOutOfMemory);
  EXPECT_EQ(second, nullptr);
  first.reset();
  EXPECT_EQ(ops->load_weight(matrix.source(), &second), Status::kOk);
  std::unique_ptr<Buffer> rest;
  EXPECT_EQ(ops->allocate(256, &rest), Status::kOk);
}

TEST(CudaOpsMemory, JoinsWhatComesBackInAnyOrder) {
  const auto planner = make_emulated_ops();
  const auto ops = make_emulated_ops({.memory_bytes = planner->scratch_bytes() + 8 * 256});
  for (const std::size_t odd : {0U, 1U}) {
    std::unique_ptr<Buffer> parts[8];
    for (auto& part : parts) ASSERT_EQ(ops->allocate(200, &part), Status::kOk);
    std::unique_ptr<Buffer> whole;
    for (std::size_t i = odd; i < 8; i += 2) parts[i].reset();
    EXPECT_EQ(ops->allocate(512, &whole), Status::kOutOfMemory);
    for (std::size_t i = 1 - odd; i < 8; i += 2) parts[i].reset();
    EXPECT_EQ(ops->allocate(8 * 256, &whole), Status::kOk);
  }
}

TEST(CudaOpsMemory, GivesOutZerosWhereFormerOwnersLeftSomething) {
  const auto ops = make_emulated_ops();
  void* former = nullptr;
  {
    const Held<std::uint32_t> dirty(*ops, std::vector<std::uint32_t>(100, 0xDEADBEEF));
    former = dirty.data();
  }
  std::unique_ptr<Buffer> buffer;
  ASSERT_EQ(ops->allocate(400, &buffer), Status::kOk);
  std::vector<std::uint32_t> read(100, 1);
  ASSERT_EQ(ops->copy_out(read.data(), buffer->data(), 400), Status::kOk);
  EXPECT_EQ(read, std::vector<std::uint32_t>(100, 0));
  EXPECT_EQ(buffer->data(), former);
}

TEST(CudaOpsMemory, SaysWhyThereIsNoBackendWithoutMemory) {
  std::string error;
  EXPECT_EQ(make_emulated_ops({.memory_bytes = 4096}, &error), nullptr);
  EXPECT_NE(error.find("memory"), std::string::npos);
}

TEST(CudaOpsMemory, RefusesShapesNoKernelReads) {
  const auto ops = make_emulated_ops();
  const std::vector<std::uint8_t> bytes(1 << 16);
  const struct {
    Format format;
    std::size_t rows;
    std::size_t cols;
  } shapes[] = {{Format::kQ4_K, 4, 128},
                {Format::kQ8_0, 4, 33},
                {Format::kF32, 0, 32},
                {Format::kF32, 4, 0},
                {Format::kF32, 1, small_limits().cols_max + 1}};
  for (const auto& shape : shapes) {
    std::unique_ptr<Weight> weight;
    EXPECT_EQ(ops->load_weight({shape.format, shape.rows, shape.cols, bytes.data()}, &weight),
              Status::kUnsupported);
    EXPECT_EQ(ops->weight_bytes(shape.format, shape.rows, shape.cols), 0U);
    EXPECT_EQ(weight, nullptr);
  }
  std::unique_ptr<KvCache> cache;
  KvShape shape = kCache;
  EXPECT_EQ(ops->create_kv_cache(shape, KvFormat::kF32, &cache), Status::kUnsupported);
  shape.block_tokens = 24;
  EXPECT_EQ(ops->create_kv_cache(shape, KvFormat::kF16, &cache), Status::kUnsupported);
  shape = kCache;
  shape.head_dim = 20;
  EXPECT_EQ(ops->create_kv_cache(shape, KvFormat::kF16, &cache), Status::kUnsupported);
}

TEST(CudaOpsMemory, LoadsTheSameWeightOnAnyNumberOfThreads) {
  const Matrix matrix = make_matrix(Format::kQ6_K, 700, 512, 2);
  std::vector<std::vector<float>> read;
  for (const std::size_t threads : {1U, 2U}) {
    const auto ops = make_emulated_ops({.host_threads = threads});
    EXPECT_EQ(ops->host_threads(), threads);
    const auto weight = load_matrix(*ops, matrix);
    std::vector<std::int32_t> tokens;
    for (std::int32_t token = 0; token < 64; ++token) tokens.push_back(token * 11 % 700);
    const Held<float> out(*ops, 64 * 512);
    ASSERT_EQ(ops->embed(*weight, tokens.data(), 64, out.data()), Status::kOk);
    read.push_back(out.read());
  }
  EXPECT_EQ(read[0], read[1]);
}

// More than one part of pinned memory, and a last part that is not full.
TEST(CudaOpsMemory, LoadsAWeightThatIsLargerThanWhatIsCopiedAtATime) {
  const std::size_t rows = 17'001;
  const std::size_t cols = 512;
  std::vector<std::uint16_t> elements(rows * cols);
  for (std::size_t i = 0; i < elements.size(); ++i)
    elements[i] = f32_to_bf16(static_cast<float>(i % 251) * static_cast<float>(i / cols + 1));
  const auto ops = make_emulated_ops();
  std::unique_ptr<Weight> weight;
  ASSERT_EQ(ops->load_weight({Format::kBF16, rows, cols, elements.data()}, &weight), Status::kOk);
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 64; ++i) tokens.push_back(i == 63 ? 17'000 : i * 269);
  const Held<float> out(*ops, 64 * cols);
  ASSERT_EQ(ops->embed(*weight, tokens.data(), 64, out.data()), Status::kOk);
  const std::vector<float> read = out.read();
  for (std::size_t i = 0; i < read.size(); ++i) {
    const auto token = static_cast<std::size_t>(tokens[i / cols]);
    ASSERT_EQ(read[i], bf16_to_f32(elements[token * cols + i % cols])) << token;
  }
}

TEST(CudaOpsMemory, LeavesAReserveWhereItIsToTakeAllThereIs) {
  EmulatedDeviceOptions device;
  device.memory_bytes = std::uint64_t{64} << 20;
  CudaOpsOptions options;
  options.limits = small_limits();
  std::string error;
  const auto ops =
      make_cuda_ops(make_emulated_device(device), emulated_kernel_set(true), options, &error);
  ASSERT_NE(ops, nullptr) << error;
  std::unique_ptr<Buffer> buffer;
  EXPECT_EQ(ops->allocate(std::size_t{33} << 20, &buffer), Status::kOutOfMemory);
  EXPECT_EQ(ops->allocate(std::size_t{1} << 20, &buffer), Status::kOk);
}

TEST(CudaOpsMemory, ReadsRowsBackAsTheyWereWrittenButRoundedToBf16) {
  const auto ops = make_emulated_ops();
  for (const std::size_t cols : {1U, 35U, 64U, 500U}) {
    const std::vector<float> from = Random(cols).uniforms(7 * cols, 5.0F);
    const Held<float> rows(*ops, 7 * cols);
    ASSERT_EQ(ops->write_rows(rows.data(), from.data(), 7, cols), Status::kOk);
    std::vector<float> to(7 * cols);
    ASSERT_EQ(ops->read_rows(to.data(), rows.data(), 7, cols), Status::kOk);
    for (std::size_t i = 0; i < to.size(); ++i) ASSERT_EQ(to[i], bf16_to_f32(f32_to_bf16(from[i])));
  }
}

TEST(CudaOps, IsNamedAfterItsKernelsAndWhatTheyRound) {
  EXPECT_EQ(make_emulated_ops()->name(), "emulated-sm90a");
  EXPECT_EQ(make_emulated_ops({.sm90a = false, .fp8 = true})->name(), "emulated-sm80+fp8");
}

}  // namespace
}  // namespace kernels::cuda
