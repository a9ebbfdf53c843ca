// The appliance's configuration: one TOML file, every key known, every value in range.
// image/redoubt.toml documents each key with its default.
#ifndef DAEMON_CONFIG_CONFIG_H_
#define DAEMON_CONFIG_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/config/listen_address.h"
#include "daemon/engine/engine_config.h"
#include "daemon/gateway/gateway_config.h"
#include "hardening/base/result.h"

namespace daemon_config {

struct ServerConfig {
  std::vector<ListenAddress> listen = {{"127.0.0.1", 8443, false}};
  std::string tls_certificate;  // absolute path of a PEM chain; empty: one is made on first start
  std::string tls_private_key;
  std::uint32_t drain_timeout_ms = 30'000;  // how long running requests may go on after SIGTERM
};

struct PathsConfig {
  std::string state = "/var/lib/redoubt";
  std::string runtime = "/run/redoubt";
};

struct ModelConfig {
  std::string name;  // what clients call it; empty: the name it was imported under
  std::string
      directory;  // absolute path of a signed model directory; empty: the active one of the store
  std::vector<std::string> trusted_keys;  // absolute paths of PEM public keys
};

struct SandboxConfig {
  std::string gateway_user = "redoubt-gateway";  // a name or a number; taken when started as root
  std::string engine_user = "redoubt-engine";
  std::string auditor_user = "redoubt-auditor";
  std::string health_user = "redoubt-health";
  std::uint32_t landlock_abi_min = 0;  // a role that reaches less is not accepted
};

struct SupervisorConfig {
  std::uint32_t busy_timeout_ms =
      9'000;  // a role without a sign of life for this long is killed and restarted
  std::uint32_t load_timeout_ms = 120'000;  // likewise while starting
  // More failures of a role than this within the period, and it is degraded: an alarm and the
  // slowest pace.
  std::uint32_t restart_intensity = 5;
  std::uint32_t restart_period_ms = 600'000;
};

// Who looks after the GPUs, and how (daemon/health/).
struct GpuConfig {
  std::string care = "auto";  // "auto": where NVIDIA's driver is there; "always", "never"
  std::string nvml_library;   // absolute path; empty: the driver's libnvidia-ml.so.1
  std::uint32_t poll_interval_ms = 1'000;
  std::uint32_t silence_ms = 10'000;  // GPUs nothing was heard of for so long are suspect
};

// daemon/audit/RECORDS.md and LOG.md.
struct AuditConfig {
  std::string host;    // how records name this appliance; empty: the log's origin
  std::string origin;  // the log's name, fixed at its first start; empty: made from its key
  std::string text = "digest";       // of prompts and answers: "none", "digest" or "sealed"
  std::string sealed_to;             // absolute path of an X25519 public key (PEM), with "sealed"
  std::uint32_t sealed_days = 0;     // sealed texts older than this are removed; 0: never
  std::uint32_t retention_days = 0;  // entries likewise; 0: never, else at least 183
  std::vector<std::string> witnesses = {};  // verifier keys whose cosignatures are accepted
};

struct Config {
  ServerConfig server;
  PathsConfig paths;
  ModelConfig model;
  daemon_engine::EngineConfig
      engine;  // without model_id, created and trusted_keys_pem: the supervisor knows those
  daemon_gateway::GatewayConfig limits;  // without listeners, PEM texts and api_keys: likewise
  SandboxConfig sandbox;
  SupervisorConfig supervisor;
  GpuConfig gpu;
  AuditConfig audit;
};

// kInvalidInput with one line "file:line: section.key …" per problem, all of them at once.
base::Result<Config> parse_config(std::string_view text, std::string_view file);
base::Result<Config> read_config(const std::string& path);

// What a running service makes of another configuration.
struct Changes {
  std::vector<std::string> in_place;  // keys that take effect at a reload: "limits.body_bytes_max"
  std::vector<std::string> needs_restart;  // keys that do not
};
Changes compare(const Config& running, const Config& fresh);

// `running` with the values of `fresh` where those take effect at a reload.
Config apply_in_place(Config running, const Config& fresh);

// Every (section, key) that parse_config knows, in the order of the documentation.
std::vector<std::pair<std::string_view, std::string_view>> known_keys();

}  // namespace daemon_config

#endif  // DAEMON_CONFIG_CONFIG_H_
