// Signing, verifying and inspecting a plain model directory: its files and the OpenSSF Model
// Signing signature over them, no release around it. The functions behind `redoubt bundle sign |
// verify | inspect` for such directories; each returns an exit code and has said why.
#ifndef DAEMON_CLI_MODEL_SIGNATURE_VERBS_H_
#define DAEMON_CLI_MODEL_SIGNATURE_VERBS_H_

#include <string>
#include <vector>

#include "daemon/cli/command.h"
#include "hardening/base/result.h"
#include "provisioning/certificate.h"

namespace daemon_cli {

struct ModelSignOptions {
  std::string directory;
  std::string key;  // PEM of the private key
  std::string password_file;
  std::string name;                // empty: the directory's own
  std::string signature;           // empty: DIRECTORY/model.sig
  std::string certificate;         // PEM of the signer; empty: method "key"
  std::vector<std::string> chain;  // PEM files of what stands between signer and root
};

struct ModelVerifyOptions {
  std::string directory;
  std::vector<std::string> keys;          // PEM of public keys that count
  std::vector<std::string> certificates;  // PEM of root certificates that count
  std::vector<std::string> crls;          // PEM
  std::vector<std::string> subjects;      // of the signer, RFC 2253; empty: any
  std::string at;  // when certificates must be valid: RFC 3339, "not-before"; empty: now
  bool accept_empty_hint = false;
  std::string signature;  // empty: DIRECTORY/model.sig
  bool json = false;
};

struct ModelInspectOptions {
  std::string path;  // a directory or a signature file
  bool json = false;
};

// A directory without release.dsse: a plain model, whether it is signed already or not.
bool is_model_directory(const std::string& path);

// The options as a verb shows them; DIRECTORY (or PATH) and --json are the caller's.
// The signer's certificate and what --chain names, leaf first; empty without --certificate, and
// then --chain is refused.
base::Result<std::vector<provisioning::Der>> read_certificate_chain(
    const ModelSignOptions& options);

void declare_model_sign_options(Command& verb, ModelSignOptions& options);
void declare_model_verify_options(Command& verb, ModelVerifyOptions& options);

int sign_model_directory(const ModelSignOptions& options);
int verify_model_directory(const ModelVerifyOptions& options);
int inspect_model_directory(const ModelInspectOptions& options);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_MODEL_SIGNATURE_VERBS_H_
