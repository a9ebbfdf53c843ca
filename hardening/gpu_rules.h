// The groups that the two roles share which meet an NVIDIA driver: the engine with a GPU, and the
// role that asks GPUs how they are.
#ifndef HARDENING_GPU_RULES_H_
#define HARDENING_GPU_RULES_H_

#include "hardening/rule_parts.h"

namespace hardening {

RuleGroup front_end_rules();        // ioctl numbers of /dev/nvidiactl and /dev/nvidiaN
RuleGroup driver_loading_rules();   // the driver's libraries and facts, while a role loads
RuleGroup driver_refusing_rules();  // what the driver's libraries try in passing and do without

}  // namespace hardening

#endif  // HARDENING_GPU_RULES_H_
