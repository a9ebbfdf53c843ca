// NVIDIA's management library as far as it is called here: our own declarations of its entry
// points, structures and numbers, since the library is loaded at run time and neither it nor its
// header is there where this is built.
//
// Learned from the NVML API reference, version 13 ("NVML API Reference Guide": function, structure
// and field names below are its), and held against nvml.h and nvidia-ml-py where they are at hand
// (tests/daemon/health/nvml_abi_test.cc, tests/oracles/nvml_constants.py).
#ifndef DAEMON_HEALTH_NVML_ABI_H_
#define DAEMON_HEALTH_NVML_ABI_H_

#include <cstddef>
#include <cstdint>

namespace daemon_health::nvml {

// nvmlReturn_t
using Return = int;
inline constexpr Return kSuccess = 0;
inline constexpr Return kUninitialized = 1;
inline constexpr Return kInvalidArgument = 2;
inline constexpr Return kNotSupported = 3;
inline constexpr Return kNoPermission = 4;
inline constexpr Return kNotFound = 6;
inline constexpr Return kInsufficientSize = 7;
inline constexpr Return kDriverNotLoaded = 9;
inline constexpr Return kTimeout = 10;
inline constexpr Return kLibraryNotFound = 12;
inline constexpr Return kFunctionNotFound = 13;
inline constexpr Return kCorruptedInforom = 14;
inline constexpr Return kGpuIsLost = 15;
inline constexpr Return kResetRequired = 16;
inline constexpr Return kLibRmVersionMismatch = 18;
inline constexpr Return kNoData = 21;
inline constexpr Return kArgumentVersionMismatch = 25;
inline constexpr Return kDeprecated = 26;
inline constexpr Return kNotReady = 27;
inline constexpr Return kGpuNotFound = 28;
inline constexpr Return kUnknown = 999;

struct DeviceObject;
struct EventSetObject;
using Device = DeviceObject*;      // nvmlDevice_t
using EventSet = EventSetObject*;  // nvmlEventSet_t

inline constexpr std::size_t kUuidBytes = 96;
inline constexpr std::size_t kNameBytes = 96;
inline constexpr std::size_t kDriverVersionBytes = 80;
inline constexpr std::size_t kNvmlVersionBytes = 80;

// NVML_STRUCT_VERSION: the size and, above 24 bits of it, the version.
template <typename Struct>
constexpr unsigned version_word(unsigned version) {
  return static_cast<unsigned>(sizeof(Struct)) | (version << 24);
}

struct PciInfo {  // nvmlPciInfo_t
  char bus_id_legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
};

struct Memory {  // nvmlMemory_t
  unsigned long long total, free, used;
};

struct Utilization {  // nvmlUtilization_t
  unsigned gpu, memory;
};

struct ProcessInfo {  // nvmlProcessInfo_v2_t
  unsigned pid;
  unsigned long long used_gpu_memory;
  unsigned gpu_instance_id, compute_instance_id;
};

struct Temperature {  // nvmlTemperature_v1_t
  unsigned version;
  int sensor;
  int temperature;
};

struct MarginTemperature {  // nvmlMarginTemperature_v1_t
  unsigned version;
  int margin;
};

struct SramEccStatus {  // nvmlEccSramErrorStatus_v1_t
  unsigned version;
  unsigned long long aggregate_parity, aggregate_sec_ded, aggregate_corrected;
  unsigned long long volatile_parity, volatile_sec_ded, volatile_corrected;
  unsigned long long bucket_l2, bucket_sm, bucket_pcie, bucket_mcu, bucket_other;
  unsigned threshold_exceeded;
};

struct EventData {  // nvmlEventData_t
  Device device;
  unsigned long long type, data;
  unsigned gpu_instance_id, compute_instance_id;
};

union Value {  // nvmlValue_t
  double d;
  int si;
  unsigned ui;
  unsigned long ul;
  unsigned long long ull;
  long long sll;
  unsigned short us;
};

struct FieldValue {  // nvmlFieldValue_t
  unsigned field, scope;
  long long timestamp, latency_us;
  int value_type;
  Return status;
  Value value;
};

// nvmlValueType_t
inline constexpr int kDouble = 0;
inline constexpr int kUnsignedInt = 1;
inline constexpr int kUnsignedLong = 2;
inline constexpr int kUnsignedLongLong = 3;
inline constexpr int kSignedLongLong = 4;
inline constexpr int kSignedInt = 5;
inline constexpr int kUnsignedShort = 6;

// NVML_FI_DEV_…
namespace field {
inline constexpr unsigned kEccSbeVolTotal = 3;
inline constexpr unsigned kEccDbeVolTotal = 4;
inline constexpr unsigned kEccDbeAggTotal = 6;
inline constexpr unsigned kRetiredSbe = 29;
inline constexpr unsigned kRetiredDbe = 30;
inline constexpr unsigned kRetiredPending = 31;
inline constexpr unsigned kNvlinkCrcFlitTotal = 38;
inline constexpr unsigned kNvlinkCrcDataTotal = 45;
inline constexpr unsigned kNvlinkReplayTotal = 52;
inline constexpr unsigned kNvlinkRecoveryTotal = 59;
inline constexpr unsigned kMemoryTemp = 82;
inline constexpr unsigned kNvlinkLinkCount = 91;
inline constexpr unsigned kPcieReplayCounter = 94;
inline constexpr unsigned kRemappedCor = 142;
inline constexpr unsigned kRemappedUnc = 143;
inline constexpr unsigned kRemappedPending = 144;
inline constexpr unsigned kRemappedFailure = 145;
// Of the link in scope, before Blackwell.
inline constexpr unsigned kNvlinkErrorDlReplay = 161;
inline constexpr unsigned kNvlinkErrorDlRecovery = 162;
inline constexpr unsigned kNvlinkErrorDlCrc = 163;
inline constexpr unsigned kPowerInstant = 186;
inline constexpr unsigned kPowerCurrentLimit = 190;
inline constexpr unsigned kRecoveryAction = 230;
}  // namespace field

// nvmlTemperatureSensors_t, nvmlTemperatureThresholds_t, nvmlClockType_t, nvmlMemoryErrorType_t,
// nvmlEccCounterType_t, nvmlEnableState_t
inline constexpr int kSensorGpu = 0;
inline constexpr int kThresholdShutdown = 0;
inline constexpr int kThresholdSlowdown = 1;
inline constexpr int kClockSm = 1;
inline constexpr int kClockMemory = 2;
inline constexpr int kCorrected = 0;
inline constexpr int kUncorrected = 1;
inline constexpr int kVolatileEcc = 0;
inline constexpr int kAggregateEcc = 1;
inline constexpr int kEnabled = 1;
inline constexpr unsigned kNvlinksMax = 36;  // NVML_NVLINK_MAX_LINKS

// nvmlEventType…: what is asked for, where the device supports it. Power, clocks and single
// corrected errors are not.
inline constexpr unsigned long long kEventsWanted =
    0x2 | 0x8 | 0x200 | 0x400 | 0x800 | 0x1000 | 0x2000 | 0x4000 | 0x8000;

// The entry points. A library that lacks one (null) does not support it; the first six must be
// there.
struct Calls {
  Return (*init)();
  Return (*shutdown)();
  Return (*device_count)(unsigned*);
  Return (*device_by_index)(unsigned, Device*);
  Return (*device_uuid)(Device, char*, unsigned);
  Return (*device_name)(Device, char*, unsigned);

