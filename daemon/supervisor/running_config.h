// The configuration that is in force, and what the file says when it is read again.
#ifndef DAEMON_SUPERVISOR_RUNNING_CONFIG_H_
#define DAEMON_SUPERVISOR_RUNNING_CONFIG_H_

#include <cstddef>
#include <string>

#include "daemon/config/config.h"
#include "daemon/supervisor/reload.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

class RunningConfig {
 public:
  // `path` is where `config` was read from; `listeners` is how many sockets are open.
  RunningConfig(std::string path, daemon_config::Config config, std::size_t listeners);

  const daemon_config::Config& config() const { return config_; }
  // For the audit log: the file's path, and the digest of its bytes when it was last read, whether
  // or not they were any good.
  base::Json facts() const;

  // Reads the file, the keys and the certificate. Settings that need a restart of the service stay
  // as they run; the rest is put together for the gateway and comes into force with taken(). This
  // outlives the result.
  base::Result<FreshSettings> read_again();

 private:
  std::string path_;
  daemon_config::Config config_;
  std::size_t listeners_;
  std::string digest_;  // hexadecimal SHA-256; empty: not to be had
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_RUNNING_CONFIG_H_
