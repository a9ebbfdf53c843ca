// A reading with everything in it, so that tests take away or change what they are about.
#ifndef TESTS_DAEMON_HEALTH_FULL_READING_H_
#define TESTS_DAEMON_HEALTH_FULL_READING_H_

#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "daemon/health/gpu_facts.h"
#include "daemon/health/reading_fields.h"

namespace daemon_health {

// Of a GPU that is well.
inline GpuReading well(std::string uuid = "GPU-a") {
  GpuReading reading;
  reading.uuid = std::move(uuid);
  reading.name = "NVIDIA H100 80GB HBM3";
  reading.pci_bus_id = "00000000:01:00.0";
  reading.recovery = RecoveryAction::kNone;
  reading.ecc_uncorrected_volatile = reading.ecc_corrected_volatile = 0;
  reading.remap_pending = reading.remap_failed = false;
  reading.temperature_c = 40;
  reading.slowdown_c = 90;
  reading.shutdown_c = 100;
  reading.pcie_generation = 5;
  reading.pcie_width = 16;
  return reading;
}

inline GpuSnapshot snapshot_of(std::vector<GpuReading> gpus) {
  GpuSnapshot snapshot;
  snapshot.gpus = std::move(gpus);
  return snapshot;
}

inline GpuEvent xid_event(std::uint64_t xid) {
  return {kEventXid, xid, 0};
}

// Every member at its largest.
inline GpuReading fullest(std::size_t index) {
  GpuReading reading;
  reading.uuid = std::string(kUuidBytesMax - 2, '"') + std::to_string(10 + index);
  reading.name = std::string(kNameBytesMax, '"');
  reading.pci_bus_id = std::string(kPciBusIdBytesMax, '"');
  reading.index = 1'023;
  reading.status = NvmlStatus::kResetRequired;
  reading.recovery = RecoveryAction::kRecoverImex;
  reading.events_lost = kCounterMax;
  for (const ReadingField& field : kReadingFields) {
    std::visit(
        [&](const auto member) {
          using Number = typename std::remove_reference_t<decltype(reading.*member)>::value_type;
          reading.*member = static_cast<Number>(field.max);
        },
        field.member);
  }
  for (std::uint32_t i = 0; i < kProcessesMax; ++i) reading.processes.push_back((1u << 30) - i);
  return reading;
}

}  // namespace daemon_health

#endif  // TESTS_DAEMON_HEALTH_FULL_READING_H_
