// What the health role saw of the GPUs at one moment, as NVML says it: the value that travels to
// the supervisor, as JSON in a gpu_facts message (daemon/PROTOCOL.md). Facts alone; what they mean
// is gpu_care.h's to say.
//
// A reading that a GPU does not have, or that could not be had, is absent. Parsing bounds
// everything: the health role is not trusted more than any other. There is one text for one
// snapshot: base::canonical_json of serialize(). The fullest one fits into one message.
#ifndef DAEMON_HEALTH_GPU_FACTS_H_
#define DAEMON_HEALTH_GPU_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_health {

inline constexpr std::size_t kGpusMax = 16;
inline constexpr std::size_t kSnapshotBytesMax = 61'440;  // daemon_ipc::kGpuFactsBytesMax
inline constexpr std::size_t kEventsMax =
    64;  // of one message, all GPUs together; more are counted in events_lost
inline constexpr std::size_t kProcessesMax = 64;      // of one GPU; more are not named
inline constexpr std::size_t kUuidBytesMax = 96;      // NVML_DEVICE_UUID_V2_BUFFER_SIZE
inline constexpr std::size_t kNameBytesMax = 96;      // NVML_DEVICE_NAME_V2_BUFFER_SIZE
inline constexpr std::size_t kPciBusIdBytesMax = 32;  // NVML_DEVICE_PCI_BUS_ID_BUFFER_SIZE
inline constexpr std::size_t kVersionBytesMax = 80;   // NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE
inline constexpr std::size_t kErrorBytesMax = 256;
inline constexpr std::uint64_t kCounterMax =
    (std::uint64_t{1} << 53) - 1;  // what JSON holds everywhere; reached, it stays

// nvmlReturn_t as far as anything follows from it (NVML API, "nvmlReturn_t").
enum class NvmlStatus : std::uint8_t {
  kOk,
  kNotSupported,
  kNoPermission,
  kTimeout,
  kGpuIsLost,
  kResetRequired,
  kError,
  kNoDriver,  // no library, or no driver behind it: a machine without a GPU says so
};
std::string_view nvml_status_name(NvmlStatus status);

// nvmlDeviceGetFieldValues, NVML_FI_DEV_GET_GPU_RECOVERY_ACTION (230).
enum class RecoveryAction : std::uint8_t {
  kNone = 0,
  kGpuReset = 1,
  kNodeReboot = 2,
  kDrainP2p = 3,
  kDrainAndReset = 4,
  kRecoverImex = 5,
  kBusReset = 6,
  kSystemReboot = 7,
  kUnknown = 255,  // a driver newer than this list
};
std::string_view recovery_action_name(RecoveryAction action);  // "none", "gpu_reset", …

// NVML event types, as bits of the mask (NVML API, "Event Types").
struct GpuEvent {
  std::uint64_t type = 0;   // one bit
  std::uint64_t xid = 0;    // event data, of XidCritical events
  std::int64_t age_ms = 0;  // before the message was sent

  friend bool operator==(const GpuEvent&, const GpuEvent&) = default;
};
inline constexpr std::uint64_t kEventXid = 0x8;
inline constexpr std::uint64_t kEventTypeMax = std::uint64_t{1} << 31;

struct GpuReading {
  std::string uuid;  // names the GPU, for ever
  std::string name;
  std::string pci_bus_id;
  std::uint32_t index = 0;
  NvmlStatus status = NvmlStatus::kOk;  // the worst of this round; what is not supported or not
                                        // permitted is absent instead
  std::optional<RecoveryAction> recovery;
  std::vector<GpuEvent> events;  // since the last message
  std::uint64_t events_lost = 0;

  // Counters, since the driver was loaded (volatile) or the card was made (aggregate).
  std::optional<std::uint64_t> ecc_uncorrected_volatile, ecc_corrected_volatile,
      ecc_uncorrected_aggregate;
  std::optional<bool> sram_threshold_exceeded;
  std::optional<std::uint64_t> remapped_correctable, remapped_uncorrectable;
  std::optional<bool> remap_pending, remap_failed;
  std::optional<std::uint64_t> retired_pages_sbe, retired_pages_dbe;  // before Ampere
  std::optional<bool> retirement_pending;
  std::optional<std::uint64_t> pcie_replays;
  std::optional<std::uint64_t> nvlink_crc_errors, nvlink_replay_errors, nvlink_recovery_errors;
  std::optional<std::uint32_t> nvlinks_down;

  // Gauges.
  std::optional<std::int32_t> temperature_c, memory_temperature_c, slowdown_c, shutdown_c, margin_c;
  std::optional<std::uint64_t> throttle_reasons;  // nvmlClocksEventReason bits
  std::optional<std::uint64_t> power_mw, power_limit_mw;
  std::optional<std::uint32_t> utilisation_percent, memory_utilisation_percent;
  std::optional<std::uint64_t> memory_used_bytes, memory_total_bytes;
  std::optional<std::uint32_t> pcie_generation, pcie_generation_max, pcie_width, pcie_width_max;
  std::optional<std::uint32_t> sm_clock_mhz, memory_clock_mhz;

  // Modes.
  std::optional<bool> persistence, ecc_enabled, mig_enabled, inforom_valid;
  std::vector<std::uint32_t> processes;  // pids that compute on it, at most kProcessesMax

  // Makes of what a library said what a message may hold: texts are cut and made printable, numbers
  // that no GPU can have become absent, counters stop at kCounterMax.
  void bound();
  void keep_events(std::size_t count);  // the first ones; the others are counted as lost

  friend bool operator==(const GpuReading&, const GpuReading&) = default;
};

struct GpuSnapshot {
  NvmlStatus status = NvmlStatus::kOk;  // of the library as a whole
  std::string error;  // why there are no readings: "libnvidia-ml.so.1: not found"; else empty
  std::string driver_version;  // "580.65.06"
  std::string nvml_version;
  std::uint64_t round = 0;       // counts snapshots of this process
  std::int64_t round_ms = 0;     // how long asking took
  std::vector<GpuReading> gpus;  // at most kGpusMax, distinct

  base::Json serialize() const;
  static base::Result<GpuSnapshot> parse(const base::Json& json);  // unknown members are refused

  std::string text() const;  // canonical: what a gpu_facts message holds
  static base::Result<GpuSnapshot> parse_text(std::string_view text);  // nothing but canonical text

  // Every reading, and the texts above. GPUs beyond kGpusMax are left out, and `error` says so; so
  // is a second one of a uuid.
  void bound();

  friend bool operator==(const GpuSnapshot&, const GpuSnapshot&) = default;
};

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_GPU_FACTS_H_
