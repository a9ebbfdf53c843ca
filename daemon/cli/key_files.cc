#include "daemon/cli/key_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "hardening/base/file.h"
#include "provisioning/limits.h"

namespace daemon_cli {
namespace {

void warn_if_exposed(const base::Fd& file, const std::string& path) {
  struct stat info {};
  if (::fstat(file.get(), &info) == 0 && (info.st_mode & 077) != 0) {
    fmt::print(stderr, "redoubt: warning: {} can be read by others (mode {:o}); chmod 600 it\n",
               path, info.st_mode & 0777u);
  }
}

base::Status write_new(const std::string& path, std::string_view text, unsigned mode) {
  base::Fd file = TRY(base::open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  base::Status written = base::write_all(file, std::as_bytes(std::span(text)));
  if (written.ok()) written = file.close();
  if (!written.ok()) ::unlink(path.c_str());
  return std::move(written).context(path);
}

// None for an empty name.
base::Result<std::optional<base::Secret>> read_password(const std::string& file) {
  if (file.empty()) return std::optional<base::Secret>();
  return std::optional<base::Secret>(TRY(read_password_file(file)));
}

}  // namespace

base::Result<base::Secret> read_secret_file(const std::string& path) {
  const base::Fd file = TRY(base::open_file(path, O_RDONLY));
  warn_if_exposed(file, path);
  std::string text = TRY(base::read_text(file, provisioning::kKeyFileBytesMax).context(path));
  auto secret = base::Secret::create(text);
  base::wipe(std::as_writable_bytes(std::span(text)));
  return secret;
}

base::Result<base::Secret> read_password_file(const std::string& path) {
  const base::Secret whole = TRY(read_secret_file(path));
  std::string_view text = whole.expose_text();
  if (text.ends_with('\n')) text.remove_suffix(1);
  return base::Secret::create(text);
}

base::Result<provisioning::PrivateKey> read_private_key(const std::string& path,
                                                        const std::string& password_file) {
  const base::Secret pem = TRY(read_secret_file(path));
  const std::optional<base::Secret> password = TRY(read_password(password_file));
  return provisioning::PrivateKey::parse_pem(pem, password ? &*password : nullptr).context(path);
}

bool is_token_uri(std::string_view path_or_uri) {
  return path_or_uri.starts_with("pkcs11:");
}

base::Result<provisioning::SigningKey> read_signing_key(const std::string& path_or_uri,
                                                        const std::string& password_file) {
  const std::optional<base::Secret> password = TRY(read_password(password_file));
  const base::Secret* const given = password ? &*password : nullptr;
  if (is_token_uri(path_or_uri)) return provisioning::SigningKey::open_uri(path_or_uri, given);
  const base::Secret pem = TRY(read_secret_file(path_or_uri));
  return provisioning::SigningKey::parse_pem(pem, given).context(path_or_uri);
}

base::Status write_key_pair(const std::string& prefix, const base::Secret& private_pem,
                            std::string_view public_pem) {
  const std::string private_path = prefix + ".key.pem";
  TRY(write_new(private_path, private_pem.expose_text(), 0600));
  base::Status second = write_new(prefix + ".pub.pem", public_pem, 0644);
  if (!second.ok()) ::unlink(private_path.c_str());
  return second;
}

base::Result<std::vector<provisioning::PublicKey>> read_public_keys(
    const std::vector<std::string>& paths) {
  std::vector<provisioning::PublicKey> keys;
  for (const std::string& path : paths) {
    const std::string pem = TRY(base::read_text_file(path, provisioning::kKeyFileBytesMax));
    keys.push_back(TRY(provisioning::PublicKey::parse_pem(pem).context(path)));
  }
  return keys;
}

base::Result<std::vector<provisioning::VerifyKey>> read_verify_keys(
    const std::vector<std::string>& paths) {
  std::vector<provisioning::VerifyKey> keys;
  for (const std::string& path : paths) {
    const std::string pem = TRY(base::read_text_file(path, provisioning::kKeyFileBytesMax));
    keys.push_back(TRY(provisioning::VerifyKey::parse_pem(pem).context(path)));
  }
  return keys;
}

}  // namespace daemon_cli
