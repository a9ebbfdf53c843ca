#include "daemon/supervisor/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/secret.h"
#include "hardening/privileges.h"

namespace daemon_supervisor {
namespace {

// Readable to the service's group, to which everything below it belongs.
constexpr mode_t kAuditMode = 02750;
constexpr std::size_t kSiteKeyBytes = 32;
constexpr std::size_t kApiKeysBytesMax = 8u << 20;
constexpr std::size_t kPemBytesMax = 256 * 1024;
constexpr unsigned kPrivate = 0600;
constexpr unsigned kPublic = 0644;
constexpr unsigned kPublicDirectory = 0755;

std::string or_default(const std::string& configured, std::string fallback) {
  return configured.empty() ? std::move(fallback) : configured;
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

base::Result<base::Secret> read_secret_file(const std::string& path) {
  std::string text = TRY(base::read_text_file(path, kPemBytesMax));
  auto secret = base::Secret::create(text);
  base::wipe(std::as_writable_bytes(std::span(text)));
  return secret;
}

base::Status give_to_heir(const StatePaths& paths, const base::Fd& file) {
  const auto owner = TRY(state_heir(paths));
  struct stat info {};
  if (!owner || ::fstat(file.get(), &info) != 0 || info.st_uid != 0) return {};
  if (S_ISREG(info.st_mode) && info.st_nlink != 1) return {};  // known under another name too
  if (::fchown(file.get(), owner->uid, owner->gid) != 0) return base::io_error(errno, "fchown");
  return {};
}

base::Status write_state(const StatePaths& paths, const std::string& path, std::string_view text,
                         unsigned mode) {
  const auto owner = TRY(state_heir(paths));
  return base::replace_file(path, text, mode, owner ? &*owner : nullptr);
}

base::Status write_tls_identity(const StatePaths& paths, const TlsIdentity& identity) {
  TRY(ensure_directory(paths.tls_directory, kPublicDirectory));
  const base::Fd directory =
      TRY(base::open_file(paths.tls_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY(give_to_heir(paths, directory));
  // The key first: a certificate alone would look like a complete pair after a power loss.
  TRY(write_state(paths, paths.tls_private_key, identity.private_key_pem.expose_text(), kPrivate));
  return write_state(paths, paths.tls_certificate, identity.certificate_pem, kPublic);
}

}  // namespace

StatePaths::StatePaths(const daemon_config::Config& config)
    : directory(config.paths.state),
      lock(config.paths.state + "/lock"),
      api_keys(config.paths.state + "/api-keys.json"),
      ask_key(config.paths.state + "/ask.key"),
      tls_directory(config.paths.state + "/tls"),
      tls_certificate(
          or_default(config.server.tls_certificate, tls_directory + "/certificate.pem")),
      tls_private_key(
          or_default(config.server.tls_private_key, tls_directory + "/private-key.pem")),
      store(config.paths.state + "/store"),
      trust(config.paths.state + "/trust"),
      audit(config.paths.state + "/audit"),
      audit_salt(config.paths.state + "/audit-salt.key"),
      acts(config.paths.state + "/acts"),
      gpus(config.paths.state + "/gpus.json"),
      control_socket(config.paths.runtime + "/control.sock") {}

base::Status ensure_directory(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) return {};
  if (errno != EEXIST) return base::io_error(errno, "create directory " + path);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return base::io_error(errno, path);
  if (!S_ISDIR(info.st_mode)) return base::invalid_input(path + " is not a directory");
  return {};
}

base::Result<base::Fd> lock_state(const StatePaths& paths) {
  base::Fd lock = TRY(base::open_file(paths.lock, O_RDWR | O_CREAT | O_NOFOLLOW, kPrivate));
  TRY(give_to_heir(paths, lock));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return base::io_error(errno, "lock " + paths.lock);
  return base::unavailable(
      fmt::format("{} is held: another redoubt serves from this state directory", paths.lock));
}

// A verb of the command line, or a service started by hand, may write as root; the service may run
// as a user of its own.
base::Result<std::optional<base::FileOwner>> state_heir(const StatePaths& paths) {
  if (::geteuid() != 0) return std::optional<base::FileOwner>();
  return std::optional(TRY(base::owner_of(paths.directory)));
}

base::Result<base::Fd> open_audit_directory(const StatePaths& paths, hardening::Identity auditor) {
  const bool made = ::mkdir(paths.audit.c_str(), kAuditMode) == 0;
  if (!made && errno != EEXIST) return base::io_error(errno, "create directory " + paths.audit);
  base::Fd directory = TRY(
      base::open_file(paths.audit, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).context("the audit log"));
  // Roles have users of their own where we may give them some (namespaces.h).
  const bool root = ::geteuid() == 0;
  bool own_user = root || hardening::has_capabilities({CAP_SETUID, CAP_SETGID});
  struct stat info {};
  if (::fstat(directory.get(), &info) != 0) return base::io_error(errno, paths.audit);
  if (root && info.st_uid != auditor.uid) {
    const auto state = TRY(base::owner_of(paths.directory));
    if (::fchown(directory.get(), auditor.uid, state.gid) != 0) {
      if (errno == EINVAL) {
        own_user = false;  // root of a container that has no such user; neither will the role be it
      } else if (errno != EPERM) {  // without CAP_CHOWN: somebody else makes it so, see below
        return base::io_error(errno, "chown " + paths.audit);
      }
    }
  }
  // Of our own making; it takes no special right: the group is one of ours.
  if (made && ::fchmod(directory.get(), kAuditMode) != 0 && errno != EPERM)
    return base::io_error(errno, "chmod " + paths.audit);
  if (::fstat(directory.get(), &info) != 0) return base::io_error(errno, paths.audit);
  const std::uint32_t wanted = own_user ? auditor.uid : ::geteuid();
  if (info.st_uid == wanted) return directory;
  if (made) (void)::rmdir(paths.audit.c_str());  // so that whoever may makes it
  return base::denied(fmt::format(
      "{} belongs to uid {}, and not to the auditor, who is uid {}: 'systemd-tmpfiles --create "
      "redoubt.conf', as root, makes it so",
      paths.audit, info.st_uid, wanted));
}

base::Result<std::string> ensure_audit_salt(const StatePaths& paths) {
  if (!exists(paths.audit_salt)) {
    const auto key = TRY(base::Secret::create_random(kSiteKeyBytes));
    std::string text = base::to_hex(key.expose_bytes());
    const auto written = write_state(paths, paths.audit_salt, text + "\n", kPrivate);
    base::wipe(std::as_writable_bytes(std::span(text)));
    TRY(written);
  }
  std::string text = TRY(base::read_text_file(paths.audit_salt, 2 * kSiteKeyBytes + 1));
  if (text.ends_with('\n')) text.pop_back();
  const auto key = base::from_hex(text);
  if (key.ok() && key.value().size() == kSiteKeyBytes) return text;
  return base::corrupt(
      fmt::format("{}: {} hexadecimal digits are wanted", paths.audit_salt, 2 * kSiteKeyBytes));
}

base::Result<daemon_auth::ApiKeys> read_api_keys(const StatePaths& paths) {
  const auto text = base::read_text_file(paths.api_keys, kApiKeysBytesMax);
  if (!text.ok() && text.error().code == base::ErrorCode::kNotFound) return daemon_auth::ApiKeys();
  const auto raw = TRY(text);
  const auto json = TRY(base::Json::parse(raw, {.bytes_max = kApiKeysBytesMax, .depth_max = 4})
                            .context(paths.api_keys));
  return daemon_auth::ApiKeys::parse(json).context(paths.api_keys);
}

base::Status write_api_keys(const StatePaths& paths, const daemon_auth::ApiKeys& keys) {
  return write_state(paths, paths.api_keys, keys.serialize().dump_pretty() + "\n", kPrivate);
}

base::Result<TlsIdentity> ensure_tls_identity(const daemon_config::Config& config,
                                              const StatePaths& paths) {
  const bool configured = !config.server.tls_certificate.empty();
  if (!configured && !exists(paths.tls_certificate)) {
    const auto identity = TRY(
        create_self_signed(config.server.listen, host_name(), base::SystemClock().unix_seconds()));
    TRY(write_tls_identity(paths, identity).context("self-signed certificate"));
  }
  auto certificate =
      TRY(base::read_text_file(paths.tls_certificate, kPemBytesMax).context("TLS certificate"));
  auto key = TRY(read_secret_file(paths.tls_private_key).context("TLS private key"));
  return TlsIdentity{std::move(certificate), std::move(key)};
}

}  // namespace daemon_supervisor