  Return (*driver_version)(char*, unsigned);
  Return (*nvml_version)(char*, unsigned);
  Return (*pci_info)(Device, PciInfo*);
  Return (*field_values)(Device, int, FieldValue*);
  Return (*total_ecc_errors)(Device, int, int, unsigned long long*);
  Return (*sram_ecc_status)(Device, SramEccStatus*);
  Return (*remapped_rows)(Device, unsigned*, unsigned*, unsigned*, unsigned*);
  Return (*temperature_v)(Device, Temperature*);
  Return (*temperature)(Device, int, unsigned*);
  Return (*temperature_threshold)(Device, int, unsigned*);
  Return (*margin_temperature)(Device, MarginTemperature*);
  Return (*clocks_event_reasons)(Device, unsigned long long*);
  Return (*clocks_throttle_reasons)(Device, unsigned long long*);
  Return (*power_usage)(Device, unsigned*);
  Return (*enforced_power_limit)(Device, unsigned*);
  Return (*utilization_rates)(Device, Utilization*);
  Return (*memory_info)(Device, Memory*);
  Return (*pcie_generation)(Device, unsigned*);
  Return (*pcie_generation_max)(Device, unsigned*);
  Return (*pcie_width)(Device, unsigned*);
  Return (*pcie_width_max)(Device, unsigned*);
  Return (*pcie_replay_counter)(Device, unsigned*);
  Return (*clock_info)(Device, int, unsigned*);
  Return (*persistence_mode)(Device, int*);
  Return (*ecc_mode)(Device, int*, int*);
  Return (*mig_mode)(Device, unsigned*, unsigned*);
  Return (*validate_inforom)(Device);
  Return (*compute_processes)(Device, unsigned*, ProcessInfo*);
  Return (*nvlink_state)(Device, unsigned, int*);

  Return (*event_set_create)(EventSet*);
  Return (*supported_event_types)(Device, unsigned long long*);
  Return (*register_events)(Device, unsigned long long, EventSet);
  Return (*event_set_wait)(EventSet, EventData*, unsigned);
  Return (*event_set_free)(EventSet);
};

}  // namespace daemon_health::nvml

#endif  // DAEMON_HEALTH_NVML_ABI_H_
