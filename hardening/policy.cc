#include "hardening/policy.h"

namespace hardening {
namespace {

// Descriptors 0 to 4, the model's directory, the data channel, one model file or another, and what
// epoll takes.
constexpr std::uint64_t kEngineOpenFilesMax = 64;

}  // namespace

Policy gateway_policy(Identity identity, int fd_count, std::uint64_t open_files_max) {
  Policy policy;
  policy.role = "gateway";
  policy.fd_count = fd_count;
  policy.open_files_max = open_files_max;
  policy.identity = identity;
  policy.stage_1 = gateway_stage_1();
  policy.stage_2 = gateway_stage_2();
  return policy;
}

Policy engine_policy(Identity identity, int fd_count, int model_directory) {
  Policy policy;
  policy.role = "engine";
  policy.fd_count = fd_count;
  policy.open_files_max = kEngineOpenFilesMax;
  policy.identity = identity;
  policy.readable_directory = model_directory;
  policy.stage_1 = engine_stage_1();
  policy.stage_2 = engine_stage_2();
  return policy;
}

}  // namespace hardening
