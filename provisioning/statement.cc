#include "provisioning/statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/file_names.h"
#include "provisioning/json_fields.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";
constexpr std::string_view kPredicateType = "https://model_signing/signature/v1.0";

constexpr std::size_t kSubjectBytesMax = 1024;

using base::Json;

// Formats that came before v1.0 and are still to be met are named; ours is the only one that is
// read.
base::Status check_predicate_type(const Json& root) {
  const std::string type = TRY(string_member(root, "predicateType", "statement"));
  if (type == kPredicateType) return {};
  if (type.starts_with("https://model_signing/Digests/") ||
      type.starts_with("https://model_signing/signature/v0")) {
    return base::unsupported(fmt::format(
        "statement.predicateType is {}, of model signing before 1.0: have the model signed again",
        quoted(type)));
  }
  return base::unsupported(
      fmt::format("statement.predicateType is not \"{}\" but {}", kPredicateType, quoted(type)));
}

// What the format knows and we do not take, each with the reason.
base::Status check_algorithm(const Json& object, std::string_view key, std::string_view path) {
  const std::string name = TRY(string_member(object, key, path));
  if (name == "sha256") return {};
  const bool known = name == "blake2b" || name == "blake3";
  return base::unsupported(
      fmt::format("{}.{} is {}; {}", path, key, quoted(name),
                  known ? "digests are SHA-256 here, which is what the format requires of all"
                        : "only \"sha256\" is read"));
}

base::Status check_method(const Json& serialization, std::string_view path) {
  const std::string method = TRY(string_member(serialization, "method", path));
  if (method == "files") return {};
  return base::unsupported(
      fmt::format("{}.method is {}; {}", path, quoted(method),
                  method == "shards" ? "digests are of whole files here: sign with method files"
                                     : "only \"files\" is read"));
}

base::Result<Sha256Digest> parse_digest(const std::string& text, std::string_view path) {
  const auto bytes = TRY(base::from_hex(text).context(path));
  Sha256Digest digest{};
  if (bytes.size() != digest.size()) {
    return base::invalid_input(fmt::format("{}: {} hexadecimal digits, not 64", path, text.size()));
  }
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

base::Result<Resource> parse_resource(const Json& json, std::size_t index) {
  const std::string path = fmt::format("predicate.resources[{}]", index);
  if (!json.is_object()) return base::invalid_input(path + " is not an object");
  Resource resource;
  resource.name = TRY(string_member(json, "name", path));
  TRY(check_algorithm(json, "algorithm", path));
  resource.digest = TRY(parse_digest(TRY(string_member(json, "digest", path)), path + ".digest"));
  return resource;
}

base::Result<std::vector<std::string>> parse_ignore_paths(const Json& serialization) {
  std::vector<std::string> paths;
  if (serialization.find("ignore_paths") == nullptr) return paths;
  const Json* list = TRY(array_member(serialization, "ignore_paths", "predicate.serialization"));
  for (const Json& entry : list->as_array()) {
    if (!entry.is_string())
      return base::invalid_input("predicate.serialization.ignore_paths: not a string");
    paths.push_back(entry.as_string());
  }
  return paths;
}

base::Result<std::vector<std::string>> parse_serialization(const Json& predicate) {
  constexpr std::string_view kPath = "predicate.serialization";
  const Json& serialization = *TRY(object_member(predicate, "serialization", "predicate"));
  // First the method, so that a signature over shards is refused as what it is.
  TRY(check_method(serialization, kPath));
  TRY(only_members(serialization, {"method", "hash_type", "allow_symlinks", "ignore_paths"},
                   kPath));
  TRY(check_algorithm(serialization, "hash_type", kPath));
  if (TRY(bool_member(serialization, "allow_symlinks", kPath))) {
    return base::denied(
        "predicate.serialization.allow_symlinks is true; links are not followed here");
  }
  return parse_ignore_paths(serialization);
}

// The one subject: its name, and the root digest it claims.
base::Status parse_subject(const Json& root, Statement& statement, Sha256Digest& claimed_root) {
  const Json& subjects = *TRY(array_member(root, "subject", "statement"));
  if (subjects.as_array().size() != 1 || !subjects.as_array()[0].is_object()) {
    return base::invalid_input("statement.subject does not hold exactly one object");
  }
  const Json& subject = subjects.as_array()[0];
  TRY(only_members(subject, {"name", "digest"}, "subject[0]"));
  statement.subject = TRY(string_member(subject, "name", "subject[0]"));
  const Json& digest = *TRY(object_member(subject, "digest", "subject[0]"));
  claimed_root = TRY(parse_digest(TRY(string_member(digest, "sha256", "subject[0].digest")),
                                  "subject[0].digest.sha256"));
  return {};
}

base::Status check_ignore_path(const std::string& path) {
  TRY(base::check_relative_path(path));
  TRY(check_shown_text(path));
  if (path.find_first_of("*?[\\") != path.npos) return base::denied("a wildcard or a backslash");
  return {};
}

// A file that is signed and ignored at once would be covered or not as the reader likes.
base::Status check_not_ignored(std::string_view name,
                               const std::unordered_set<std::string_view>& ignored) {
  for (std::size_t slash = 0; slash != name.npos;) {
    slash = name.find('/', slash + 1);
    if (ignored.contains(name.substr(0, slash))) {
      return base::denied(fmt::format("resource {} lies at an ignored path", quoted(name)));
    }
  }
  return {};
}

base::Status check_resource_name(std::string_view name) {
  if (name == ".") {
    return base::denied(
        "the signature is over a single file (a resource named \".\"): sign the directory it is "
        "in");
  }
  return check_file_name(name).context("resource name");
}

base::Status check_subject(std::string_view subject) {
  if (subject.empty()) return base::invalid_input("the subject has no name");
  if (subject.size() > kSubjectBytesMax) {
    return base::exhausted(
        fmt::format("the subject's name has {} bytes, limit {}", subject.size(), kSubjectBytesMax));
  }
  return check_shown_text(subject).context("the subject's name");
}

Json digest_object(const Sha256Digest& digest) {
  return Json::object({{"sha256", base::to_hex(digest)}});
}

}  // namespace

