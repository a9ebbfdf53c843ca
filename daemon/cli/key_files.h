// Keys and passwords from the files a command line names.
#ifndef DAEMON_CLI_KEY_FILES_H_
#define DAEMON_CLI_KEY_FILES_H_

#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "hardening/base/secret.h"
#include "provisioning/ecdsa_key.h"
#include "provisioning/signatures/signature_key.h"

namespace daemon_cli {

// The bytes of a file that holds a secret; warns on standard error when others can read the file.
base::Result<base::Secret> read_secret_file(const std::string& path);

// The same without a last newline.
base::Result<base::Secret> read_password_file(const std::string& path);

// `password_file` may be empty: no password.
base::Result<provisioning::PrivateKey> read_private_key(const std::string& path,
                                                        const std::string& password_file);

// A key that signs releases and trust roots: a PEM file, or a "pkcs11:" URI of a key in a token,
// whose PIN then is the first line of `password_file`. That may be empty.
base::Result<provisioning::SigningKey> read_signing_key(const std::string& path_or_uri,
                                                        const std::string& password_file);

// Whether a name is that of a key in a token.
bool is_token_uri(std::string_view path_or_uri);

// Writes PREFIX.key.pem and PREFIX.pub.pem: both or neither, and never over an existing file. A key
// that is overwritten is a key that is lost; half a pair would stand in the way of the next
// attempt.
base::Status write_key_pair(const std::string& prefix, const base::Secret& private_pem,
                            std::string_view public_pem);

// Each file holds one PEM public key.
base::Result<std::vector<provisioning::PublicKey>> read_public_keys(
    const std::vector<std::string>& paths);
base::Result<std::vector<provisioning::VerifyKey>> read_verify_keys(
    const std::vector<std::string>& paths);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_KEY_FILES_H_
