// STATE/gpus.json: which GPUs no engine may use, and why, so that a service that is restarted does
// not compute on a GPU that was found to be sick. A small file of our own, and bounded like any
// other.
//
//   {"boot":"<32 hex>","gpus":[{"uuid":…,"name":…,"action":"ask_reset","cause":"xid
//   64","text":…,"next_step":…,"since":…}]}
//
// What a reset of the GPU or a restart of the machine mends is tried again after the next boot; a
// card that is to be replaced stays out until somebody says that it was (`redoubt gpu clear UUID`).
#ifndef DAEMON_SUPERVISOR_GPU_RECORDS_H_
#define DAEMON_SUPERVISOR_GPU_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/health/gpu_care.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

inline constexpr std::size_t kGpuRecordsMax = 64;  // cards come and go
inline constexpr std::size_t kGpuRecordsBytesMax = 256 * 1024;
inline constexpr std::size_t kGpuNameBytesMax = 128;
inline constexpr std::size_t kGpuTextBytesMax = 1'024;

struct GpuRecord {
  std::string uuid;
  std::string name;
  daemon_health::GpuAction action = daemon_health::GpuAction::kQuarantine;  // or graver
  std::string cause;
  std::string text;
  std::string next_step;
  std::int64_t since = 0;  // unix seconds

  friend bool operator==(const GpuRecord&, const GpuRecord&) = default;
};

struct GpuRecords {
  std::string boot;  // in which they were written; 32 hexadecimal digits
  std::vector<GpuRecord> gpus;

  GpuRecord* find(std::string_view uuid);
  const GpuRecord* find(std::string_view uuid) const;
  void erase(std::string_view uuid);

  std::string serialize() const;
  static base::Result<GpuRecords> parse(std::string_view text);  // unknown members are refused
  friend bool operator==(const GpuRecords&, const GpuRecords&) = default;
};

// No file: no records.
base::Result<GpuRecords> read_gpu_records(const std::string& path);
base::Status write_gpu_records(const std::string& path, const GpuRecords& records);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_GPU_RECORDS_H_
