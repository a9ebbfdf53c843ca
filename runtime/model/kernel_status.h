// What a backend answered, as our Status.
#ifndef RUNTIME_MODEL_KERNEL_STATUS_H_
#define RUNTIME_MODEL_KERNEL_STATUS_H_

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "hardening/base/result.h"
#include "kernels/ops.h"

namespace runtime {

// `doing` names what was asked of the backend: "load blk.0.attn_q.weight". Allocates nothing on
// success.
inline base::Status to_status(kernels::Status status, std::string_view doing) {
  const auto text = [doing](std::string_view why) {
    return std::string(doing) + ": " + std::string(why);
  };
  switch (status) {
    case kernels::Status::kOk:
      return {};
    case kernels::Status::kUnsupported:
      return base::unsupported(text("the backend does not do this"));
    case kernels::Status::kOutOfMemory:
      return base::exhausted(text("the backend is out of memory"));
    case kernels::Status::kDevice:
      break;
  }
  return base::Error{base::ErrorCode::kDevice, 0, text("the device failed")};
}

// The same with what the backend says of its failure. One that hangs has ETIMEDOUT beside kDevice.
inline base::Status to_status(kernels::Status status, std::string_view doing,
                              const kernels::Ops& ops) {
  auto told = to_status(status, doing);
  if (status != kernels::Status::kDevice) return told;
  base::Error error = std::move(told).error();
  error.sys_errno = ops.hung() ? ETIMEDOUT : 0;
  if (!ops.failure().empty()) error.message.append(": ").append(ops.failure());
  return error;
}

// Whether a failure is that a device did not answer in time.
inline bool is_hung(const base::Error& error) {
  return error.code == base::ErrorCode::kDevice && error.sys_errno == ETIMEDOUT;
}

}  // namespace runtime

#endif  // RUNTIME_MODEL_KERNEL_STATUS_H_
