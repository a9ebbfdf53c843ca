#include "daemon/cli/trust_document_verbs.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/key_files.h"
#include "daemon/cli/report.h"
#include "daemon/cli/root_document.h"
#include "daemon/cli/trust_report.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "provisioning/trust/time_statement.h"
#include "provisioning/utc_time.h"

namespace daemon_cli {
namespace {

using provisioning::Dsse;

struct CreateOptions {
  RootChanges changes;
  std::string output;
};

struct CreateTimeOptions {
  std::string time;
  std::string output;
};

struct SignOptions {
  std::string file;
  std::string key;
  std::string password_file;
};

struct MergeOptions {
  std::vector<std::string> files;
  std::string output;
};

std::int64_t now() {
  return base::SystemClock().unix_seconds();
}

base::Status write_document(const std::string& path, const Dsse& envelope) {
  return base::replace_file(path, provisioning::serialize_dsse(envelope) + "\n", 0644);
}

// A trust root or a time statement; releases are signed by `bundle sign`.
base::Result<Dsse> read_document(const std::string& path) {
  const std::string text = TRY(base::read_text_file(path, provisioning::kRootBytesMax));
  auto root =
      provisioning::parse_dsse(text, provisioning::kRootPayloadType, provisioning::kRootBytesMax);
  if (root.ok() || root.error().code != base::ErrorCode::kUnsupported)
    return std::move(root).context(path);
  auto time =
      provisioning::parse_dsse(text, provisioning::kTimePayloadType, provisioning::kRootBytesMax);
  if (time.ok() || time.error().code != base::ErrorCode::kUnsupported)
    return std::move(time).context(path);
  return base::unsupported(path + " is neither a trust root nor a statement of the time");
}

// So that whoever signs sees what, and no broken document is signed.
base::Result<std::string> describe(const Dsse& document) {
  if (document.payload_type == provisioning::kTimePayloadType)
    return "time statement  " + document.payload + "\n";
  return format_root(TRY(provisioning::parse_trust_root(document.payload)));
}

// A root may demand what nobody it names can give.
void warn_if_no_model_signer(const provisioning::TrustRoot& root) {
  bool somebody = !root.model.require_signature || !root.model.key_ids.empty() ||
                  !root.model.certificates.empty();
  for (const auto& group : root.release.groups) {
    for (const std::string& id : group.key_ids)
      somebody = somebody || root.find(id)->suite == "ecdsa-p384-sha384";
  }
  if (somebody) return;
  fmt::print(stderr,
             "redoubt: warning: releases need a model.sig, and no key here can make one: give a "
             "--model-key, a "
             "--model-certificate, or --signature-optional\n");
}

base::Status create(const CreateOptions& options) {
  const auto root = TRY(make_root_document(options.changes, now()));
  auto payload = TRY(provisioning::serialize_trust_root(root));
  const Dsse document{std::string(provisioning::kRootPayloadType), std::move(payload), {}};
  TRY(write_document(options.output, document));
  warn_if_no_model_signer(root);
  fmt::print("{}\nwritten to {}, not signed yet\n", format_root(root), options.output);
  return {};
}

base::Status create_time(const CreateTimeOptions& options) {
  const std::int64_t time = options.time.empty()
                                ? now()
                                : TRY(provisioning::parse_utc_time(options.time).context("--time"));
  auto payload = TRY(provisioning::serialize_time_statement(time));
  const Dsse document{std::string(provisioning::kTimePayloadType), std::move(payload), {}};
  TRY(write_document(options.output, document));
  fmt::print("{}, written to {}, not signed yet\n", provisioning::format_utc_time(time),
             options.output);
  return {};
}

base::Status sign(const SignOptions& options) {
  Dsse document = TRY(read_document(options.file));
  const std::string description = TRY(describe(document).context(options.file));
  const auto key = TRY(read_signing_key(options.key, options.password_file));
  TRY(provisioning::add_signature(document, key));
  TRY(write_document(options.file, document));
  const auto verify_key = TRY(key.verify_key());
  fmt::print("{}\nsigned {} by key {} ({}); it has {} signatures now\n", description, options.file,
             verify_key.id(), verify_key.suite(), document.signatures.size());
  return {};
}

base::Status merge(const MergeOptions& options) {
  Dsse document = TRY(read_document(options.files.front()));
  for (const std::string& path : options.files) {
    TRY(provisioning::merge_signatures(document, TRY(read_document(path))).context(path));
  }
  TRY(write_document(options.output, document));
  fmt::print("{} has {} signatures\n", options.output, document.signatures.size());
  for (const auto& signature : document.signatures) fmt::print("  {}\n", signature.key_id);
  return {};
}

int finish(const base::Status& status) {
  return status.ok() ? kExitOk : report_failure(status.error());
}

void add_create(Command& trust) {
  auto options = std::make_shared<CreateOptions>();
  RootChanges& changes = options->changes;
  Command& verb = trust.add("create", "write a trust root, not signed yet");
  verb.required_option("-o,--output", options->output, "the file to write, by habit N.root.dsse");
  verb.option("--from", changes.from, "begin with this trust root and change it");
  verb.option("--version", changes.version, "0: the next one after --from, else 1");
  verb.option("--site", changes.site, "the site's name");
  verb.option("--expires", changes.expires, "2031-01-01T00:00:00Z, or never");
  verb.option("--root", changes.root,
              "who may change the trust root: M:KEY,KEY… with public key files (or ids of --from); "
              "again: a group more, all must hold");
  verb.option("--release", changes.release, "who may release models; likewise");
  verb.option("--time", changes.time, "who may state the time; likewise");
  verb.option("--model-key", changes.model_keys, "a public key whose model.sig counts");
  verb.option("--model-certificate", changes.model_certificates, "a CA certificate for model.sig");
  verb.option("--model-crl", changes.model_crls, "a certificate revocation list for model.sig");
  verb.option("--model-subject", changes.model_subjects,
              "a certificate's subject that may sign, as CN=…");
  verb.flag("--signature-optional", changes.signature_optional,
            "releases without a model.sig are taken");
  verb.flag("--allow-bare", changes.allow_bare, "models without a release are taken");
  verb.flag("--refuse-bare", changes.refuse_bare, "they are not");
  verb.flag("--warn-expired", changes.warn_expired,
            "what has expired by the clock is taken with a warning");
  verb.option("--suite", changes.suites, "allow this suite, and only those named so");
  verb.option("--revoke-key", changes.revoke_keys, "a key id, or its first digits");
  verb.option("--revoke-release", changes.revoke_releases, "a release id");
  verb.option("--floor", changes.floors,
              "NAME=N: the first sequence of that name to be taken, lower or higher than before");
  verb.option("--rename", changes.names, "ID=NAME: what a key is called");
  verb.runs([options] { return finish(create(*options)); });
}

}  // namespace

void add_trust_document_verbs(Command& trust) {
  add_create(trust);

  auto time = std::make_shared<CreateTimeOptions>();
  Command& time_verb = trust.add("create-time", "write a statement of the time, not signed yet");
  time_verb.required_option("-o,--output", time->output, "the file to write");
  time_verb.option("--time", time->time,
                   "2026-11-21T18:00:00Z; this machine's clock when not given");
  time_verb.runs([time] { return finish(create_time(*time)); });

  auto signing = std::make_shared<SignOptions>();
  Command& sign_verb = trust.add("sign", "sign a trust root or a statement of the time");
  sign_verb.argument("FILE", signing->file, "gets the signature added");
  sign_verb.required_option("--key", signing->key, "a private key file, or a pkcs11: URI");
  sign_verb.option("--password-file", signing->password_file,
                   "its first line opens the key, or is the token's PIN");
  sign_verb.runs([signing] { return finish(sign(*signing)); });

  auto merging = std::make_shared<MergeOptions>();
  Command& merge_verb = trust.add("merge", "put the signatures of several copies together");
  merge_verb.arguments("FILE", merging->files,
                       "copies of one document, signed by different people");
  merge_verb.required_option("-o,--output", merging->output, "the file to write");
  merge_verb.runs([merging] { return finish(merge(*merging)); });
}

}  // namespace daemon_cli
