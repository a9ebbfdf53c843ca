// Our declarations against NVIDIA's own header, where it is at hand.
#include "daemon/health/nvml_abi.h"

#include <gtest/gtest.h>

#include <type_traits>

#if __has_include(<nvml.h>)
#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include <nvml.h>

#include "daemon/health/gpu_facts.h"

namespace daemon_health {
namespace {

namespace n = nvml;

#define SAME_SIZE(ours, theirs) \
  static_assert(sizeof(n::ours) == sizeof(theirs) && alignof(n::ours) == alignof(theirs))
#define SAME_PLACE(ours, our_member, theirs, their_member)                         \
  static_assert(offsetof(n::ours, our_member) == offsetof(theirs, their_member) && \
                sizeof(n::ours::our_member) == sizeof(theirs::their_member))

SAME_SIZE(PciInfo, nvmlPciInfo_t);
SAME_PLACE(PciInfo, bus_id, nvmlPciInfo_t, busId);
SAME_PLACE(PciInfo, domain, nvmlPciInfo_t, domain);
SAME_SIZE(Memory, nvmlMemory_t);
SAME_PLACE(Memory, total, nvmlMemory_t, total);
SAME_PLACE(Memory, used, nvmlMemory_t, used);
SAME_SIZE(Utilization, nvmlUtilization_t);
SAME_PLACE(Utilization, gpu, nvmlUtilization_t, gpu);
SAME_SIZE(ProcessInfo, nvmlProcessInfo_v2_t);
SAME_PLACE(ProcessInfo, pid, nvmlProcessInfo_v2_t, pid);
SAME_PLACE(ProcessInfo, used_gpu_memory, nvmlProcessInfo_v2_t, usedGpuMemory);
SAME_SIZE(Temperature, nvmlTemperature_v1_t);
SAME_PLACE(Temperature, sensor, nvmlTemperature_v1_t, sensorType);
SAME_PLACE(Temperature, temperature, nvmlTemperature_v1_t, temperature);
SAME_SIZE(MarginTemperature, nvmlMarginTemperature_v1_t);
SAME_PLACE(MarginTemperature, margin, nvmlMarginTemperature_v1_t, marginTemperature);
SAME_SIZE(SramEccStatus, nvmlEccSramErrorStatus_v1_t);
SAME_PLACE(SramEccStatus, aggregate_parity, nvmlEccSramErrorStatus_v1_t, aggregateUncParity);
SAME_PLACE(SramEccStatus, bucket_other, nvmlEccSramErrorStatus_v1_t, aggregateUncBucketOther);
SAME_PLACE(SramEccStatus, threshold_exceeded, nvmlEccSramErrorStatus_v1_t, bThresholdExceeded);
SAME_SIZE(EventData, nvmlEventData_t);
SAME_PLACE(EventData, device, nvmlEventData_t, device);
SAME_PLACE(EventData, type, nvmlEventData_t, eventType);
SAME_PLACE(EventData, data, nvmlEventData_t, eventData);
SAME_SIZE(Value, nvmlValue_t);
SAME_SIZE(FieldValue, nvmlFieldValue_t);
SAME_PLACE(FieldValue, field, nvmlFieldValue_t, fieldId);
SAME_PLACE(FieldValue, scope, nvmlFieldValue_t, scopeId);
SAME_PLACE(FieldValue, value_type, nvmlFieldValue_t, valueType);
SAME_PLACE(FieldValue, status, nvmlFieldValue_t, nvmlReturn);
SAME_PLACE(FieldValue, value, nvmlFieldValue_t, value);

static_assert(sizeof(n::Return) == sizeof(nvmlReturn_t) &&
              sizeof(int) == sizeof(nvmlEnableState_t));
static_assert(n::version_word<n::Temperature>(1) == nvmlTemperature_v1);
static_assert(n::version_word<n::MarginTemperature>(1) == nvmlMarginTemperature_v1);
static_assert(n::version_word<n::SramEccStatus>(1) == nvmlEccSramErrorStatus_v1);
static_assert(n::kUuidBytes >= NVML_DEVICE_UUID_V2_BUFFER_SIZE &&
              n::kNameBytes >= NVML_DEVICE_NAME_V2_BUFFER_SIZE);
static_assert(n::kDriverVersionBytes >= NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE);
static_assert(n::kNvmlVersionBytes >= NVML_SYSTEM_NVML_VERSION_BUFFER_SIZE);
static_assert(kPciBusIdBytesMax >= NVML_DEVICE_PCI_BUS_ID_BUFFER_SIZE);

static_assert(n::kSuccess == NVML_SUCCESS && n::kUninitialized == NVML_ERROR_UNINITIALIZED);
static_assert(n::kInvalidArgument == NVML_ERROR_INVALID_ARGUMENT &&
              n::kNotSupported == NVML_ERROR_NOT_SUPPORTED);
static_assert(n::kNoPermission == NVML_ERROR_NO_PERMISSION && n::kNotFound == NVML_ERROR_NOT_FOUND);
static_assert(n::kInsufficientSize == NVML_ERROR_INSUFFICIENT_SIZE &&
              n::kDriverNotLoaded == NVML_ERROR_DRIVER_NOT_LOADED);
static_assert(n::kTimeout == NVML_ERROR_TIMEOUT &&
              n::kLibraryNotFound == NVML_ERROR_LIBRARY_NOT_FOUND);
static_assert(n::kFunctionNotFound == NVML_ERROR_FUNCTION_NOT_FOUND &&
              n::kCorruptedInforom == NVML_ERROR_CORRUPTED_INFOROM);
static_assert(n::kGpuIsLost == NVML_ERROR_GPU_IS_LOST &&
              n::kResetRequired == NVML_ERROR_RESET_REQUIRED);
static_assert(n::kLibRmVersionMismatch == NVML_ERROR_LIB_RM_VERSION_MISMATCH &&
              n::kNoData == NVML_ERROR_NO_DATA);
static_assert(n::kArgumentVersionMismatch == NVML_ERROR_ARGUMENT_VERSION_MISMATCH &&
              n::kDeprecated == NVML_ERROR_DEPRECATED);
static_assert(n::kNotReady == NVML_ERROR_NOT_READY && n::kGpuNotFound == NVML_ERROR_GPU_NOT_FOUND);
static_assert(n::kUnknown == NVML_ERROR_UNKNOWN);

static_assert(n::kDouble == NVML_VALUE_TYPE_DOUBLE &&
              n::kUnsignedInt == NVML_VALUE_TYPE_UNSIGNED_INT);
static_assert(n::kUnsignedLong == NVML_VALUE_TYPE_UNSIGNED_LONG &&
              n::kUnsignedLongLong == NVML_VALUE_TYPE_UNSIGNED_LONG_LONG);
static_assert(n::kSignedLongLong == NVML_VALUE_TYPE_SIGNED_LONG_LONG &&
              n::kSignedInt == NVML_VALUE_TYPE_SIGNED_INT);
static_assert(n::kUnsignedShort == NVML_VALUE_TYPE_UNSIGNED_SHORT);

namespace f = nvml::field;
static_assert(f::kEccSbeVolTotal == NVML_FI_DEV_ECC_SBE_VOL_TOTAL &&
              f::kEccDbeVolTotal == NVML_FI_DEV_ECC_DBE_VOL_TOTAL);
static_assert(f::kEccDbeAggTotal == NVML_FI_DEV_ECC_DBE_AGG_TOTAL &&
              f::kRetiredSbe == NVML_FI_DEV_RETIRED_SBE);
static_assert(f::kRetiredDbe == NVML_FI_DEV_RETIRED_DBE &&
              f::kRetiredPending == NVML_FI_DEV_RETIRED_PENDING);
static_assert(f::kNvlinkCrcFlitTotal == NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL);
static_assert(f::kNvlinkCrcDataTotal == NVML_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL);
static_assert(f::kNvlinkReplayTotal == NVML_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL);
static_assert(f::kNvlinkRecoveryTotal == NVML_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL);
static_assert(f::kMemoryTemp == NVML_FI_DEV_MEMORY_TEMP &&
              f::kNvlinkLinkCount == NVML_FI_DEV_NVLINK_LINK_COUNT);
static_assert(f::kPcieReplayCounter == NVML_FI_DEV_PCIE_REPLAY_COUNTER &&
              f::kRemappedCor == NVML_FI_DEV_REMAPPED_COR);
static_assert(f::kRemappedUnc == NVML_FI_DEV_REMAPPED_UNC &&
              f::kRemappedPending == NVML_FI_DEV_REMAPPED_PENDING);
static_assert(f::kRemappedFailure == NVML_FI_DEV_REMAPPED_FAILURE &&
              f::kPowerInstant == NVML_FI_DEV_POWER_INSTANT);
static_assert(f::kNvlinkErrorDlReplay == NVML_FI_DEV_NVLINK_ERROR_DL_REPLAY);
static_assert(f::kNvlinkErrorDlRecovery == NVML_FI_DEV_NVLINK_ERROR_DL_RECOVERY);
static_assert(f::kNvlinkErrorDlCrc == NVML_FI_DEV_NVLINK_ERROR_DL_CRC);
static_assert(f::kPowerCurrentLimit == NVML_FI_DEV_POWER_CURRENT_LIMIT);
static_assert(f::kRecoveryAction == NVML_FI_DEV_GET_GPU_RECOVERY_ACTION);

static_assert(n::kSensorGpu == NVML_TEMPERATURE_GPU &&
              n::kThresholdShutdown == NVML_TEMPERATURE_THRESHOLD_SHUTDOWN);
static_assert(n::kThresholdSlowdown == NVML_TEMPERATURE_THRESHOLD_SLOWDOWN &&
              n::kClockSm == NVML_CLOCK_SM);
static_assert(n::kClockMemory == NVML_CLOCK_MEM &&
              n::kCorrected == NVML_MEMORY_ERROR_TYPE_CORRECTED);
static_assert(n::kUncorrected == NVML_MEMORY_ERROR_TYPE_UNCORRECTED &&
              n::kVolatileEcc == NVML_VOLATILE_ECC);
static_assert(n::kAggregateEcc == NVML_AGGREGATE_ECC && n::kEnabled == NVML_FEATURE_ENABLED);
static_assert(n::kNvlinksMax >= NVML_NVLINK_MAX_LINKS || NVML_NVLINK_MAX_LINKS > 36);

static_assert(kEventXid == nvmlEventTypeXidCriticalError);
static_assert((n::kEventsWanted & nvmlEventTypeDoubleBitEccError) != 0 &&
              (n::kEventsWanted & nvmlEventTypeXidCriticalError) != 0);
static_assert((n::kEventsWanted &
               (nvmlEventTypeSingleBitEccError | nvmlEventTypePState | nvmlEventTypeClock)) == 0);

// Each of our calls takes what the library's takes, once pointers to structures are taken for
// equal.
template <typename T>
struct Shape {
  static constexpr std::size_t kSize = std::is_pointer_v<T> ? 1'000 : sizeof(T);
};
template <typename R, typename... A>
constexpr auto shape(R (*)(A...)) {
  return std::array<std::size_t, sizeof...(A) + 1>{sizeof(R), Shape<A>::kSize...};
}
#define SAME_CALL(member, function)                                          \
  static_assert(shape(std::type_identity_t<decltype(n::Calls::member)>{}) == \
                shape(std::type_identity_t<decltype(&function)>{}))

SAME_CALL(init, nvmlInit_v2);
SAME_CALL(shutdown, nvmlShutdown);
SAME_CALL(device_count, nvmlDeviceGetCount_v2);
SAME_CALL(device_by_index, nvmlDeviceGetHandleByIndex_v2);
SAME_CALL(device_uuid, nvmlDeviceGetUUID);
SAME_CALL(device_name, nvmlDeviceGetName);
SAME_CALL(driver_version, nvmlSystemGetDriverVersion);
SAME_CALL(nvml_version, nvmlSystemGetNVMLVersion);
SAME_CALL(pci_info, nvmlDeviceGetPciInfo_v3);
SAME_CALL(field_values, nvmlDeviceGetFieldValues);
SAME_CALL(total_ecc_errors, nvmlDeviceGetTotalEccErrors);
SAME_CALL(sram_ecc_status, nvmlDeviceGetSramEccErrorStatus);
SAME_CALL(remapped_rows, nvmlDeviceGetRemappedRows);
SAME_CALL(temperature_v, nvmlDeviceGetTemperatureV);
SAME_CALL(temperature_threshold, nvmlDeviceGetTemperatureThreshold);
SAME_CALL(margin_temperature, nvmlDeviceGetMarginTemperature);
SAME_CALL(clocks_event_reasons, nvmlDeviceGetCurrentClocksEventReasons);
SAME_CALL(power_usage, nvmlDeviceGetPowerUsage);
SAME_CALL(enforced_power_limit, nvmlDeviceGetEnforcedPowerLimit);
SAME_CALL(utilization_rates, nvmlDeviceGetUtilizationRates);
SAME_CALL(memory_info, nvmlDeviceGetMemoryInfo);
SAME_CALL(pcie_generation, nvmlDeviceGetCurrPcieLinkGeneration);
SAME_CALL(pcie_generation_max, nvmlDeviceGetMaxPcieLinkGeneration);
SAME_CALL(pcie_width, nvmlDeviceGetCurrPcieLinkWidth);
SAME_CALL(pcie_width_max, nvmlDeviceGetMaxPcieLinkWidth);
SAME_CALL(pcie_replay_counter, nvmlDeviceGetPcieReplayCounter);
SAME_CALL(clock_info, nvmlDeviceGetClockInfo);
SAME_CALL(persistence_mode, nvmlDeviceGetPersistenceMode);
SAME_CALL(ecc_mode, nvmlDeviceGetEccMode);
SAME_CALL(mig_mode, nvmlDeviceGetMigMode);
SAME_CALL(validate_inforom, nvmlDeviceValidateInforom);
SAME_CALL(compute_processes, nvmlDeviceGetComputeRunningProcesses_v3);
SAME_CALL(nvlink_state, nvmlDeviceGetNvLinkState);
SAME_CALL(event_set_create, nvmlEventSetCreate);
SAME_CALL(supported_event_types, nvmlDeviceGetSupportedEventTypes);
SAME_CALL(register_events, nvmlDeviceRegisterEvents);
SAME_CALL(event_set_wait, nvmlEventSetWait_v2);
SAME_CALL(event_set_free, nvmlEventSetFree);

TEST(NvmlAbi, IsThatOfTheHeader) {
  SUCCEED() << "or this file would not have compiled";
}

}  // namespace
}  // namespace daemon_health

#else

TEST(NvmlAbi, IsThatOfTheHeader) {
  GTEST_SKIP() << "nvml.h is not at hand";
}

#endif
