#include "kernels/cuda/emulated/emulated_device.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "kernels/check.h"
#include "kernels/cuda/emulated/block_run.h"
#include "kernels/cuda/emulated/fault_handler.h"

namespace kernels::cuda {
namespace {

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kPinnedAlignment = 4096;
constexpr std::uint32_t kGridXMax = 0x7fffffff;  // CUDA C++ Programming Guide, section 16.1
constexpr std::uint32_t kGridYZMax = 65535;
constexpr std::uint32_t kThreadsMax = 1024;
constexpr std::uint32_t kClusterMax = 8;  // that every GPU with clusters can do

// CUDA C++ Programming Guide, section 16.1: shared memory a block may have.
std::uint32_t shared_bytes_of(int capability) {
  switch (capability) {
    case 80:
    case 87:
      return 163 * 1024;
    case 86:
    case 89:
    case 120:
      return 99 * 1024;
    default:
      return 227 * 1024;
  }
}

// A launch as it was recorded.
struct Launch {
  Kernel kernel;
  LaunchShape shape;
  std::vector<unsigned char> arguments;
};

class EmulatedRecording final : public Recording {
 public:
  std::vector<Launch> launches;
};

// Every EmulatedDevice has its address as its kind.
constexpr char kKind = 0;

// What a copy took from pinned memory, to see whether it was changed too early.
struct PinnedCopy {
  const void* from = nullptr;
  std::vector<unsigned char> bytes;
};

[[noreturn]] void refuse(const Kernel& kernel, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
void refuse(const Kernel& kernel, const char* format, ...) {
  std::fprintf(stderr, "emulated device: launch of %s: ",
               kernel.name == nullptr ? "a kernel without a name" : kernel.name);
  std::va_list rest;
  va_start(rest, format);
  std::vfprintf(stderr, format, rest);
  va_end(rest);
  std::fputc('\n', stderr);
  std::abort();
}

class EmulatedDevice final : public Device {
 public:
  explicit EmulatedDevice(const EmulatedDeviceOptions& options);
  ~EmulatedDevice() override;

  const DeviceFacts& facts() const override { return facts_; }
  const std::string& failure() const override { return failure_; }

  Status allocate(std::size_t bytes, void** out) override;
  void free(void* memory) override;
  Status allocate_pinned(std::size_t bytes, void** out) override;
  void free_pinned(void* memory) override { std::free(memory); }

  Status copy_in(void* to, const void* from, std::size_t bytes) override;
  Status copy_in_pinned(void* to, const void* from, std::size_t bytes) override;
  Status copy_out(void* to, const void* from, std::size_t bytes) override;
  Status fill(void* to, int byte, std::size_t bytes) override;
  Status copy_from(Device& other, void* to, const void* from, std::size_t bytes) override;
  const void* kind() const override;

  Status launch(const Kernel& kernel, const LaunchShape& shape, const void* arguments) override;
  Status synchronize() override;

  Status begin_recording() override;
  Status end_recording(std::unique_ptr<Recording>* out) override;
  Status replay(const Recording& recording) override;

 private:
  Status fail(const char* text);
  // kDevice after a failure, and while launches are recorded.
  Status may_touch_memory();
  bool owns(const void* memory, std::size_t bytes) const;
  void check_shape(const Kernel& kernel, const LaunchShape& shape) const;
  void check_pinned();
  void run(const Kernel& kernel, const LaunchShape& shape, const void* arguments);

  EmulatedDeviceOptions options_;
  DeviceFacts facts_;
  std::string failure_;
  std::map<const unsigned char*, std::size_t> allocations_;
  std::uint64_t allocated_bytes_ = 0;
  std::vector<PinnedCopy> pinned_;
  emulated::ClusterRun run_;
  std::unique_ptr<EmulatedRecording> recording_;
};

EmulatedDevice::EmulatedDevice(const EmulatedDeviceOptions& options)
    : options_(options), run_(options.capability, options.order_seed) {
  facts_.name = "emulated";
  facts_.uuid = "GPU-emulated";
  facts_.capability = options.capability;
  facts_.processors = 4;
  facts_.shared_bytes_per_block = shared_bytes_of(options.capability);
  facts_.memory_bytes = options.memory_bytes;
  facts_.memory_free_bytes = options.memory_bytes;
}

EmulatedDevice::~EmulatedDevice() {
  for (const auto& [memory, bytes] : allocations_) std::free(const_cast<unsigned char*>(memory));
}

Status EmulatedDevice::fail(const char* text) {
  if (failure_.empty()) failure_ = text;
  return Status::kDevice;
}

Status EmulatedDevice::may_touch_memory() {
  if (!failure_.empty()) return Status::kDevice;
  if (recording_ != nullptr)
    return fail("memory was copied or waited for while launches were recorded");
  return Status::kOk;
}

Status EmulatedDevice::allocate(std::size_t bytes, void** out) {
  *out = nullptr;
  if (const Status status = may_touch_memory(); status != Status::kOk) return status;
  if (bytes > options_.memory_bytes - allocated_bytes_) return Status::kOutOfMemory;
  const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, rounded == 0 ? kAlignment : rounded);
  if (memory == nullptr) return Status::kOutOfMemory;
  std::memset(memory, 0, rounded);
  allocations_[static_cast<unsigned char*>(memory)] = bytes;
  allocated_bytes_ += bytes;
  *out = memory;
  return Status::kOk;
}

void EmulatedDevice::free(void* memory) {
  if (memory == nullptr) return;
  const auto found = allocations_.find(static_cast<unsigned char*>(memory));
  KERNELS_CHECK(found != allocations_.end());
  allocated_bytes_ -= found->second;
  allocations_.erase(found);
  std::free(memory);
}

Status EmulatedDevice::allocate_pinned(std::size_t bytes, void** out) {
  const std::size_t rounded = (bytes + kPinnedAlignment - 1) / kPinnedAlignment * kPinnedAlignment;
  *out = std::aligned_alloc(kPinnedAlignment, rounded == 0 ? kPinnedAlignment : rounded);
  if (*out == nullptr) return Status::kOutOfMemory;
  std::memset(*out, 0, rounded);
  return Status::kOk;
}

bool EmulatedDevice::owns(const void* memory, std::size_t bytes) const {
  const auto* at = static_cast<const unsigned char*>(memory);
  auto after = allocations_.upper_bound(at);
  if (after == allocations_.begin()) return bytes == 0;
  --after;
  const auto offset = static_cast<std::size_t>(at - after->first);
  return offset <= after->second && bytes <= after->second - offset;
}

Status EmulatedDevice::copy_in(void* to, const void* from, std::size_t bytes) {
  if (const Status status = may_touch_memory(); status != Status::kOk) return status;
  KERNELS_CHECK(owns(to, bytes));
  if (bytes != 0) std::memcpy(to, from, bytes);
  return Status::kOk;
}

Status EmulatedDevice::copy_in_pinned(void* to, const void* from, std::size_t bytes) {
  if (const Status status = copy_in(to, from, bytes); status != Status::kOk) return status;
  const auto* first = static_cast<const unsigned char*>(from);
  pinned_.push_back({from, std::vector<unsigned char>(first, first + bytes)});
  return Status::kOk;
}

void EmulatedDevice::check_pinned() {
  for (const PinnedCopy& copy : pinned_) {
    if (copy.bytes.empty() || std::memcmp(copy.from, copy.bytes.data(), copy.bytes.size()) == 0)
      continue;
    // A GPU would perhaps have copied what is there now.
    std::fprintf(stderr,
                 "emulated device: pinned memory was changed before its copy was waited for\n");
    std::abort();
  }
  pinned_.clear();
}

Status EmulatedDevice::copy_out(void* to, const void* from, std::size_t bytes) {
  if (const Status status = synchronize(); status != Status::kOk) return status;
  KERNELS_CHECK(owns(from, bytes));
  if (bytes != 0) std::memcpy(to, from, bytes);
  return Status::kOk;
}

Status EmulatedDevice::fill(void* to, int byte, std::size_t bytes) {
  if (const Status status = may_touch_memory(); status != Status::kOk) return status;
  KERNELS_CHECK(owns(to, bytes));
  if (bytes != 0) std::memset(to, byte, bytes);
  return Status::kOk;
}

const void* EmulatedDevice::kind() const {
  return &kKind;
}

Status EmulatedDevice::copy_from(Device& other, void* to, const void* from, std::size_t bytes) {
  KERNELS_CHECK(other.kind() == kind() && &other != this);
  auto& source = static_cast<EmulatedDevice&>(other);
  if (const Status status = source.may_touch_memory(); status != Status::kOk) return status;
  if (const Status status = may_touch_memory(); status != Status::kOk) return status;
  KERNELS_CHECK(source.owns(from, bytes) && owns(to, bytes));
  if (bytes != 0) std::memcpy(to, from, bytes);
  return Status::kOk;
}

void EmulatedDevice::check_shape(const Kernel& kernel, const LaunchShape& shape) const {
  if (kernel.run == nullptr) refuse(kernel, "it was not compiled for the emulator");
  if (shape.grid_x < 1 || shape.grid_x > kGridXMax || shape.grid_y < 1 ||
      shape.grid_y > kGridYZMax || shape.grid_z < 1 || shape.grid_z > kGridYZMax)
    refuse(kernel, "a grid of %u x %u x %u", shape.grid_x, shape.grid_y, shape.grid_z);
  if (shape.threads < 32 || shape.threads > kThreadsMax || shape.threads % 32 != 0)
    refuse(kernel, "blocks of %u threads", shape.threads);
  if (shape.cluster < 1 || shape.cluster > kClusterMax || shape.grid_x % shape.cluster != 0)
    refuse(kernel, "clusters of %u in a grid of %u", shape.cluster, shape.grid_x);
  if (shape.cluster > 1 && options_.capability < 90)
    refuse(kernel, "clusters on capability %d", options_.capability);
  if (kernel.shared_bytes_max > facts_.shared_bytes_per_block)
    refuse(kernel, "it may ask for %zu bytes of shared memory, a block has %u",
           kernel.shared_bytes_max, facts_.shared_bytes_per_block);
  if (shape.shared_bytes > kernel.shared_bytes_max)
    refuse(kernel, "%u bytes of shared memory, it said at most %zu", shape.shared_bytes,
           kernel.shared_bytes_max);
}

void EmulatedDevice::run(const Kernel& kernel, const LaunchShape& shape, const void* arguments) {
  std::optional<emulated::FaultHandler> handler;
  if (options_.explain_faults) handler.emplace(run_);
  if (options_.launches != nullptr) ++*options_.launches;
  run_.run(kernel, shape, arguments);
}

Status EmulatedDevice::launch(const Kernel& kernel, const LaunchShape& shape,
                              const void* arguments) {
  if (!failure_.empty()) return Status::kDevice;
  check_shape(kernel, shape);
  const auto* first = static_cast<const unsigned char*>(arguments);
  Launch launch{kernel, shape, std::vector<unsigned char>(first, first + kernel.argument_bytes)};
  if (recording_ != nullptr)
    recording_->launches.push_back(std::move(launch));
  else
    run(kernel, shape, launch.arguments.data());
  return Status::kOk;
}

Status EmulatedDevice::synchronize() {
  if (const Status status = may_touch_memory(); status != Status::kOk) return status;
  check_pinned();
  return Status::kOk;
}

Status EmulatedDevice::begin_recording() {
  if (!failure_.empty()) return Status::kDevice;
  if (!options_.recordings) return Status::kUnsupported;
  if (recording_ != nullptr) return fail("a recording was begun in another");
  recording_ = std::make_unique<EmulatedRecording>();
  return Status::kOk;
}

Status EmulatedDevice::end_recording(std::unique_ptr<Recording>* out) {
  out->reset();
  if (!failure_.empty()) return Status::kDevice;
  if (recording_ == nullptr) return fail("a recording was ended that was not begun");
  *out = std::move(recording_);
  return Status::kOk;
}

Status EmulatedDevice::replay(const Recording& recording) {
  if (const Status status = may_touch_memory(); status != Status::kOk) return status;
  for (const Launch& launch : static_cast<const EmulatedRecording&>(recording).launches)
    run(launch.kernel, launch.shape, launch.arguments.data());
  return Status::kOk;
}

}  // namespace

std::unique_ptr<Device> make_emulated_device(const EmulatedDeviceOptions& options) {
  return std::make_unique<EmulatedDevice>(options);
}

}  // namespace kernels::cuda
