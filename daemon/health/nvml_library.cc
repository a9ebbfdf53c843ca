#include "daemon/health/nvml_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

namespace daemon_health {
namespace {

struct Name {
  nvml::Return code;
  std::string_view name;
};
constexpr std::array kNames = {
    Name{nvml::kUninitialized, "UNINITIALIZED"},
    Name{nvml::kInvalidArgument, "INVALID_ARGUMENT"},
    Name{nvml::kNotSupported, "NOT_SUPPORTED"},
    Name{nvml::kNoPermission, "NO_PERMISSION"},
    Name{nvml::kNotFound, "NOT_FOUND"},
    Name{nvml::kInsufficientSize, "INSUFFICIENT_SIZE"},
    Name{nvml::kDriverNotLoaded, "DRIVER_NOT_LOADED"},
    Name{nvml::kTimeout, "TIMEOUT"},
    Name{nvml::kLibraryNotFound, "LIBRARY_NOT_FOUND"},
    Name{nvml::kFunctionNotFound, "FUNCTION_NOT_FOUND"},
    Name{nvml::kCorruptedInforom, "CORRUPTED_INFOROM"},
    Name{nvml::kGpuIsLost, "GPU_IS_LOST"},
    Name{nvml::kResetRequired, "RESET_REQUIRED"},
    Name{nvml::kLibRmVersionMismatch, "LIB_RM_VERSION_MISMATCH"},
    Name{nvml::kGpuNotFound, "GPU_NOT_FOUND"},
    Name{nvml::kUnknown, "UNKNOWN"},
};

template <typename Function>
void find(void* handle, const char* name, Function*& out) {
  void* symbol = ::dlsym(handle, name);
  static_assert(sizeof(symbol) == sizeof(out));
  std::memcpy(&out, &symbol, sizeof(out));  // POSIX lets an object's address be a function's
}

}  // namespace

NvmlStatus nvml_status(nvml::Return code) {
  switch (code) {
    case nvml::kSuccess:
      return NvmlStatus::kOk;
    // A value that a GPU or a library does not have, whatever the reason is.
    case nvml::kNotSupported:
    case nvml::kFunctionNotFound:
    case nvml::kArgumentVersionMismatch:
    case nvml::kDeprecated:
    case nvml::kNoData:
    case nvml::kNotFound:
    case nvml::kNotReady:
    case nvml::kInvalidArgument:
      return NvmlStatus::kNotSupported;
    case nvml::kNoPermission:
      return NvmlStatus::kNoPermission;
    case nvml::kTimeout:
      return NvmlStatus::kTimeout;
    case nvml::kGpuIsLost:
      return NvmlStatus::kGpuIsLost;
    case nvml::kResetRequired:
      return NvmlStatus::kResetRequired;
    case nvml::kDriverNotLoaded:
    case nvml::kLibraryNotFound:
      return NvmlStatus::kNoDriver;
    default:
      return NvmlStatus::kError;
  }
}

std::string_view nvml_return_name(nvml::Return code) {
  for (const Name& name : kNames) {
    if (name.code == code) return name.name;
  }
  return "of an unknown kind";
}

base::Status NvmlLibrary::resolve() {
  nvml::Calls& c = calls_;
  find(handle_, "nvmlInit_v2", c.init);
  find(handle_, "nvmlShutdown", c.shutdown);
  find(handle_, "nvmlDeviceGetCount_v2", c.device_count);
  find(handle_, "nvmlDeviceGetHandleByIndex_v2", c.device_by_index);
  find(handle_, "nvmlDeviceGetUUID", c.device_uuid);
  find(handle_, "nvmlDeviceGetName", c.device_name);
  const bool whole = c.init != nullptr && c.shutdown != nullptr && c.device_count != nullptr &&
                     c.device_by_index != nullptr && c.device_uuid != nullptr &&
                     c.device_name != nullptr;
  if (!whole) return base::unsupported("it lacks functions that every version has");

  find(handle_, "nvmlSystemGetDriverVersion", c.driver_version);
  find(handle_, "nvmlSystemGetNVMLVersion", c.nvml_version);
  find(handle_, "nvmlDeviceGetPciInfo_v3", c.pci_info);
  find(handle_, "nvmlDeviceGetFieldValues", c.field_values);
  find(handle_, "nvmlDeviceGetTotalEccErrors", c.total_ecc_errors);
  find(handle_, "nvmlDeviceGetSramEccErrorStatus", c.sram_ecc_status);
  find(handle_, "nvmlDeviceGetRemappedRows", c.remapped_rows);
  find(handle_, "nvmlDeviceGetTemperatureV", c.temperature_v);
  find(handle_, "nvmlDeviceGetTemperature", c.temperature);
  find(handle_, "nvmlDeviceGetTemperatureThreshold", c.temperature_threshold);
  find(handle_, "nvmlDeviceGetMarginTemperature", c.margin_temperature);
  find(handle_, "nvmlDeviceGetCurrentClocksEventReasons", c.clocks_event_reasons);
  find(handle_, "nvmlDeviceGetCurrentClocksThrottleReasons", c.clocks_throttle_reasons);
  find(handle_, "nvmlDeviceGetPowerUsage", c.power_usage);
  find(handle_, "nvmlDeviceGetEnforcedPowerLimit", c.enforced_power_limit);
  find(handle_, "nvmlDeviceGetUtilizationRates", c.utilization_rates);
  find(handle_, "nvmlDeviceGetMemoryInfo", c.memory_info);
  find(handle_, "nvmlDeviceGetCurrPcieLinkGeneration", c.pcie_generation);
  find(handle_, "nvmlDeviceGetMaxPcieLinkGeneration", c.pcie_generation_max);
  find(handle_, "nvmlDeviceGetCurrPcieLinkWidth", c.pcie_width);
  find(handle_, "nvmlDeviceGetMaxPcieLinkWidth", c.pcie_width_max);
  find(handle_, "nvmlDeviceGetPcieReplayCounter", c.pcie_replay_counter);
  find(handle_, "nvmlDeviceGetClockInfo", c.clock_info);
  find(handle_, "nvmlDeviceGetPersistenceMode", c.persistence_mode);
  find(handle_, "nvmlDeviceGetEccMode", c.ecc_mode);
  find(handle_, "nvmlDeviceGetMigMode", c.mig_mode);
  find(handle_, "nvmlDeviceValidateInforom", c.validate_inforom);
  find(handle_, "nvmlDeviceGetComputeRunningProcesses_v3", c.compute_processes);
  find(handle_, "nvmlDeviceGetNvLinkState", c.nvlink_state);
  find(handle_, "nvmlEventSetCreate", c.event_set_create);
  find(handle_, "nvmlDeviceGetSupportedEventTypes", c.supported_event_types);
  find(handle_, "nvmlDeviceRegisterEvents", c.register_events);
  find(handle_, "nvmlEventSetWait_v2", c.event_set_wait);
  find(handle_, "nvmlEventSetFree", c.event_set_free);
  return {};
}

base::Result<std::unique_ptr<NvmlLibrary>> NvmlLibrary::open(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return base::not_found(fmt::format("{}: {}", path, why != nullptr ? why : "cannot be loaded"));
  }
  std::unique_ptr<NvmlLibrary> library(new NvmlLibrary(handle));
  TRY(library->resolve().context(path));
  const nvml::Return code = library->calls_.init();
  if (code == nvml::kSuccess) {
    library->initialised_ = true;
    return library;
  }
  std::string why = fmt::format("{}: nvmlInit: {} ({})", path, nvml_return_name(code), code);
  if (nvml_status(code) == NvmlStatus::kNoDriver) return base::unavailable(std::move(why));
  return base::Error{base::ErrorCode::kDevice, 0, std::move(why)};
}

NvmlLibrary::~NvmlLibrary() {
  if (initialised_) (void)calls_.shutdown();
  ::dlclose(handle_);
}

}  // namespace daemon_health