const Resource* Statement::find(std::string_view name) const {
  const auto found = std::find_if(resources.begin(), resources.end(),
                                  [&](const Resource& r) { return r.name == name; });
  return found == resources.end() ? nullptr : &*found;
}

Sha256Digest Statement::root_digest() const {
  Sha256 hash;
  for (const Resource& resource : resources) hash.update(resource.digest);
  return hash.finish();
}

base::Status check_statement(const Statement& statement) {
  TRY(check_subject(statement.subject));
  if (statement.resources.empty()) return base::denied("the signature covers no file");
  if (statement.resources.size() > kResourcesMax) {
    return base::exhausted(
        fmt::format("{} files, limit {}", statement.resources.size(), kResourcesMax));
  }
  if (statement.ignore_paths.size() > kIgnorePathsMax) {
    return base::exhausted(
        fmt::format("{} ignore paths, limit {}", statement.ignore_paths.size(), kIgnorePathsMax));
  }
  std::unordered_set<std::string_view> ignored;
  for (const std::string& path : statement.ignore_paths) {
    TRY(check_ignore_path(path).context("ignore path"));
    ignored.insert(path);
  }
  std::vector<std::string_view> names;
  for (const Resource& resource : statement.resources) {
    TRY(check_resource_name(resource.name));
    TRY(check_not_ignored(resource.name, ignored));
    names.push_back(resource.name);
  }
  return check_distinct_names(names).context("resource name");
}

std::string serialize_statement(const Statement& statement) {
  Statement sorted = statement;
  std::sort(sorted.resources.begin(), sorted.resources.end(),
            [](const Resource& a, const Resource& b) { return a.name < b.name; });
  std::sort(sorted.ignore_paths.begin(), sorted.ignore_paths.end());

  Json resources = Json::array();
  for (const Resource& resource : sorted.resources) {
    resources.push_back(Json::object({{"name", resource.name},
                                      {"algorithm", "sha256"},
                                      {"digest", base::to_hex(resource.digest)}}));
  }
  Json ignored = Json::array();
  for (const std::string& path : sorted.ignore_paths) ignored.push_back(path);
  Json subjects = Json::array();
  subjects.push_back(
      Json::object({{"name", sorted.subject}, {"digest", digest_object(sorted.root_digest())}}));
  Json serialization = Json::object({{"method", "files"},
                                     {"hash_type", "sha256"},
                                     {"allow_symlinks", false},
                                     {"ignore_paths", std::move(ignored)}});
  Json predicate = Json::object(
      {{"serialization", std::move(serialization)}, {"resources", std::move(resources)}});
  return Json::object({{"_type", kStatementType},
                       {"subject", std::move(subjects)},
                       {"predicateType", kPredicateType},
                       {"predicate", std::move(predicate)}})
      .dump();
}

base::Result<Statement> parse_statement(std::string_view payload) {
  const Json root = TRY(
      Json::parse(payload, {.bytes_max = kSignatureBytesMax, .depth_max = 8}).context("statement"));
  if (!root.is_object()) return base::invalid_input("the statement is not an object");
  TRY(expect_string(root, "_type", kStatementType, "statement"));
  TRY(check_predicate_type(root));
  TRY(only_members(root, {"_type", "subject", "predicateType", "predicate"}, "statement"));

  Statement statement;
  Sha256Digest claimed_root{};
  TRY(parse_subject(root, statement, claimed_root));
  const Json& predicate = *TRY(object_member(root, "predicate", "statement"));
  TRY(only_members(predicate, {"serialization", "resources"}, "predicate"));
  statement.ignore_paths = TRY(parse_serialization(predicate));
  const Json& resources = *TRY(array_member(predicate, "resources", "predicate"));
  for (const Json& entry : resources.as_array()) {
    statement.resources.push_back(TRY(parse_resource(entry, statement.resources.size())));
  }
  TRY(check_statement(statement));
  if (statement.root_digest() != claimed_root) {
    return base::denied("subject[0].digest is not the root of the resources");
  }
  return statement;
}

}  // namespace provisioning
