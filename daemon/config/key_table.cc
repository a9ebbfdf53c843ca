#include "daemon/config/key_table.h"

#include <utility>

#include "daemon/config/value_checks.h"

namespace daemon_config {
namespace {

using daemon_engine::EngineConfig;
using daemon_gateway::GatewayConfig;
using Value = TomlValue;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40;
constexpr std::size_t kTrustedKeysMax = 16;

constexpr std::size_t kHostBytesMax = 128;
constexpr std::uint64_t kRetentionDaysMin = 183;  // six months (EU AI Act, Article 26(6))
constexpr std::uint64_t kDaysMax = 36'500;

constexpr Range kShortTime{100, 600'000};
constexpr Range kLongTime{1'000, 86'400'000};

template <typename T>
base::Status assign(T& target, base::Result<T> checked) {
  target = TRY(std::move(checked));
  return {};
}

// Config::*Section.*Member
template <auto Section, auto Member>
constexpr Slot kSlot = {
    [](const Config& a, const Config& b) { return (a.*Section).*Member == (b.*Section).*Member; },
    [](Config& to, const Config& from) { (to.*Section).*Member = (from.*Section).*Member; }};

base::Status set_tls_min_version(Config& c, const Value& v) {
  c.limits.tls_1_2 = TRY(to_choice(v, {"1.3", "1.2"})) == "1.2";
  return {};
}

// clang-format off: a table reads in columns.
constexpr KeyRow kRows[] = {
    {"server", "listen", Reload::kRestart, kSlot<&Config::server, &ServerConfig::listen>,
     [](Config& c, const Value& v) { return assign(c.server.listen, to_listen_addresses(v)); }},
    {"server", "tls_certificate", Reload::kInPlace,
     kSlot<&Config::server, &ServerConfig::tls_certificate>,
     [](Config& c, const Value& v) {
       return assign(c.server.tls_certificate, to_absolute_path(v));
     }},
    {"server", "tls_private_key", Reload::kInPlace,
     kSlot<&Config::server, &ServerConfig::tls_private_key>,
     [](Config& c, const Value& v) {
       return assign(c.server.tls_private_key, to_absolute_path(v));
     }},
    {"server", "tls_min_version", Reload::kInPlace, kSlot<&Config::limits, &GatewayConfig::tls_1_2>,
     set_tls_min_version},
    {"server", "drain_timeout_ms", Reload::kInPlace,
     kSlot<&Config::server, &ServerConfig::drain_timeout_ms>,
     [](Config& c, const Value& v) {
       return assign(c.server.drain_timeout_ms, to_u32(v, kShortTime));
     }},

    {"paths", "state", Reload::kRestart, kSlot<&Config::paths, &PathsConfig::state>,
     [](Config& c, const Value& v) { return assign(c.paths.state, to_absolute_path(v)); }},
    {"paths", "runtime", Reload::kRestart, kSlot<&Config::paths, &PathsConfig::runtime>,
     [](Config& c, const Value& v) { return assign(c.paths.runtime, to_absolute_path(v)); }},

    {"model", "name", Reload::kRestart, kSlot<&Config::model, &ModelConfig::name>,
     [](Config& c, const Value& v) { return assign(c.model.name, to_model_name(v)); }},
    {"model", "directory", Reload::kRestart, kSlot<&Config::model, &ModelConfig::directory>,
     [](Config& c, const Value& v) { return assign(c.model.directory, to_absolute_path(v)); }},
    {"model", "file", Reload::kRestart, kSlot<&Config::engine, &EngineConfig::model_file>,
     [](Config& c, const Value& v) { return assign(c.engine.model_file, to_relative_path(v)); }},
    {"model", "trusted_keys", Reload::kRestart, kSlot<&Config::model, &ModelConfig::trusted_keys>,
     [](Config& c, const Value& v) {
       return assign(c.model.trusted_keys, to_absolute_paths(v, kTrustedKeysMax));
     }},

    {"engine", "backend", Reload::kRestart, kSlot<&Config::engine, &EngineConfig::backend>,
     [](Config& c, const Value& v) {
       return assign(c.engine.backend, to_choice(v, {"auto", "cpu", "cuda", "reference"}));
     }},
    {"engine", "gpus", Reload::kRestart, kSlot<&Config::engine, &EngineConfig::gpus>,
     [](Config& c, const Value& v) { return assign(c.engine.gpus, to_gpus(v)); }},
    {"engine", "gpu_memory_percent", Reload::kRestart,
     kSlot<&Config::engine, &EngineConfig::gpu_memory_percent>,
     [](Config& c, const Value& v) {
       return assign(c.engine.gpu_memory_percent, to_u32(v, {10, 100}));
     }},
    {"engine", "gpu_weights", Reload::kRestart, kSlot<&Config::engine, &EngineConfig::gpu_weights>,
     [](Config& c, const Value& v) {
       return assign(c.engine.gpu_weights, to_choice(v, {"as_is", "fp8"}));
     }},
    {"engine", "gpu_split", Reload::kRestart, kSlot<&Config::engine, &EngineConfig::gpu_split>,
     [](Config& c, const Value& v) {
       return assign(c.engine.gpu_split, to_choice(v, {"auto", "layers", "tensor"}));
     }},
    {"engine", "step_deadline_ms", Reload::kRestart,
     kSlot<&Config::engine, &EngineConfig::step_deadline_ms>,
     [](Config& c, const Value& v) {
       return assign(c.engine.step_deadline_ms, to_u32(v, {kShortTime.min, kShortTime.max, true}));
     }},
    {"engine", "threads", Reload::kRestart, kSlot<&Config::engine, &EngineConfig::threads>,
     [](Config& c, const Value& v) {
       return assign(c.engine.threads, to_u32(v, {1, 1'024, true}));
     }},
    {"engine", "context_tokens", Reload::kRestart,
     kSlot<&Config::engine, &EngineConfig::context_tokens>,
     [](Config& c, const Value& v) {
       return assign(c.engine.context_tokens, to_u32(v, {64, 1'048'576, true}));
     }},
    {"engine", "sequences_max", Reload::kRestart,
     kSlot<&Config::engine, &EngineConfig::sequences_max>,
     [](Config& c, const Value& v) {
       return assign(c.engine.sequences_max, to_u32(v, {1, 256}));
     }},
    {"engine", "kv_cache_bytes", Reload::kRestart,
     kSlot<&Config::engine, &EngineConfig::kv_cache_bytes>,
     [](Config& c, const Value& v) {
       return assign(c.engine.kv_cache_bytes, to_bytes(v, {kMiB, 64 * kTiB, true}));
     }},
    {"engine", "memory_bytes_max", Reload::kRestart,
     kSlot<&Config::engine, &EngineConfig::memory_bytes_max>,
     [](Config& c, const Value& v) {
       return assign(c.engine.memory_bytes_max, to_bytes(v, {64 * kMiB, 64 * kTiB, true}));
     }},
    {"engine", "kv_format", Reload::kRestart, kSlot<&Config::engine, &EngineConfig::kv_format>,
     [](Config& c, const Value& v) {
       return assign(c.engine.kv_format, to_choice(v, {"f16", "q8_0", "f32"}));
     }},
    {"engine", "step_tokens_max", Reload::kRestart,
     kSlot<&Config::engine, &EngineConfig::step_tokens_max>,
     [](Config& c, const Value& v) {
       return assign(c.engine.step_tokens_max, to_u32(v, {16, 8'192}));
     }},
    {"engine", "queue_max", Reload::kRestart, kSlot<&Config::engine, &EngineConfig::queue_max>,
     [](Config& c, const Value& v) {
       return assign(c.engine.queue_max, to_u32(v, {1, 65'536}));
     }},
    {"engine", "prefix_cache", Reload::kRestart,
     kSlot<&Config::engine, &EngineConfig::prefix_cache>,
     [](Config& c, const Value& v) { return assign(c.engine.prefix_cache, to_bool(v)); }},
    {"engine", "keep_weights", Reload::kRestart,
     kSlot<&Config::engine, &EngineConfig::keep_weights>,
     [](Config& c, const Value& v) {
       return assign(c.engine.keep_weights, to_choice(v, {"auto", "always", "never"}));
     }},

    {"limits", "connections_max", Reload::kRestart,
     kSlot<&Config::limits, &GatewayConfig::connections_max>,
     [](Config& c, const Value& v) {
       return assign(c.limits.connections_max, to_u32(v, {1, 65'536}));
     }},
    {"limits", "requests_max", Reload::kRestart,
     kSlot<&Config::limits, &GatewayConfig::requests_max>,
     [](Config& c, const Value& v) {
       return assign(c.limits.requests_max, to_u32(v, {1, 1'024}));
     }},
    {"limits", "requests_per_key_max", Reload::kInPlace,
     kSlot<&Config::limits, &GatewayConfig::requests_per_key_max>,
     [](Config& c, const Value& v) {
       return assign(c.limits.requests_per_key_max, to_u32(v, {1, 1'024, true}));
     }},
    {"limits", "body_bytes_max", Reload::kInPlace,
     kSlot<&Config::limits, &GatewayConfig::body_bytes_max>,
     [](Config& c, const Value& v) -> base::Status {
       c.limits.body_bytes_max = static_cast<std::uint32_t>(TRY(to_bytes(v, {1'024, 32 * kMiB})));
       return {};
     }},
    {"limits", "header_timeout_ms", Reload::kInPlace,
     kSlot<&Config::limits, &GatewayConfig::header_timeout_ms>,
     [](Config& c, const Value& v) {
       return assign(c.limits.header_timeout_ms, to_u32(v, kShortTime));
     }},
    {"limits", "body_timeout_ms", Reload::kInPlace,
     kSlot<&Config::limits, &GatewayConfig::body_timeout_ms>,
     [](Config& c, const Value& v) {
       return assign(c.limits.body_timeout_ms, to_u32(v, kShortTime));
     }},
    {"limits", "write_timeout_ms", Reload::kInPlace,
     kSlot<&Config::limits, &GatewayConfig::write_timeout_ms>,
     [](Config& c, const Value& v) {
       return assign(c.limits.write_timeout_ms, to_u32(v, kShortTime));
     }},
    {"limits", "request_timeout_ms", Reload::kInPlace,
     kSlot<&Config::limits, &GatewayConfig::request_timeout_ms>,
     [](Config& c, const Value& v) {
       return assign(c.limits.request_timeout_ms, to_u32(v, {kLongTime.min, kLongTime.max, true}));
     }},
    {"limits", "ping_interval_ms", Reload::kInPlace,
     kSlot<&Config::limits, &GatewayConfig::ping_interval_ms>,
     [](Config& c, const Value& v) {
       return assign(c.limits.ping_interval_ms, to_u32(v, kShortTime));
     }},

    {"sandbox", "gateway_user", Reload::kRestart,
     kSlot<&Config::sandbox, &SandboxConfig::gateway_user>,
     [](Config& c, const Value& v) { return assign(c.sandbox.gateway_user, to_user(v)); }},
    {"sandbox", "engine_user", Reload::kRestart,
     kSlot<&Config::sandbox, &SandboxConfig::engine_user>,
     [](Config& c, const Value& v) { return assign(c.sandbox.engine_user, to_user(v)); }},
    {"sandbox", "auditor_user", Reload::kRestart,
     kSlot<&Config::sandbox, &SandboxConfig::auditor_user>,
     [](Config& c, const Value& v) { return assign(c.sandbox.auditor_user, to_user(v)); }},
    {"sandbox", "health_user", Reload::kRestart,
     kSlot<&Config::sandbox, &SandboxConfig::health_user>,
     [](Config& c, const Value& v) { return assign(c.sandbox.health_user, to_user(v)); }},
    {"sandbox", "landlock_abi_min", Reload::kRestart,
     kSlot<&Config::sandbox, &SandboxConfig::landlock_abi_min>,
     [](Config& c, const Value& v) {
       return assign(c.sandbox.landlock_abi_min, to_u32(v, {1, 16, true}));
     }},

    {"supervisor", "busy_timeout_ms", Reload::kRestart,
     kSlot<&Config::supervisor, &SupervisorConfig::busy_timeout_ms>,
     [](Config& c, const Value& v) {
       return assign(c.supervisor.busy_timeout_ms, to_u32(v, kLongTime));
     }},
    {"supervisor", "load_timeout_ms", Reload::kRestart,
     kSlot<&Config::supervisor, &SupervisorConfig::load_timeout_ms>,
     [](Config& c, const Value& v) {
       return assign(c.supervisor.load_timeout_ms, to_u32(v, kLongTime));
     }},
    {"supervisor", "restart_intensity", Reload::kRestart,
     kSlot<&Config::supervisor, &SupervisorConfig::restart_intensity>,
     [](Config& c, const Value& v) {
       return assign(c.supervisor.restart_intensity, to_u32(v, {1, 1'000'000}));
     }},
    {"supervisor", "restart_period_ms", Reload::kRestart,
     kSlot<&Config::supervisor, &SupervisorConfig::restart_period_ms>,
     [](Config& c, const Value& v) {
       return assign(c.supervisor.restart_period_ms, to_u32(v, kLongTime));
     }},

    {"gpu", "care", Reload::kRestart, kSlot<&Config::gpu, &GpuConfig::care>,
     [](Config& c, const Value& v) {
       return assign(c.gpu.care, to_choice(v, {"auto", "always", "never"}));
     }},
    {"gpu", "nvml_library", Reload::kRestart, kSlot<&Config::gpu, &GpuConfig::nvml_library>,
     [](Config& c, const Value& v) { return assign(c.gpu.nvml_library, to_absolute_path(v)); }},
    {"gpu", "poll_interval_ms", Reload::kRestart,
     kSlot<&Config::gpu, &GpuConfig::poll_interval_ms>,
     [](Config& c, const Value& v) {
       return assign(c.gpu.poll_interval_ms, to_u32(v, {250, 60'000}));
     }},
    {"gpu", "silence_ms", Reload::kRestart, kSlot<&Config::gpu, &GpuConfig::silence_ms>,
     [](Config& c, const Value& v) {
       return assign(c.gpu.silence_ms, to_u32(v, {1'000, 600'000}));
     }},

    {"audit", "host", Reload::kRestart, kSlot<&Config::audit, &AuditConfig::host>,
     [](Config& c, const Value& v) { return assign(c.audit.host, to_text(v, kHostBytesMax)); }},
    {"audit", "origin", Reload::kRestart, kSlot<&Config::audit, &AuditConfig::origin>,
     [](Config& c, const Value& v) { return assign(c.audit.origin, to_log_origin(v)); }},
    {"audit", "text", Reload::kInPlace, kSlot<&Config::audit, &AuditConfig::text>,
     [](Config& c, const Value& v) {
       return assign(c.audit.text, to_choice(v, {"none", "digest", "sealed"}));
     }},
    {"audit", "sealed_to", Reload::kInPlace, kSlot<&Config::audit, &AuditConfig::sealed_to>,
     [](Config& c, const Value& v) { return assign(c.audit.sealed_to, to_absolute_path(v)); }},
    {"audit", "sealed_days", Reload::kRestart, kSlot<&Config::audit, &AuditConfig::sealed_days>,
     [](Config& c, const Value& v) {
       return assign(c.audit.sealed_days, to_u32(v, {1, kDaysMax, true}));
     }},
    {"audit", "retention_days", Reload::kRestart,
     kSlot<&Config::audit, &AuditConfig::retention_days>,
     [](Config& c, const Value& v) {
       return assign(c.audit.retention_days, to_u32(v, {kRetentionDaysMin, kDaysMax, true}));
     }},
    {"audit", "witnesses", Reload::kRestart, kSlot<&Config::audit, &AuditConfig::witnesses>,
     [](Config& c, const Value& v) { return assign(c.audit.witnesses, to_witnesses(v)); }},
};
// clang-format on

}  // namespace

std::span<const KeyRow> key_table() {
  return kRows;
}

}  // namespace daemon_config
