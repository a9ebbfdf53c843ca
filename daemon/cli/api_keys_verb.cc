// redoubt api-keys create | list | revoke
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>

#include "daemon/auth/api_keys.h"
#include "daemon/cli/act.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/table.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/control_socket.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace daemon_cli {
namespace {

using daemon_supervisor::StatePaths;

struct KeyOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
  std::string name;
  std::string id;
  bool for_ask = false;
  bool json = false;
};

constexpr unsigned kPrivate = 0600;
constexpr int kTimeoutMs = 15'000;  // a gateway that is just starting is waited for

base::Result<StatePaths> state_paths(const KeyOptions& options) {
  return StatePaths(TRY(daemon_config::read_config(options.config)));
}

// A running service takes the change at once; one that does not run has nothing to take.
// A service that refuses goes on with the keys it had, revoked ones included: that has to be said.
base::Status apply_to_service(const StatePaths& paths) {
  const auto answer =
      daemon_supervisor::ask_control_socket(paths.control_socket, "reload", kTimeoutMs);
  const int failure = answer.ok() ? 0 : answer.error().sys_errno;
  if (failure == ENOENT || failure == ECONNREFUSED) {
    std::fputs("The service is not running; it takes the change when it starts.\n", stderr);
    return {};
  }
  const auto outcome = TRY(base::Json::parse(TRY(answer)));
  const base::Json* error = outcome.is_object() ? outcome.find("error") : nullptr;
  if (error == nullptr || !error->is_string()) return {};
  return base::unavailable("written, but the running service has not taken it: " +
                           error->as_string());
}

base::Status create_key(const StatePaths& paths, const KeyOptions& options, Act& act) {
  auto keys = TRY(daemon_supervisor::read_api_keys(paths));
  const auto created = TRY(keys.create(options.name, base::SystemClock().unix_seconds()));
  TRY(daemon_supervisor::write_api_keys(paths, keys));
  act.add_fact("id", created.id);
  if (options.for_ask) {
    TRY(base::replace_file(paths.ask_key, created.key.expose_text(), kPrivate));
    fmt::print("{}  written to {}\n", created.id, paths.ask_key);
  } else {
    // Straight to the descriptor: standard output's buffer would keep a copy.
    TRY(base::write_all(base::Fd(::dup(STDOUT_FILENO)), created.key.expose_bytes()));
    fmt::print("\n");
    fmt::print(stderr, "This is the only time the key is shown. Its id is {}.\n", created.id);
  }
  std::fflush(stdout);
  return apply_to_service(paths);
}

base::Status create(const KeyOptions& options) {
  const auto config = TRY(daemon_config::read_config(options.config));
  Act act("api-keys create", {{"name", options.name}, {"for_ask", options.for_ask ? "yes" : "no"}});
  TRY(act.begin(config));
  return act.finish(create_key(StatePaths(config), options, act));
}

base::Status revoke_key(const StatePaths& paths, const KeyOptions& options) {
  auto keys = TRY(daemon_supervisor::read_api_keys(paths));
  TRY(keys.revoke(options.id));
  TRY(daemon_supervisor::write_api_keys(paths, keys));
  fmt::print("revoked {}\n", options.id);
  return apply_to_service(paths);
}

base::Status revoke(const KeyOptions& options) {
  const auto config = TRY(daemon_config::read_config(options.config));
  Act act("api-keys revoke", {{"id", options.id}});
  TRY(act.begin(config));
  return act.finish(revoke_key(StatePaths(config), options));
}

std::string format_time(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm utc{};
  if (::gmtime_r(&time, &utc) == nullptr) return "?";
  return fmt::format("{:%Y-%m-%d %H:%M}Z", utc);
}

base::Json to_json(const daemon_auth::ApiKey& key) {  // without salt and hash
  return base::Json::object(
      {{"id", key.id}, {"name", key.name}, {"created", key.created}, {"revoked", key.revoked}});
}

base::Status list(const KeyOptions& options) {
  const StatePaths paths = TRY(state_paths(options));
  const auto keys = TRY(daemon_supervisor::read_api_keys(paths));
  base::Json json = base::Json::array();
  Table table({"ID", "NAME", "CREATED", "STATE"});
  for (const auto& key : keys.keys()) {
    json.push_back(to_json(key));
    table.add({key.id, key.name, format_time(key.created), key.revoked ? "revoked" : "valid"});
  }
  fmt::print("{}", options.json ? json.dump_pretty() + "\n" : table.format());
  return {};
}

int finish(const base::Status& status) {
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace

void add_api_keys(Command& parent) {
  Command& verb = parent.add("api-keys", "who may ask");
  auto options = std::make_shared<KeyOptions>();

  Command& create_verb = verb.add("create", "make a key and show it, once");
  create_verb.argument("NAME", options->name, "whose it is: letters, digits, '-', '_', '.'");
  create_verb.option("--config", options->config, "the configuration file of the service");
  create_verb.flag("--for-ask", options->for_ask,
                   "keep it on this machine for 'redoubt ask' instead of showing it");
  create_verb.runs([options] { return finish(create(*options)); });

  Command& list_verb = verb.add("list", "show the keys there are");
  list_verb.option("--config", options->config, "the configuration file of the service");
  list_verb.flag("--json", options->json, "print JSON");
  list_verb.runs([options] { return finish(list(*options)); });

  Command& revoke_verb = verb.add("revoke", "make a key useless from now on");
  revoke_verb.argument("ID", options->id, "as 'api-keys list' shows it");
  revoke_verb.option("--config", options->config, "the configuration file of the service");
  revoke_verb.runs([options] { return finish(revoke(*options)); });
}

}  // namespace daemon_cli
