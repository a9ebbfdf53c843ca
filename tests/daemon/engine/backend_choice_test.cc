#include "daemon/engine/backend_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace daemon_engine {
namespace {

using kernels::cuda::Gpu;
using kernels::cuda::GpuInventory;
using kernels::cuda::GpuSupport;
using testing::HasSubstr;

Gpu gpu(int ordinal, std::uint64_t gib, GpuSupport support = GpuSupport::kUsable) {
  Gpu gpu;
  gpu.ordinal = ordinal;
  gpu.name = "NVIDIA H200";
  gpu.uuid = "GPU-" + std::to_string(ordinal);
  gpu.memory_bytes = gib << 30;
  gpu.support = support;
  return gpu;
}

GpuInventory machine(std::vector<Gpu> gpus) {
  GpuInventory inventory;
  inventory.support = GpuSupport::kUsable;
  inventory.gpus = std::move(gpus);
  return inventory;
}

GpuInventory without_driver() {
  GpuInventory inventory;
  inventory.support = GpuSupport::kNoDriver;
  inventory.reason = "no NVIDIA driver is loaded";
  return inventory;
}

const std::vector<std::string> kBoth = {"cpu", "cuda"};
const std::vector<std::string> kCpuAlone = {"cpu"};
const std::vector<std::string> kCudaAlone = {"cuda"};

EngineConfig configured(std::string backend) {
  EngineConfig config;
  config.backend = std::move(backend);
  return config;
}

std::vector<int> ordinals(const BackendChoice& choice) {
  std::vector<int> ordinals;
  for (const Gpu& each : choice.gpus) ordinals.push_back(each.ordinal);
  return ordinals;
}

base::ErrorCode refusal(const EngineConfig& config, const std::vector<std::string>& permitted,
                        const GpuInventory& inventory, std::string_view text) {
  const auto choice = choose_backend(config, permitted, inventory);
  EXPECT_FALSE(choice.ok());
  if (choice.ok()) return base::ErrorCode::kIo;
  EXPECT_THAT(choice.error().message, HasSubstr(std::string(text)));
  return choice.error().code;
}

TEST(BackendChoice, AutoTakesAGpuThatCanBeUsed) {
  const auto choice = choose_backend(configured("auto"), kBoth, machine({gpu(0, 141)}));
  ASSERT_TRUE(choice.ok());
  EXPECT_EQ(choice.value().kind, BackendKind::kCuda);
  EXPECT_TRUE(choice.value().may_fall_back);
  EXPECT_EQ(choice.value().reason, "");
  EXPECT_THAT(ordinals(choice.value()), testing::ElementsAre(0));
}

TEST(BackendChoice, AutoTakesTheCpuAndSaysWhy) {
  struct Case {
    EngineConfig config;
    std::vector<std::string> permitted;
    GpuInventory inventory;
    std::string_view reason;
  };
  EngineConfig exact = configured("auto");
  exact.kv_format = "f32";
  EngineConfig excluded = configured("auto");
  excluded.gpus_excluded = {"GPU-0"};
  EngineConfig other = configured("auto");
  other.gpus = {"GPU-7"};
  const Case cases[] = {
      {configured("auto"), {}, without_driver(), "no NVIDIA driver is loaded"},
      {configured("auto"), kCpuAlone, machine({gpu(0, 80)}), "made for the backends cpu"},
      {exact, {}, machine({gpu(0, 80)}), "engine.kv_format is \"f32\""},
      {excluded, {}, machine({gpu(0, 80)}), "GPU-0 is in quarantine"},
      {other, {}, machine({gpu(0, 80)}), "engine.gpus names no GPU of this machine"},
      {configured("auto"),
       {},
       machine({gpu(0, 80, GpuSupport::kArchitecture)}),
       "GPU-0) cannot be used: "},
  };
  for (const Case& each : cases) {
    const auto choice = choose_backend(each.config, each.permitted, each.inventory);
    ASSERT_TRUE(choice.ok()) << choice.error().message;
    EXPECT_EQ(choice.value().kind, BackendKind::kCpu);
    EXPECT_TRUE(choice.value().gpus.empty());
    EXPECT_THAT(choice.value().reason, HasSubstr(std::string(each.reason)));
  }
}

TEST(BackendChoice, CudaIsAGpuOrNothing) {
  const auto choice = choose_backend(configured("cuda"), kBoth, machine({gpu(0, 141)}));
  ASSERT_TRUE(choice.ok());
  EXPECT_EQ(choice.value().kind, BackendKind::kCuda);
  EXPECT_FALSE(choice.value().may_fall_back);
  // What may pass: another process finds a driver, or a GPU that is out of quarantine.
  EXPECT_EQ(refusal(configured("cuda"), {}, without_driver(), "no NVIDIA driver is loaded"),
            base::ErrorCode::kDevice);
  EngineConfig config = configured("cuda");
  config.gpus_excluded = {"GPU-0"};
  EXPECT_EQ(refusal(config, {}, machine({gpu(0, 80)}), "GPU-0 is in quarantine"),
            base::ErrorCode::kDevice);
  // What never will.
  EXPECT_EQ(
      refusal(configured("cuda"), kCpuAlone, machine({gpu(0, 80)}), "made for the backends cpu"),
      base::ErrorCode::kDenied);
  config = configured("cuda");
  config.kv_format = "f32";
  EXPECT_EQ(refusal(config, {}, machine({gpu(0, 80)}), "\"f16\" or \"q8_0\""),
            base::ErrorCode::kUnsupported);
}

TEST(BackendChoice, TheCpuIsTakenOnlyWhereTheReleaseIsMadeForIt) {
  EXPECT_EQ(refusal(configured("cpu"), kCudaAlone, machine({gpu(0, 80)}), "cpu is configured"),
            base::ErrorCode::kDenied);
  EXPECT_EQ(refusal(configured("auto"), kCudaAlone, without_driver(), "no NVIDIA driver is loaded"),
            base::ErrorCode::kDevice);
  const auto choice = choose_backend(configured("auto"), kCudaAlone, machine({gpu(0, 80)}));
  ASSERT_TRUE(choice.ok());
  EXPECT_FALSE(choice.value().may_fall_back);
}

TEST(BackendChoice, NobodyLooksAtGpusWhereTheCpuIsConfigured) {
  for (const char* backend : {"cpu", "reference"}) {
    const auto choice = choose_backend(configured(backend), kBoth, machine({gpu(0, 80)}));
    ASSERT_TRUE(choice.ok());
    EXPECT_NE(choice.value().kind, BackendKind::kCuda);
    EXPECT_EQ(choice.value().reason, "");
  }
  EXPECT_EQ(refusal(configured("tpu"), {}, {}, "backend tpu"), base::ErrorCode::kUnsupported);
}

TEST(BackendChoice, GpusAreNamedByUuidOrNumberAndTheLargestIsTheFirst) {
  const GpuInventory four = machine({gpu(0, 24), gpu(1, 80), gpu(2, 80), gpu(3, 141)});
  EXPECT_THAT(ordinals(choose_backend(configured("auto"), {}, four).value()),
              testing::ElementsAre(3, 1, 2, 0));
  EngineConfig config = configured("auto");
  config.gpus = {"GPU-0", "2", "GPU-9"};
  EXPECT_THAT(ordinals(choose_backend(config, {}, four).value()), testing::ElementsAre(2, 0));
  config.gpus_excluded = {"GPU-2"};
  EXPECT_THAT(ordinals(choose_backend(config, {}, four).value()), testing::ElementsAre(0));
  GpuInventory busy = machine({gpu(0, 80), gpu(1, 80)});
  busy.gpus[0].memory_free_bytes = std::uint64_t{1} << 30;
  EXPECT_THAT(ordinals(choose_backend(configured("auto"), {}, busy).value()),
              testing::ElementsAre(1, 0));
}

TEST(BackendChoice, GpusThatShareAreOfOneKindAndAPowerOfTwo) {
  const auto sharing = [](std::vector<std::string> kernels) {
    std::vector<Gpu> gpus;
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      gpus.push_back(gpu(static_cast<int>(i), 80));
      gpus.back().kernels = kernels[i];
    }
    BackendChoice choice;
    choice.gpus = sharing_gpus(gpus);
    return ordinals(choice);
  };
  EXPECT_THAT(sharing({"a"}), testing::ElementsAre(0));
  EXPECT_THAT(sharing({"a", "a"}), testing::ElementsAre(0, 1));
  EXPECT_THAT(sharing({"a", "a", "a"}), testing::ElementsAre(0, 1));
  EXPECT_THAT(sharing({"a", "a", "a", "a"}), testing::ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(sharing(std::vector<std::string>(8, "a")), testing::ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(sharing({"a", "b", "a", "b"}), testing::ElementsAre(0, 2));
  EXPECT_THAT(sharing({"a", "b", "b"}), testing::ElementsAre(0));
}

TEST(BackendChoice, DescribesItself) {
  BackendChoice choice = choose_backend(configured("auto"), {}, machine({gpu(0, 141)})).value();
  EXPECT_EQ(choice.describe("cuda-sm90a").dump(),
            R"({"kind":"cuda","kernels":"cuda-sm90a","gpus":[{"name":"NVIDIA H200","uuid":"GPU-0",)"
            R"("memory_bytes":151397597184}],"reason":""})");
  choice.gpus.push_back(choice.gpus.front());
  EXPECT_EQ(choice.describe("k").find("split")->as_string(), "layers");
  choice.split = GpuSplit::kTensor;
  EXPECT_EQ(choice.describe("k").find("split")->as_string(), "tensor");
  choice.fall_back("too large");
  EXPECT_EQ(choice.describe("cpu-amx").dump(),
            R"({"kind":"cpu","kernels":"cpu-amx","gpus":[],"reason":"too large"})");
}

}  // namespace
}  // namespace daemon_engine
