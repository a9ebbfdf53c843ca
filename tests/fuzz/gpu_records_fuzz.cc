// STATE/gpus.json, as the service reads it: whatever is taken is written back, and taken again, as
// the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/supervisor/gpu_records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using daemon_supervisor::GpuRecords;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto records = GpuRecords::parse(text);
  if (!records.ok()) return 0;
  if (records.value().gpus.size() > daemon_supervisor::kGpuRecordsMax) std::abort();
  const auto again = GpuRecords::parse(records.value().serialize());
  if (!again.ok() || !(again.value() == records.value())) std::abort();
  return 0;
}
