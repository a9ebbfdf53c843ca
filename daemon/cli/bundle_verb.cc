// redoubt bundle sign | verify | inspect: a model directory and its OpenSSF Model Signing signature.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/key_files.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/envelope.h"
#include "provisioning/limits.h"
#include "provisioning/model_directory.h"

namespace daemon_cli {
namespace {

using base::Json;

struct SignOptions {
  std::string directory;
  std::string key;
  std::string password_file;
  std::string name;
  std::string signature;
};

struct VerifyOptions {
  std::string directory;
  std::vector<std::string> keys;
  std::string signature;
  bool json = false;
};

struct InspectOptions {
  std::string path;
  bool json = false;
};

base::Result<base::Fd> open_directory(const std::string& path) {
  return base::open_file(path, O_RDONLY | O_DIRECTORY);
}

std::string signature_path(const std::string& directory, const std::string& given) {
  return given.empty() ? directory + "/" + std::string(provisioning::kSignatureFileName) : given;
}

// The last component of a directory's real path: what the reference tool names the subject.
std::string base_name(const std::string& directory) {
  std::error_code error;
  const auto real = std::filesystem::canonical(directory, error);
  return error ? std::string() : real.filename().string();
}

// ---- sign -----------------------------------------------------------------------------------------------

base::Status sign(const SignOptions& options) {
  const auto key = TRY(read_private_key(options.key, options.password_file));
  const base::Fd directory = TRY(open_directory(options.directory));
  const std::string subject = options.name.empty() ? base_name(options.directory) : options.name;
  ProgressBar bar("hashing");
  const auto statement = TRY(provisioning::describe_directory(directory, subject, bar.callback()));
  const auto envelope = TRY(provisioning::seal_payload(provisioning::serialize_statement(statement), key));
  const std::string path = signature_path(options.directory, options.signature);
  TRY(base::replace_file(path, provisioning::serialize_envelope(envelope) + "\n", 0644));
  fmt::print("signed {} files of {} as \"{}\"\nroot digest  sha256:{}\nkey id       {}\nsignature    {}\n",
             statement.resources.size(), options.directory, subject, base::to_hex(statement.root_digest()),
             envelope.hint, path);
  return {};
}

int run_sign(const SignOptions& options) {
  const auto status = sign(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

// ---- verify ---------------------------------------------------------------------------------------------

base::Result<provisioning::SignedModel> open_signed(const VerifyOptions& options) {
  const auto keys = TRY(read_public_keys(options.keys));
  base::Fd directory = TRY(open_directory(options.directory));
  const std::string path = signature_path(options.directory, options.signature);
  const std::string text = TRY(base::read_text_file(path, provisioning::kSignatureBytesMax));
  return provisioning::SignedModel::open(std::move(directory), text, keys);
}

// The checks in the order they are made, each said before the next begins.
base::Status verify(const VerifyOptions& options) {
  const auto model = TRY(open_signed(options));
  const auto& statement = model.statement();
  if (!options.json) {
    fmt::print("ok  signature     by key {}\n", model.signer_hint());
    fmt::print("ok  statement     \"{}\", {} files, root sha256:{}\n", statement.subject, statement.resources.size(),
               base::to_hex(statement.root_digest()));
  }
  {
    ProgressBar bar("hashing");
    TRY(model.verify_all(bar.callback()));
  }
  if (options.json) {
    const Json json = Json::object({{"verified", true},
                                    {"subject", statement.subject},
                                    {"key_id", model.signer_hint()},
                                    {"files", static_cast<std::uint64_t>(statement.resources.size())},
                                    {"root_sha256", base::to_hex(statement.root_digest())}});
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("ok  files         every file has the digest that was signed, and no other file is there\nverified\n");
  }
  return {};
}

int run_verify(const VerifyOptions& options) {
  const auto status = verify(options);
  if (status.ok()) return kExitOk;
  if (options.json) {
    fmt::print("{}\n", Json::object({{"verified", false}, {"reason", status.error().message}}).dump());
  }
  return report_failure(status.error(), "Not verified: do not use these files.");
}

// ---- inspect --------------------------------------------------------------------------------------------

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Json describe(const provisioning::Envelope& envelope, const provisioning::Statement& statement) {
  Json files = Json::array();
  for (const auto& resource : statement.resources) {
    files.push_back(Json::object({{"name", resource.name}, {"sha256", base::to_hex(resource.digest)}}));
  }
  Json ignored = Json::array();
  for (const auto& path : statement.ignore_paths) ignored.push_back(path);
  return Json::object({{"verified", false},
                       {"subject", statement.subject},
                       {"key_id", envelope.hint},
                       {"root_sha256", base::to_hex(statement.root_digest())},
                       {"files", std::move(files)},
                       {"ignore_paths", std::move(ignored)}});
}

void print_description(const provisioning::Envelope& envelope, const provisioning::Statement& statement) {
  fmt::print("subject      {}\nkey id       {}\nroot digest  sha256:{}\nfiles        {}\n",
             Json(statement.subject).dump(), Json(envelope.hint).dump(), base::to_hex(statement.root_digest()),
             statement.resources.size());
  for (const auto& resource : statement.resources) {
    fmt::print("  {}  {}\n", base::to_hex(resource.digest), Json(resource.name).dump());
  }
  fmt::print("This is what the signature claims. Nothing was verified: use 'redoubt bundle verify'.\n");
}

base::Status inspect(const InspectOptions& options) {
  const std::string path = is_directory(options.path) ? signature_path(options.path, "") : options.path;
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

int run_inspect(const InspectOptions& options) {
  const auto status = inspect(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

void add_sign(Command& bundle) {
  Command& verb = bundle.add("sign", "hash every file of a model directory and sign the list");
  auto options = std::make_shared<SignOptions>();
  verb.argument("DIRECTORY", options->directory, "the model directory");
  verb.required_option("--key", options->key, "private key, PEM (redoubt keys generate)");
  verb.option("--password-file", options->password_file, "the private key's password: first line of this file");
  verb.option("--name", options->name, "the model's name; the directory's own when not given");
  verb.option("--signature", options->signature, "where to write; DIRECTORY/model.sig when not given");
  verb.runs([options] { return run_sign(*options); });
}

void add_verify(Command& bundle) {
  Command& verb = bundle.add("verify", "check a model directory against its signature");
  auto options = std::make_shared<VerifyOptions>();
  verb.argument("DIRECTORY", options->directory, "the model directory");
  verb.option("--key", options->keys, "a trusted public key, PEM; may be given more than once");
  verb.option("--signature", options->signature, "the signature; DIRECTORY/model.sig when not given");
  verb.flag("--json", options->json, "print the verdict as JSON");
  verb.runs([options] { return run_verify(*options); });
}

void add_inspect(Command& bundle) {
  Command& verb = bundle.add("inspect", "show what a signature claims, without verifying it");
  auto options = std::make_shared<InspectOptions>();
  verb.argument("PATH", options->path, "a model directory or a signature file");
  verb.flag("--json", options->json, "print JSON");
  verb.runs([options] { return run_inspect(*options); });
}

}  // namespace

void add_bundle(Command& parent) {
  Command& bundle = parent.add("bundle", "sign, verify and inspect model directories");
  add_sign(bundle);
  add_verify(bundle);
  add_inspect(bundle);
}

}  // namespace daemon_cli
