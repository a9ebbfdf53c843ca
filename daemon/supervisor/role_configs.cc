#include "daemon/supervisor/role_configs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "daemon/supervisor/sealed_memfd.h"
#include "hardening/base/file.h"
#include "provisioning/store.h"

namespace daemon_supervisor {
namespace {

constexpr std::size_t kPemBytesMax = 64 * 1024;

base::Result<ModelSource> open_directory(std::string path, std::string name, std::int64_t created) {
  ModelSource model;
  model.directory = TRY(base::open_file(path, O_RDONLY | O_DIRECTORY));
  model.path = std::move(path);
  model.name = std::move(name);
  model.created = created;
  return model;
}

std::string last_component(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path.substr(path.rfind('/') + 1));
}

base::Result<std::int64_t> modified_at(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return base::io_error(errno, path);
  return static_cast<std::int64_t>(info.st_mtim.tv_sec);
}

base::Result<ModelSource> open_active_model(const daemon_config::Config& config,
                                            const StatePaths& paths) {
  auto active = provisioning::Store::active(paths.store);
  if (!active.ok() && active.error().code == base::ErrorCode::kNotFound) {
    return base::not_found(
        "there is no model to serve: import one with 'redoubt import DIRECTORY'");
  }
  auto stored = TRY(std::move(active));
  const std::string& name = config.model.name.empty() ? stored.name : config.model.name;
  return open_directory(stored.directory, name, stored.imported);
}

}  // namespace

base::Result<ModelSource> open_model(const daemon_config::Config& config, const StatePaths& paths) {
  if (config.model.trusted_keys.empty()) {
    return base::invalid_input(
        "model.trusted_keys is empty: say whose signature a model must carry");
  }
  const std::string& directory = config.model.directory;
  if (directory.empty()) return open_active_model(config, paths);
  const std::string name =
      config.model.name.empty() ? last_component(directory) : config.model.name;
  return open_directory(directory, name, TRY(modified_at(directory))).context("model.directory");
}

base::Result<base::Fd> create_gateway_config(const daemon_config::Config& config,
                                             const StatePaths& paths, std::size_t listeners) {
  daemon_gateway::GatewayConfig gateway = config.limits;
  const TlsIdentity identity = TRY(ensure_tls_identity(config, paths));
  gateway.listeners = static_cast<std::uint32_t>(listeners);
  gateway.tls_certificate_pem = identity.certificate_pem;
  gateway.tls_private_key_pem = identity.private_key_pem.expose_text();
  gateway.api_keys = TRY(read_api_keys(paths));
  std::string text = gateway.serialize().dump();
  auto config_fd = create_sealed_memfd("gateway-config", text);
  base::wipe(std::as_writable_bytes(std::span(text)));
  base::wipe(std::as_writable_bytes(std::span(gateway.tls_private_key_pem)));
  return config_fd;
}

base::Result<base::Fd> create_engine_config(const daemon_config::Config& config,
                                            const ModelSource& model) {
  daemon_engine::EngineConfig engine = config.engine;
  engine.model_id = model.name;
  engine.created = model.created;
  for (const std::string& path : config.model.trusted_keys) {
    engine.trusted_keys_pem.push_back(
        TRY(base::read_text_file(path, kPemBytesMax).context("model.trusted_keys")));
  }
  return create_sealed_memfd("engine-config", engine.serialize().dump());
}

}  // namespace daemon_supervisor
