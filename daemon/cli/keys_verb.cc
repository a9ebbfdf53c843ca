// redoubt keys generate: the key pair that signs models.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/key_files.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "provisioning/ecdsa_key.h"

namespace daemon_cli {
namespace {

struct GenerateOptions {
  std::string output;
  std::string curve = "P-384";
  std::string password_file;
};

base::Status generate(const GenerateOptions& options) {
  const auto curve = provisioning::find_curve(options.curve);
  if (!curve) return base::unsupported(fmt::format("curve {}: P-256, P-384 and P-521 are supported", options.curve));
  std::optional<base::Secret> password;
  if (!options.password_file.empty()) password = TRY(read_password_file(options.password_file));

  const auto key = TRY(provisioning::PrivateKey::generate(*curve));
  const auto public_key = TRY(key.public_key());
  const base::Secret pem = TRY(key.serialize_pem(password ? &*password : nullptr));
  TRY(write_key_pair(options.output, pem, public_key.pem()));
  fmt::print("private key  {0}.key.pem  (keep it off the appliance)\n"
             "public key   {0}.pub.pem  (the appliance trusts this one)\n"
             "curve        {1}\nkey id       {2}\n",
             options.output, provisioning::curve_name(*curve), public_key.hint());
  return {};
}

int run_generate(const GenerateOptions& options) {
  const auto status = generate(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace

void add_keys(Command& parent) {
  Command& keys = parent.add("keys", "make the keys that sign models");
  Command& verb = keys.add("generate", "write a new key pair: PREFIX.key.pem and PREFIX.pub.pem");
  auto options = std::make_shared<GenerateOptions>();
  verb.argument("PREFIX", options->output, "where to write; existing files are never overwritten");
  verb.option("--curve", options->curve, "P-256, P-384 or P-521");
  verb.option("--password-file", options->password_file, "encrypt the private key with the first line of this file");
  verb.runs([options] { return run_generate(*options); });
}

}  // namespace daemon_cli
