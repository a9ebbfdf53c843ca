// A GpuInventory as JSON and back, between `redoubt doctor` and the process that asked the driver.
#ifndef DAEMON_DOCTOR_INVENTORY_JSON_H_
#define DAEMON_DOCTOR_INVENTORY_JSON_H_

#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "kernels/cuda/gpus.h"

namespace daemon_doctor {

base::Json inventory_json(const kernels::cuda::GpuInventory& inventory);
base::Result<kernels::cuda::GpuInventory> parse_inventory(const base::Json& json);

}  // namespace daemon_doctor

#endif  // DAEMON_DOCTOR_INVENTORY_JSON_H_
