#include "daemon/audit/log/log_identity.h"

#include <span>

#include "daemon/audit/log/log_extent.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/secret.h"
#include "provisioning/sha256.h"

namespace daemon_audit {
namespace {

constexpr unsigned kKeyMode = 0600;
constexpr std::size_t kKeyBytesMax = 4'096;
constexpr std::size_t kOwnNameBytes = 16;

base::Result<base::Secret> read_key(const base::Fd& directory) {
  const base::Fd file = TRY(open_log_file(directory, "key"));
  auto pem = TRY(base::read_text(file, kKeyBytesMax));
  auto secret = base::Secret::create(pem);
  base::wipe(std::as_writable_bytes(std::span(pem)));
  return secret;
}

// What a first start that was cut short can have left is begun anew; anything else is evidence.
base::Status refuse_remains(const base::Fd& directory) {
  for (const auto* folder : {"tile", "journal", "witness", "sealed"}) {
    if (!TRY(list_log_directory(directory, folder, kJournalFilesMax)).empty()) {
      return base::denied(std::string("the log has no key, but ") + folder + "/ is not empty");
    }
  }
  return {};
}

base::Result<SignerKey> named_key(const std::string& origin) {
  if (!origin.empty()) return SignerKey::generate(origin);
  const SignerKey key = TRY(SignerKey::generate("redoubt"));
  const auto digest = provisioning::sha256(key.verifier().public_key());
  const auto name = "redoubt/" + base::to_hex(std::span(digest).first(kOwnNameBytes));
  const base::Secret pem = TRY(key.pem());
  return SignerKey::from_pem(name, pem.expose_text());
}

base::Result<SignerKey> begin_log(LogDirectory& directory, const std::string& origin) {
  TRY(refuse_remains(directory.fd()));
  SignerKey key = TRY(named_key(origin));
  Checkpoint nothing;
  nothing.origin = key.verifier().name();
  nothing.root = hash_empty_tree();
  const std::string note = TRY(sign_checkpoint(nothing, key));
  TRY(directory.write("log.vkey", key.verifier().text() + "\n", LogDirectory::Sync::kFile));
  TRY(directory.write("checkpoint", note, LogDirectory::Sync::kFile));
  TRY(directory.sync_directories());
  const base::Secret pem = TRY(key.pem());
  TRY(directory.write("key", pem.expose_text(), LogDirectory::Sync::kFile, kKeyMode));
  TRY(directory.sync_directories());
  return key;
}

}  // namespace

base::Result<SignerKey> open_identity(LogDirectory& directory, const std::string& origin) {
  auto pem = read_key(directory.fd());
  if (!pem.ok() && pem.error().code == base::ErrorCode::kNotFound) {
    return begin_log(directory, origin);
  }
  if (!pem.ok()) return std::move(pem).context("key").error();
  const VerifierKey public_key = TRY(read_verifier_key(directory.fd()));
  SignerKey key = TRY(SignerKey::from_pem(public_key.name(), pem.value().expose_text()));
  if (key.verifier().text() != public_key.text()) {
    return base::denied("the log's key is not the one of log.vkey");
  }
  return key;
}

}  // namespace daemon_audit
