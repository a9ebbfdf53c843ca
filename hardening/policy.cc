#include "hardening/policy.h"

#include <fmt/format.h>

#include "hardening/base/check.h"

namespace hardening {
namespace {

// Descriptors 0 to 4, the model's directory, the progress page, weights, the data channel, one
// model file or another.
constexpr std::uint64_t kEngineOpenFilesMax = 64;
constexpr std::uint64_t kGpuEngineOpenFilesMax = 1024;  // a device is open many times over
constexpr std::uint64_t kRecordOpenFilesMax = 32;

PolicyFacts engine_facts(std::string_view role, Identity identity, int fd_count, int directory) {
  return {.role = role,
          .fd_count = fd_count,
          .open_files_max = kEngineOpenFilesMax,
          .identity = identity,
          .readable_directory = directory,
          .file_growth = FileGrowth::kUntilLockDown,
          .stage_1 = engine_stage_1(),
          .stage_2 = engine_stage_2()};
}

PolicyFacts record_facts(std::string_view role, Identity identity, int fd_count, int directory) {
  return {.role = role,
          .fd_count = fd_count,
          .open_files_max = kRecordOpenFilesMax,
          .identity = identity,
          .writable_directory = directory,
          .file_growth = FileGrowth::kAlways,
          .stage_1 = {},
          .stage_2 = {}};
}

}  // namespace

Policy gateway_policy(Identity identity, int fd_count, std::uint64_t open_files_max) {
  return Policy({.role = "gateway",
                 .fd_count = fd_count,
                 .open_files_max = open_files_max,
                 .identity = identity,
                 .stage_1 = gateway_stage_1(),
                 .stage_2 = gateway_stage_2()});
}

Policy engine_policy(Identity identity, int fd_count, int model_directory) {
  return Policy(engine_facts("engine", identity, fd_count, model_directory));
}

Policy gpu_engine_policy(Identity identity, int fd_count, int model_directory, DevicePaths paths) {
  PolicyFacts facts = engine_facts("gpu-engine", identity, fd_count, model_directory);
  facts.open_files_max = kGpuEngineOpenFilesMax;
  facts.stage_1 = gpu_engine_stage_1();
  facts.stage_2 = gpu_engine_stage_2();
  facts.paths = std::move(paths);
  facts.keeps_root = true;
  return Policy(std::move(facts));
}

Policy health_policy(Identity identity, int fd_count, DevicePaths paths) {
  return Policy({.role = "health",
                 .fd_count = fd_count,
                 .identity = identity,
                 .paths = std::move(paths),
                 .keeps_root = true,
                 .stage_1 = health_stage_1(),
                 .stage_2 = health_stage_2()});
}

Policy auditor_policy(Identity identity, int fd_count, int log_directory) {
  PolicyFacts facts = record_facts("auditor", identity, fd_count, log_directory);
  facts.stage_1 = auditor_stage_1();
  facts.stage_2 = auditor_stage_2();
  return Policy(std::move(facts));
}

Policy importer_policy(Identity identity, int fd_count, int staging_directory, int bundle_directory,
                       int objects_directory) {
  PolicyFacts facts = record_facts("importer", identity, fd_count, staging_directory);
  facts.readable_directory = bundle_directory;
  facts.stored_directory = objects_directory;
  facts.stage_1 = importer_stage_1();
  facts.stage_2 = importer_stage_2();
  return Policy(std::move(facts));
}

Policy Policy::without_rule(Stage stage, std::size_t index) const {
  Policy tighter = *this;
  SyscallRules& rules = stage == Stage::kLoading ? tighter.facts_.stage_1 : tighter.facts_.stage_2;
  CHECK(index < rules.size());
  rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(index));
  return tighter;
}

Policy Policy::loosened(const Loosening& loosening) const {
  Policy looser = *this;
  for (const Step step : loosening.left_out()) {
    looser.skipped_.insert(step);
    looser.loosened_.push_back(fmt::format("{}: {}", step_name(step), loosening.why()));
  }
  for (const SyscallRule& rule : loosening.added()) {
    looser.facts_.stage_1.push_back(rule);
    looser.facts_.stage_2.push_back(rule);
    looser.loosened_.push_back(fmt::format("syscall {}: {}", rule.number, loosening.why()));
  }
  return looser;
}

}  // namespace hardening
