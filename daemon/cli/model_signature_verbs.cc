#include "daemon/cli/model_signature_verbs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <utility>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/key_files.h"
#include "daemon/cli/report.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/envelope.h"
#include "provisioning/limits.h"
#include "provisioning/model_directory.h"
#include "provisioning/utc_time.h"

namespace daemon_cli {
namespace {

using base::Json;
using provisioning::SignatureMethod;

base::Result<base::Fd> open_directory(const std::string& path) {
  return base::open_file(path, O_RDONLY | O_DIRECTORY);
}

std::string signature_path(const std::string& directory, const std::string& given) {
  return given.empty() ? directory + "/" + std::string(provisioning::kSignatureFileName) : given;
}

base::Result<std::vector<std::string>> read_pem_files(const std::vector<std::string>& paths,
                                                      std::size_t bytes_max) {
  std::vector<std::string> texts;
  for (const std::string& path : paths) texts.push_back(TRY(base::read_text_file(path, bytes_max)));
  return texts;
}

// The last component of a directory's real path: what the reference tool names the subject.
std::string base_name(const std::string& directory) {
  std::error_code error;
  const auto real = std::filesystem::canonical(directory, error);
  return error ? std::string() : real.filename().string();
}

// ---- sign

base::Result<provisioning::Envelope> seal(const ModelSignOptions& options, std::string payload,
                                          const provisioning::PrivateKey& key) {
  auto chain = TRY(read_certificate_chain(options));
  if (chain.empty()) return provisioning::seal_payload(std::move(payload), key);
  return provisioning::seal_payload(std::move(payload), key, std::move(chain));
}

std::string signer_text(const provisioning::Envelope& envelope) {
  if (envelope.method == SignatureMethod::kKey) return Json(envelope.hint).dump();
  const auto leaf = provisioning::read_leaf(envelope.certificates.front());
  return leaf.ok() ? leaf.value().subject
                   : "a certificate that would not be taken: " + leaf.error().message;
}

base::Status sign(const ModelSignOptions& options) {
  const auto key = TRY(read_private_key(options.key, options.password_file));
  const base::Fd directory = TRY(open_directory(options.directory));
  const std::string subject = options.name.empty() ? base_name(options.directory) : options.name;
  ProgressBar bar("hashing");
  const auto statement = TRY(provisioning::describe_directory(directory, subject, bar.callback()));
  const auto envelope = TRY(seal(options, provisioning::serialize_statement(statement), key));
  const std::string path = signature_path(options.directory, options.signature);
  TRY(base::replace_file(path, provisioning::serialize_envelope(envelope) + "\n", 0644));
  fmt::print("signed {} files of {} as {}\nroot digest  sha256:{}\n", statement.resources.size(),
             options.directory, Json(subject).dump(), base::to_hex(statement.root_digest()));
  if (envelope.method == SignatureMethod::kKey) {
    fmt::print("key id       {}\n", envelope.hint);
  } else {
    fmt::print("certificate  {}\n", signer_text(envelope));
  }
  fmt::print("signature    {}\n", path);
  return {};
}

// ---- verify

base::Result<provisioning::CertificateTrust> certificate_trust(const ModelVerifyOptions& options) {
  provisioning::CertificateTrust trust;
  trust.roots = TRY(read_pem_files(options.certificates, provisioning::kCertificatePemBytesMax));
  trust.crls = TRY(read_pem_files(options.crls, provisioning::kCrlBytesMax));
  trust.subjects = options.subjects;
  trust.time = base::SystemClock().unix_seconds();
  if (options.at == "not-before") {
    trust.time_policy = provisioning::CertificateTime::kNotBefore;
  } else if (!options.at.empty()) {
    trust.time = TRY(provisioning::parse_utc_time(options.at).context("--at"));
  }
  return trust;
}

base::Result<provisioning::SignedModel> open_signed(const ModelVerifyOptions& options) {
  const auto keys = TRY(read_public_keys(options.keys));
  const provisioning::SignatureTrust trust{.keys = keys,
                                           .certificates = TRY(certificate_trust(options)),
                                           .accept_empty_hint = options.accept_empty_hint};
  base::Fd directory = TRY(open_directory(options.directory));
  const std::string path = signature_path(options.directory, options.signature);
  const std::string text = TRY(base::read_text_file(path, provisioning::kSignatureBytesMax));
  return provisioning::SignedModel::open(std::move(directory), text, trust);
}

Json verdict_json(const provisioning::SignedModel& model) {
  const auto& statement = model.statement();
  Json json = Json::object({{"verified", true},
                            {"subject", statement.subject},
                            {"method", provisioning::method_name(model.signer().method)},
                            {"key_id", model.signer().id},
                            {"files", static_cast<std::uint64_t>(statement.resources.size())},
                            {"root_sha256", base::to_hex(statement.root_digest())}});
  if (model.signer().method == SignatureMethod::kCertificate)
    json.set("signer", model.signer().subject);
  return json;
}

void print_signer(const provisioning::Signer& signer) {
  if (signer.method == SignatureMethod::kKey) {
    fmt::print("ok  signature     by key {}\n", signer.id);
  } else {
    fmt::print("ok  signature     by {}, certificate sha256:{}\n", signer.subject, signer.id);
  }
}

// The checks in the order they are made, each said before the next begins.
base::Status verify(const ModelVerifyOptions& options) {
  const auto model = TRY(open_signed(options));
  const auto& statement = model.statement();
  if (!options.json) {
    print_signer(model.signer());
    fmt::print("ok  statement     {}, {} files, root sha256:{}\n", Json(statement.subject).dump(),
               statement.resources.size(), base::to_hex(statement.root_digest()));
  }
  {
    ProgressBar bar("hashing");
    TRY(model.verify_all(bar.callback()));
  }
  if (options.json) {
    fmt::print("{}\n", verdict_json(model).dump());
  } else {
    fmt::print(
        "ok  files         every file has the digest that was signed, and no other file is "
        "there\nverified\n");
  }
  return {};
}

// ---- inspect

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Json describe(const provisioning::Envelope& envelope, const provisioning::Statement& statement) {
  Json files = Json::array();
  for (const auto& resource : statement.resources) {
    files.push_back(
        Json::object({{"name", resource.name}, {"sha256", base::to_hex(resource.digest)}}));
  }
  Json ignored = Json::array();
  for (const auto& path : statement.ignore_paths) ignored.push_back(path);
  Json json = Json::object({{"verified", false},
                            {"subject", statement.subject},
                            {"method", provisioning::method_name(envelope.method)},
                            {"key_id", envelope.hint},
                            {"root_sha256", base::to_hex(statement.root_digest())},
                            {"files", std::move(files)},
                            {"ignore_paths", std::move(ignored)}});
  if (envelope.method == SignatureMethod::kCertificate) json.set("signer", signer_text(envelope));
  return json;
}

void print_description(const provisioning::Envelope& envelope,
                       const provisioning::Statement& statement) {
  fmt::print("subject      {}\n{}{}\nroot digest  sha256:{}\nfiles        {}\n",
             Json(statement.subject).dump(),
             envelope.method == SignatureMethod::kKey ? "key id       " : "certificate  ",
             signer_text(envelope), base::to_hex(statement.root_digest()),
             statement.resources.size());
  for (const auto& resource : statement.resources) {
    fmt::print("  {}  {}\n", base::to_hex(resource.digest), Json(resource.name).dump());
  }
  fmt::print(
      "This is what the signature claims. Nothing was verified: use 'redoubt bundle verify'.\n");
}

base::Status inspect(const ModelInspectOptions& options) {
  const std::string path =
      is_directory(options.path) ? signature_path(options.path, "") : options.path;
  const std::string text = TRY(base::read_text_file(path, provisioning::kSignatureBytesMax));
  const auto envelope = TRY(provisioning::parse_envelope(text).context(path));
  const auto statement = TRY(provisioning::parse_statement(envelope.payload).context(path));
  if (options.json) {
    fmt::print("{}\n", describe(envelope, statement).dump_pretty());
  } else {
    print_description(envelope, statement);
  }
  return {};
}

}  // namespace

bool is_model_directory(const std::string& path) {
  struct stat info {};
  return is_directory(path) && ::lstat((path + "/release.dsse").c_str(), &info) != 0;
}

base::Result<std::vector<provisioning::Der>> read_certificate_chain(
    const ModelSignOptions& options) {
  std::vector<provisioning::Der> chain;
  if (options.certificate.empty()) {
    if (!options.chain.empty()) return base::invalid_input("--chain without --certificate");
    return chain;
  }
  std::vector<std::string> paths{options.certificate};
  paths.insert(paths.end(), options.chain.begin(), options.chain.end());
  for (const std::string& path : paths) {
    const std::string pem = TRY(base::read_text_file(path, provisioning::kCertificatePemBytesMax));
    for (auto& der : TRY(provisioning::parse_certificates_pem(pem, provisioning::kCertificatesMax)
                             .context(path))) {
      chain.push_back(std::move(der));
    }
  }
  return chain;
}

void declare_model_sign_options(Command& verb, ModelSignOptions& options) {
  verb.required_option("--key", options.key, "private key, PEM (redoubt keys generate)");
  verb.option("--password-file", options.password_file,
              "the private key's password: first line of this file");
  verb.option("--name", options.name, "the model's name; the directory's own when not given");
  verb.option("--certificate", options.certificate,
              "the key's certificate, PEM: sign by method certificate");
  verb.option("--chain", options.chain,
              "certificates between it and the root, PEM; may be given more than once");
  verb.option("--signature", options.signature,
              "where to write; DIRECTORY/model.sig when not given");
}

void declare_model_verify_options(Command& verb, ModelVerifyOptions& options) {
  verb.option("--key", options.keys, "a trusted public key, PEM; may be given more than once");
  verb.option("--certificate", options.certificates,
              "a trusted root certificate, PEM; may be given more than once");
  verb.option("--crl", options.crls,
              "revoked certificates, PEM; with one given, every issuer needs one");
  verb.option("--subject", options.subjects,
              "whose certificate counts, as openssl prints with -nameopt RFC2253");
  verb.option("--at", options.at,
              "when certificates must be valid: a UTC time or not-before; now when not given");
  verb.flag("--accept-empty-hint", options.accept_empty_hint,
            "take a signature that does not name its key");
  verb.option("--signature", options.signature,
              "the signature; DIRECTORY/model.sig when not given");
}

int sign_model_directory(const ModelSignOptions& options) {
  const auto status = sign(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

int verify_model_directory(const ModelVerifyOptions& options) {
  const auto status = verify(options);
  if (status.ok()) return kExitOk;
  if (options.json) {
    fmt::print("{}\n",
               Json::object({{"verified", false}, {"reason", status.error().message}}).dump());
  }
  return report_failure(status.error(), "Not verified: do not use these files.");
}

int inspect_model_directory(const ModelInspectOptions& options) {
  const auto status = inspect(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace daemon_cli
