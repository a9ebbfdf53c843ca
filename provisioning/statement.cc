#include "provisioning/statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "hardening/base/utf8.h"
#include "provisioning/json_fields.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";
constexpr std::string_view kPredicateType = "https://model_signing/signature/v1.0";

using base::Json;

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
  TRY(expect_string(json, "algorithm", "sha256", path));
  resource.digest = TRY(parse_digest(TRY(string_member(json, "digest", path)), path + ".digest"));
  return resource;
}

base::Result<std::vector<std::string>> parse_ignore_paths(const Json& serialization) {
  std::vector<std::string> paths;
  if (serialization.find("ignore_paths") == nullptr) return paths;
  const Json* list = TRY(array_member(serialization, "ignore_paths", "predicate.serialization"));
  for (const Json& entry : list->as_array()) {
    if (!entry.is_string()) return base::invalid_input("predicate.serialization.ignore_paths: not a string");
    paths.push_back(entry.as_string());
  }
  return paths;
}

base::Result<std::vector<std::string>> parse_serialization(const Json& predicate) {
  constexpr std::string_view kPath = "predicate.serialization";
  const Json& serialization = *TRY(object_member(predicate, "serialization", "predicate"));
  // First the method, so that a signature over shards is refused as what it is.
  TRY(expect_string(serialization, "method", "files", kPath));
  TRY(only_members(serialization, {"method", "hash_type", "allow_symlinks", "ignore_paths"}, kPath));
  TRY(expect_string(serialization, "hash_type", "sha256", kPath));
  if (TRY(bool_member(serialization, "allow_symlinks", kPath))) {
    return base::denied("predicate.serialization.allow_symlinks is true; links are not followed here");
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
  claimed_root = TRY(parse_digest(TRY(string_member(digest, "sha256", "subject[0].digest")), "subject[0].digest.sha256"));
  return {};
}

base::Status check_ignore_path(const std::string& path) {
  if (path.find_first_of("*?[") != path.npos) return base::denied("ignore path with a wildcard");
  return base::check_relative_path(path).context("ignore path");
}

Json digest_object(const Sha256Digest& digest) { return Json::object({{"sha256", base::to_hex(digest)}}); }

}  // namespace

const Resource* Statement::find(std::string_view name) const {
  const auto found =
      std::find_if(resources.begin(), resources.end(), [&](const Resource& r) { return r.name == name; });
  return found == resources.end() ? nullptr : &*found;
}

Sha256Digest Statement::root_digest() const {
  Sha256 hash;
  for (const Resource& resource : resources) hash.update(resource.digest);
  return hash.finish();
}

base::Status check_statement(const Statement& statement) {
  if (statement.subject.empty()) return base::invalid_input("the subject has no name");
  if (statement.resources.empty()) return base::denied("the signature covers no file");
  if (statement.resources.size() > kResourcesMax) {
    return base::exhausted(fmt::format("{} files, limit {}", statement.resources.size(), kResourcesMax));
  }
  if (statement.ignore_paths.size() > kIgnorePathsMax) {
    return base::exhausted(fmt::format("{} ignore paths, limit {}", statement.ignore_paths.size(), kIgnorePathsMax));
  }
  std::unordered_set<std::string_view> names;
  for (const Resource& resource : statement.resources) {
    TRY(base::check_relative_path(resource.name).context("resource name"));
    if (!base::is_utf8(resource.name)) return base::invalid_input("a resource name is not UTF-8");
    // The signature cannot cover itself; a file of its name would take its place in the store.
    if (resource.name == "model.sig") return base::denied("a resource is named model.sig");
    if (!names.insert(resource.name).second) return base::denied("a resource name stands twice");
  }
  for (const std::string& path : statement.ignore_paths) TRY(check_ignore_path(path));
  return {};
}

std::string serialize_statement(const Statement& statement) {
  Statement sorted = statement;
  std::sort(sorted.resources.begin(), sorted.resources.end(),
            [](const Resource& a, const Resource& b) { return a.name < b.name; });
  std::sort(sorted.ignore_paths.begin(), sorted.ignore_paths.end());

  Json resources = Json::array();
  for (const Resource& resource : sorted.resources) {
    resources.push_back(Json::object(
        {{"name", resource.name}, {"algorithm", "sha256"}, {"digest", base::to_hex(resource.digest)}}));
  }
  Json ignored = Json::array();
  for (const std::string& path : sorted.ignore_paths) ignored.push_back(path);
  Json subjects = Json::array();
  subjects.push_back(Json::object({{"name", sorted.subject}, {"digest", digest_object(sorted.root_digest())}}));
  Json serialization = Json::object({{"method", "files"},
                                     {"hash_type", "sha256"},
                                     {"allow_symlinks", false},
                                     {"ignore_paths", std::move(ignored)}});
  Json predicate =
      Json::object({{"serialization", std::move(serialization)}, {"resources", std::move(resources)}});
  return Json::object({{"_type", kStatementType},
                       {"subject", std::move(subjects)},
                       {"predicateType", kPredicateType},
                       {"predicate", std::move(predicate)}})
      .dump();
}

base::Result<Statement> parse_statement(std::string_view payload) {
  const Json root = TRY(Json::parse(payload, {.bytes_max = kSignatureBytesMax, .depth_max = 8}).context("statement"));
  if (!root.is_object()) return base::invalid_input("the statement is not an object");
  TRY(expect_string(root, "_type", kStatementType, "statement"));
  TRY(expect_string(root, "predicateType", kPredicateType, "statement"));
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
