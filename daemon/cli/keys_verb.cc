// redoubt keys generate | show | suites: the keys that sign models, releases and trust roots.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/key_files.h"
#include "daemon/cli/report.h"
#include "daemon/cli/table.h"
#include "daemon/cli/verbs.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "provisioning/ecdsa_key.h"
#include "provisioning/limits.h"
#include "provisioning/signatures/signature_key.h"

namespace daemon_cli {
namespace {

using base::Json;

constexpr std::string_view kDefaultSuite = "ecdsa-p384-sha384";

// What a key says of itself. Keys on P-256 and P-521 sign models alone and are read by another
// door.
struct KeyFacts {
  std::string suite;
  std::string id;
  std::string public_pem;
};

KeyFacts facts_of(const provisioning::VerifyKey& key) {
  return {key.suite(), key.id(), key.pem()};
}

KeyFacts facts_of(const provisioning::PublicKey& key) {
  std::string suite(kDefaultSuite);
  if (key.curve() == provisioning::Curve::kP256) suite = "ecdsa-p256-sha256";
  if (key.curve() == provisioning::Curve::kP521) suite = "ecdsa-p521-sha512";
  return {std::move(suite), key.hint(), key.pem()};
}

struct GenerateOptions {
  std::string output;
  std::string suite;
  std::string curve;
  std::string password_file;
};

base::Result<KeyFacts> write_generated(const auto& key, const auto& public_key,
                                       const GenerateOptions& options) {
  std::optional<base::Secret> password;
  if (!options.password_file.empty()) password = TRY(read_password_file(options.password_file));
  const base::Secret pem = TRY(key.serialize_pem(password ? &*password : nullptr));
  TRY(write_key_pair(options.output, pem, public_key.pem()));
  return facts_of(public_key);
}

base::Result<KeyFacts> generate_on_curve(const GenerateOptions& options) {
  const auto curve = provisioning::find_curve(options.curve);
  if (!curve)
    return base::unsupported(
        fmt::format("curve {}: P-256, P-384 and P-521 are supported", options.curve));
  const auto key = TRY(provisioning::PrivateKey::generate(*curve));
  return write_generated(key, TRY(key.public_key()), options);
}

base::Result<KeyFacts> generate_of_suite(const GenerateOptions& options) {
  const auto key = TRY(provisioning::SigningKey::generate(
      options.suite.empty() ? kDefaultSuite : std::string_view(options.suite)));
  return write_generated(key, TRY(key.verify_key()), options);
}

base::Status generate(const GenerateOptions& options) {
  const KeyFacts key =
      TRY(options.curve.empty() ? generate_of_suite(options) : generate_on_curve(options));
  fmt::print(
      "private key  {0}.key.pem  (keep it off the appliance)\n"
      "public key   {0}.pub.pem  (the appliance trusts this one)\n"
      "suite        {1}\nkey id       {2}\n",
      options.output, key.suite, key.id);
  return {};
}

int run_generate(const GenerateOptions& options) {
  if (!options.suite.empty() && !options.curve.empty()) {
    fmt::print(stderr, "redoubt: --suite and --curve say the same thing: give one\n");
    return kExitUsage;
  }
  const auto status = generate(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

struct ShowOptions {
  std::string key;
  std::string password_file;
  bool pem = false;
  bool json = false;
};

// Tries the suites of releases first, then the curves that are a model's alone. The first failure
// is the one to tell.
base::Result<KeyFacts> read_public(const std::string& text) {
  auto key = provisioning::VerifyKey::parse_pem(text);
  if (key.ok()) return facts_of(key.value());
  const auto model_key = provisioning::PublicKey::parse_pem(text);
  if (model_key.ok() && model_key.value().curve() != provisioning::Curve::kP384)
    return facts_of(model_key.value());
  return std::move(key).error();
}

base::Result<KeyFacts> read_private(const ShowOptions& options) {
  auto key = read_signing_key(options.key, options.password_file);
  if (key.ok()) return facts_of(TRY(key.value().verify_key()));
  if (key.error().code != base::ErrorCode::kUnsupported || is_token_uri(options.key))
    return std::move(key).error();
  const auto model_key = read_private_key(options.key, options.password_file);
  if (model_key.ok()) return facts_of(TRY(model_key.value().public_key()));
  return std::move(key).error();
}

base::Status show(const ShowOptions& options) {
  bool is_private = is_token_uri(options.key);
  std::string text;
  if (!is_private) {
    text = TRY(base::read_text_file(options.key, provisioning::kKeyFileBytesMax));
    is_private = text.find("PRIVATE KEY-----") != text.npos;
    if (is_private) base::wipe(std::as_writable_bytes(std::span(text)));
  }
  const KeyFacts key =
      TRY(is_private ? read_private(options) : read_public(text).context(options.key));
  const std::string_view half = is_private ? "private" : "public";
  if (options.pem) {
    fmt::print("{}", key.public_pem);
  } else if (options.json) {
    fmt::print("{}\n", Json::object({{"suite", key.suite}, {"id", key.id}, {"half", half}}).dump());
  } else {
    fmt::print("suite   {}\nkey id  {}\nhalf    {}\n", key.suite, key.id, half);
  }
  return {};
}

int run_show(const ShowOptions& options) {
  const auto status = show(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

int run_suites(bool json) {
  const auto suites = provisioning::suites_at_hand();
  Json list = Json::array();
  Table table({"SUITE", "VERIFIES", "SIGNS", "WHY NOT"});
  for (const provisioning::SuiteSupport& suite : suites) {
    list.push_back(Json::object({{"suite", suite.name},
                                 {"verifies", suite.verifies},
                                 {"signs", suite.signs},
                                 {"why", suite.why}}));
    table.add({suite.name, suite.verifies ? "yes" : "no", suite.signs ? "yes" : "no", suite.why});
  }
  fmt::print("{}", json ? list.dump() + "\n" : table.format());
  return kExitOk;
}

void add_generate(Command& keys) {
  Command& verb = keys.add("generate", "write a new key pair: PREFIX.key.pem and PREFIX.pub.pem");
  auto options = std::make_shared<GenerateOptions>();
  verb.argument("PREFIX", options->output, "where to write; existing files are never overwritten");
  verb.option("--suite", options->suite, "ecdsa-p384-sha384 (the default), ed25519 or ml-dsa-87");
  verb.option("--curve", options->curve, "a key for model.sig alone: P-256, P-384 or P-521");
  verb.option("--password-file", options->password_file,
              "encrypt the private key with the first line of this file");
  verb.runs([options] { return run_generate(*options); });
}

void add_show(Command& keys) {
  Command& verb = keys.add("show", "say which suite a key is of, and its id");
  auto options = std::make_shared<ShowOptions>();
  verb.argument("KEY", options->key,
                "a public or private key, PEM, or the pkcs11: URI of one in a token");
  verb.option("--password-file", options->password_file,
              "its first line opens an encrypted key or the token");
  verb.flag("--pem", options->pem, "print the public key instead");
  verb.flag("--json", options->json, "print JSON");
  verb.runs([options] { return run_show(*options); });
}

void add_suites(Command& keys) {
  Command& verb =
      keys.add("suites", "list the signature suites, and what this machine can do with each");
  auto json = std::make_shared<bool>(false);
  verb.flag("--json", *json, "print JSON");
  verb.runs([json] { return run_suites(*json); });
}

}  // namespace

void add_keys(Command& parent) {
  Command& keys = parent.add("keys", "make and look at the keys that sign models and releases");
  add_generate(keys);
  add_show(keys);
  add_suites(keys);
}

}  // namespace daemon_cli
