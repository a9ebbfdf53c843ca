// The whole of redoubt with two GPUs that can be made to fail an engine before it is ready: a test
// executable, never installed. Its main() is production's but for where GPUs come from; in their
// place computes the reference backend. What is wrong with them is said by engine.step_deadline_ms,
// which means nothing to that backend: 60xy, x for the first GPU and y for the second,
//
//    0   nothing
//    1   it cannot be opened
//    2   it answers wrongly: the logits of every row stand one place further on
#include <array>
#include <memory>
#include <string>

#include "daemon/cli/command.h"
#include "daemon/engine/engine_hooks.h"
#include "kernels/cuda/gpus.h"
#include "tests/daemon/engine/wrong_decoder.h"

namespace {

namespace cuda = kernels::cuda;

constexpr std::uint64_t kMemoryBytes = std::uint64_t{1} << 30;
// The names that the stand-in for NVIDIA's library has for its first two.
constexpr std::array kUuids = {"GPU-fake-0000", "GPU-fake-0001"};
constexpr std::uint32_t kIllnesses = 6'000;

enum class Illness : std::uint32_t { kNone = 0, kClosed = 1, kWrong = 2 };

// Of the GPU that this process computes on. Hooks have no place for more.
bool answers_wrongly = false;

Illness illness_of(const cuda::GpuOptions& options) {
  if (options.step_deadline_ms < kIllnesses || options.step_deadline_ms > kIllnesses + 99)
    return Illness::kNone;
  const std::uint32_t both = options.step_deadline_ms - kIllnesses;
  return static_cast<Illness>(options.ordinal == 0 ? both / 10 : both % 10);
}

cuda::GpuInventory find_two() {
  cuda::GpuInventory inventory;
  inventory.support = cuda::GpuSupport::kUsable;
  for (const char* uuid : kUuids) {
    cuda::Gpu gpu;
    gpu.ordinal = static_cast<int>(inventory.gpus.size());
    gpu.name = "Ailing GPU";
    gpu.uuid = uuid;
    gpu.memory_bytes = gpu.memory_free_bytes = kMemoryBytes;
    inventory.gpus.push_back(gpu);
  }
  return inventory;
}

std::unique_ptr<kernels::Ops> make_ailing(const cuda::GpuOptions& options, std::string* error) {
  const Illness illness = illness_of(options);
  if (illness == Illness::kClosed) {
    *error = "the driver does not open it";
    return nullptr;
  }
  answers_wrongly = illness == Illness::kWrong;
  return kernels::make_reference_ops(options.limits);
}

std::unique_ptr<runtime::Decoder> spoil(runtime::Decoder& decoder) {
  if (!answers_wrongly) return nullptr;
  return std::make_unique<daemon_engine::WrongDecoder>(decoder);
}

}  // namespace

int main(int argc, char** argv) {
  daemon_supervisor::RoleHooks hooks;
  hooks.engine.find_gpus = find_two;
  hooks.engine.make_gpu_ops = make_ailing;
  hooks.engine.decorate_decoder = spoil;
  return daemon_cli::run_command_line(argc, argv, hooks);
}
