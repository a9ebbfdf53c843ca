// redoubt bundle sign | extract-statement: signatures of several people, in one place or carried
// together.
#include <fcntl.h>
#include <fmt/format.h>

#include <memory>

#include "daemon/cli/bundle_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/key_files.h"
#include "daemon/cli/model_signature_verbs.h"
#include "daemon/cli/report.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "provisioning/container/bundle_contents.h"
#include "provisioning/container/bundle_signer.h"
#include "provisioning/container/model_signature.h"

namespace daemon_cli {
namespace {

using base::Json;
using provisioning::SignableBundle;

struct SignOptions {
  ModelSignOptions model;  // its directory is the PATH
  bool statement_only = false;
  std::string add;
};

struct ExtractOptions {
  std::string path;
  std::string output;
};

// Nobody should sign digests of files that they have not read.
base::Status check_content(const std::string& path) {
  const auto source = TRY(
      provisioning::open_bundle(TRY(base::open_file(path, O_RDONLY | O_NONBLOCK))).context(path));
  const auto claims = TRY(provisioning::read_claims(*source));
  ProgressBar bar("hashing");
  return provisioning::check_files(*source, claims.release, {}, bar.callback());
}

base::Status add_signatures(SignableBundle& bundle, const SignOptions& options) {
  const std::string text = TRY(base::read_text_file(options.add, provisioning::kReleaseBytesMax));
  const auto added = TRY(bundle.merge(text).context(options.add));
  fmt::print("{} signatures taken over from {}; {} in all\n", added, options.add,
             bundle.claims().envelope.signatures.size());
  return {};
}

// The first ECDSA signer makes model.sig too, unless it is there.
base::Status sign_model(SignableBundle& bundle, const SignOptions& options,
                        const provisioning::SigningKey& key, const std::string& suite) {
  const bool asked = !options.model.certificate.empty();
  if (!asked && (!bundle.claims().signature_text.empty() || !suite.starts_with("ecdsa-")))
    return {};
  if (bundle.form() == SignableBundle::Form::kStatement) return {};
  TRY(bundle.sign_model(key, TRY(read_certificate_chain(options.model))));
  fmt::print("model.sig    written\n");
  return {};
}

base::Status sign(const SignOptions& options) {
  const std::string& path = options.model.directory;
  SignableBundle bundle = TRY(SignableBundle::open(path));
  if (!options.add.empty()) return add_signatures(bundle, options);
  if (!options.statement_only) {
    if (bundle.form() == SignableBundle::Form::kStatement) {
      return base::invalid_input(
          path + " is a statement without its files: sign it unseen with --statement-only");
    }
    TRY(check_content(path));
  }
  const auto key = TRY(read_signing_key(options.model.key, options.model.password_file));
  const auto verify_key = TRY(key.verify_key());
  TRY(bundle.sign(key));
  const auto& claims = bundle.claims();
  fmt::print(
      "signed       {} {} ({} files{})\nrelease id   {}\nkey id       {}\nsuite        "
      "{}\nsignatures   {}\n",
      claims.release.name, claims.release.sequence, claims.release.files.size(),
      options.statement_only ? ", not looked at" : ", each read and compared", claims.id,
      verify_key.id(), verify_key.suite(), claims.envelope.signatures.size());
  return sign_model(bundle, options, key, verify_key.suite());
}

int run_sign(const SignOptions& options) {
  if (options.model.key.empty() == options.add.empty()) {
    fmt::print(stderr, "redoubt: bundle sign takes either --key or --add\n");
    return kExitUsage;
  }
  if (options.add.empty() && is_bare_model(options.model.directory))
    return sign_model_directory(options.model);
  const auto status = sign(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

base::Status extract(const ExtractOptions& options) {
  const auto bundle = TRY(SignableBundle::open(options.path));
  TRY(base::replace_file(options.output,
                         provisioning::serialize_dsse(bundle.claims().envelope) + "\n", 0644));
  fmt::print("statement    {}\nrelease id   {}\nsignatures   {}\n", options.output,
             bundle.claims().id, bundle.claims().envelope.signatures.size());
  return {};
}

int run_extract(const ExtractOptions& options) {
  const auto status = extract(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace

void add_bundle_sign(Command& bundle) {
  Command& verb = bundle.add("sign", "sign a bundle in place, or a plain model directory");
  auto options = std::make_shared<SignOptions>();
  ModelSignOptions& model = options->model;
  verb.argument("PATH", model.directory,
                "NAME.rdb, a bundle's directory, a release.dsse, or a model directory");
  verb.option("--key", model.key, "private key, PEM, or a pkcs11: URI");
  verb.option("--password-file", model.password_file,
              "the key's password or the token's PIN: first line of this file");
  verb.option("--add", options->add, "take over the signatures of this release.dsse instead");
  verb.flag("--statement-only", options->statement_only, "do not read the files first");
  verb.option("--certificate", model.certificate, "the key's certificate, PEM, for model.sig");
  verb.option("--chain", model.chain,
              "certificates between it and the root, PEM; may be given more than once");
  verb.option("--name", model.name, "a model directory's name; its own when not given");
  verb.option("--signature", model.signature,
              "where a model directory's signature goes; DIRECTORY/model.sig when not given");
  verb.runs([options] { return run_sign(*options); });

  Command& extract_verb =
      bundle.add("extract-statement", "copy a bundle's release.dsse, to be signed elsewhere");
  auto extract_options = std::make_shared<ExtractOptions>();
  extract_verb.argument("PATH", extract_options->path, "NAME.rdb or a bundle's directory");
  extract_verb.required_option("-o,--output", extract_options->output, "where to write it");
  extract_verb.runs([extract_options] { return run_extract(*extract_options); });
}

}  // namespace daemon_cli
