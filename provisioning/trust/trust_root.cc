#include "provisioning/trust/trust_root.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/ecdsa_key.h"
#include "provisioning/json_fields.h"
#include "provisioning/limits.h"
#include "provisioning/sha256.h"
#include "provisioning/trust/document_fields.h"
#include "provisioning/utc_time.h"

namespace provisioning {
namespace {

using base::Json;

constexpr std::string_view kType = "redoubt-root";
constexpr std::size_t kGroupsMax = 16;
constexpr std::size_t kCertificatesMax = 64;
constexpr std::size_t kSubjectsMax = 256;
constexpr std::size_t kSubjectBytesMax = 512;
constexpr std::size_t kCrlsMax = 64;
constexpr std::size_t kRevokedMax = 4'096;
constexpr std::size_t kSuitesMax = 64;
constexpr std::size_t kShortNameBytesMax = 64;  // of a site, a product, a suite
constexpr std::size_t kKeyNameBytesMax = 128;
constexpr base::JsonLimits kLimits{
    .bytes_max = kRootBytesMax, .depth_max = 6, .values_max = 20'000};

// ---- keys

std::string_view model_suite(Curve curve) {
  switch (curve) {
    case Curve::kP256:
      return "ecdsa-p256-sha256";
    case Curve::kP384:
      return "ecdsa-p384-sha384";
    case Curve::kP521:
      return "ecdsa-p521-sha512";
  }
  return {};
}

// A key of such a suite that does not parse is a bad key; one of any other suite may be a key of
// days to come.
bool is_known_suite(std::string_view suite) {
  constexpr std::array<std::string_view, 5> kKnown{"ecdsa-p256-sha256", "ecdsa-p384-sha384",
                                                   "ecdsa-p521-sha512", "ed25519", "ml-dsa-87"};
  return std::find(kKnown.begin(), kKnown.end(), suite) != kKnown.end() ||
         suite.starts_with("lms-") || suite.starts_with("hss");
}

struct KeyIdentity {
  std::string suite;
  std::string id;
  std::string pem;
};

// What the key itself says it is. A key of a suite that this build has never heard of says nothing:
// it stays as it stands in the document and counts for nothing, so that a root for newer appliances
// does not lock out older ones.
base::Result<KeyIdentity> identify_key(const TrustKey& key) {
  auto known = VerifyKey::parse_pem(key.pem);
  if (known.ok())
    return KeyIdentity{known.value().suite(), known.value().id(), known.value().pem()};
  if (known.error().code != base::ErrorCode::kUnsupported) return std::move(known).error();
  const auto model_key = PublicKey::parse_pem(key.pem);
  if (model_key.ok() && model_key.value().curve() != Curve::kP384) {
    return KeyIdentity{std::string(model_suite(model_key.value().curve())),
                       model_key.value().hint(), model_key.value().pem()};
  }
  if (model_key.ok() || is_known_suite(key.suite) ||
      !key.pem.starts_with("-----BEGIN PUBLIC KEY-----\n")) {
    return std::move(known).error();
  }
  return KeyIdentity{key.suite, base::to_hex(sha256(key.pem)), key.pem};
}

base::Status check_identity(TrustKey& key, const std::string& path) {
  KeyIdentity identity = TRY(identify_key(key).context(path + ".public"));
  if (identity.suite != key.suite) {
    return base::denied(
        fmt::format("{}.suite is {}, and the key is of suite {}", path, key.suite, identity.suite));
  }
  if (identity.id != key.id)
    return base::denied(fmt::format("{}.id is {}, and the key's is {}", path, key.id, identity.id));
  key.pem = std::move(identity.pem);
  return {};
}

base::Result<TrustKey> parse_key(const Json& json, const std::string& path) {
  if (!json.is_object()) return base::invalid_input(path + " is not an object");
  TRY(only_members(json, {"id", "suite", "name", "public"}, path));
  TrustKey key;
  key.id = TRY(string_member(json, "id", path));
  if (!is_id(key.id))
    return base::invalid_input(path + ".id is not 64 lower-case hexadecimal digits");
  key.suite = TRY(name_member(json, "suite", {1, kShortNameBytesMax}, path));
  key.name = TRY(text_member(json, "name", {0, kKeyNameBytesMax}, path));
  key.pem = TRY(string_member(json, "public", path));
  if (key.pem.size() > kKeyFileBytesMax) {
    return base::exhausted(
        fmt::format("{}.public has {} bytes, limit {}", path, key.pem.size(), kKeyFileBytesMax));
  }
  TRY(check_identity(key, path));
  return key;
}

base::Status parse_keys(const Json& document, TrustRoot& root) {
  const auto& list = TRY(array_member(document, "keys", kType))->as_array();
  if (list.empty()) return base::invalid_input(fmt::format("{}.keys is empty", kType));
  if (list.size() > kRootKeysMax) {
    return base::exhausted(
        fmt::format("{}.keys has {} entries, limit {}", kType, list.size(), kRootKeysMax));
  }
  for (const Json& entry : list) {
    auto key = TRY(parse_key(entry, fmt::format("{}.keys[{}]", kType, root.keys.size())));
    if (root.find(key.id) != nullptr)
      return base::invalid_input(fmt::format("{}.keys has {} twice", kType, key.id));
    root.keys.push_back(std::move(key));
  }
  return {};
}

// ---- roles

bool signs_documents(const TrustKey& key) {
  return key.suite != model_suite(Curve::kP256) && key.suite != model_suite(Curve::kP521);
}

base::Result<TrustGroup> parse_group(const Json& json, const TrustRoot& root,
                                     const std::string& path) {
  if (!json.is_object()) return base::invalid_input(path + " is not an object");
  TRY(only_members(json, {"threshold", "keys"}, path));
  TrustGroup group;
  group.key_ids = TRY(ids_member(json, "keys", kRootKeysMax, path));
  if (group.key_ids.empty()) return base::invalid_input(path + ".keys is empty");
  group.threshold = TRY(integer_member(json, "threshold", 1, group.key_ids.size(), path));
  for (const std::string& id : group.key_ids) {
    const TrustKey* key = root.find(id);
    if (key == nullptr)
      return base::invalid_input(fmt::format("{}.keys: {} is not among the keys", path, id));
    if (!signs_documents(*key)) {
      return base::invalid_input(fmt::format(
          "{}.keys: {} is of suite {}, which counts for model.sig alone", path, id, key->suite));
    }
  }
  return group;
}

base::Result<TrustRole> parse_role(const Json& roles, std::string_view name,
                                   const TrustRoot& root) {
  const std::string path = fmt::format("{}.roles.{}", kType, name);
  const Json& json = *TRY(object_member(roles, name, fmt::format("{}.roles", kType)));
  TRY(only_members(json, {"groups"}, path));
  const auto& groups = TRY(array_member(json, "groups", path))->as_array();
  if (groups.empty()) return base::invalid_input(path + ".groups is empty");
  if (groups.size() > kGroupsMax) {
    return base::exhausted(
        fmt::format("{}.groups has {} entries, limit {}", path, groups.size(), kGroupsMax));
  }
  TrustRole role;
  std::set<std::string> seen;  // over all groups: one key cannot hold up two sides of a hybrid
  for (const Json& entry : groups) {
    auto group =
        TRY(parse_group(entry, root, fmt::format("{}.groups[{}]", path, role.groups.size())));
    for (const std::string& id : group.key_ids) {
      if (!seen.insert(id).second)
        return base::invalid_input(fmt::format("{}: {} is in two groups", path, id));
    }
    role.groups.push_back(std::move(group));
  }
  return role;
}

base::Status parse_roles(const Json& document, TrustRoot& root) {
  const Json& roles = *TRY(object_member(document, "roles", kType));
  TRY(only_members(roles, {"root", "release", "time"}, fmt::format("{}.roles", kType)));
  root.root = TRY(parse_role(roles, "root", root));
  root.release = TRY(parse_role(roles, "release", root));
  if (roles.find("time") != nullptr) root.time = TRY(parse_role(roles, "time", root));
  return {};
}

// ---- everything else

// Only that it is one: what is in it is judged by who uses it.
base::Result<std::vector<std::string>> parse_pem_texts(const Json& model, std::string_view key,
                                                       std::string_view label,
                                                       std::size_t count_max,
                                                       std::string_view path) {
  auto texts = TRY(strings_member(model, key, count_max, path));
  for (const std::string& text : texts) {
    if (!text.starts_with(fmt::format("-----BEGIN {}-----\n", label))) {
      return base::invalid_input(fmt::format("{}.{}: not a PEM {}", path, key, label));
    }
  }
  return texts;
}

base::Status parse_model(const Json& document, TrustRoot& root) {
  const std::string path = fmt::format("{}.model", kType);
  const Json& json = *TRY(object_member(document, "model", kType));
  TRY(only_members(
      json, {"keys", "certificates", "subjects", "time", "crls", "require_signature", "bare"},
      path));
  ModelTrust& model = root.model;
  model.key_ids = TRY(ids_member(json, "keys", kRootKeysMax, path));
  for (const std::string& id : model.key_ids) {
    const TrustKey* key = root.find(id);
    if (key == nullptr)
      return base::invalid_input(fmt::format("{}.keys: {} is not among the keys", path, id));
    if (!PublicKey::parse_pem(key->pem).ok()) {
      return base::invalid_input(fmt::format(
          "{}.keys: {} is of suite {}, and model.sig knows ECDSA alone", path, id, key->suite));
    }
  }
  model.certificates =
      TRY(parse_pem_texts(json, "certificates", "CERTIFICATE", kCertificatesMax, path));
  model.crls = TRY(parse_pem_texts(json, "crls", "X509 CRL", kCrlsMax, path));
  model.subjects = TRY(strings_member(json, "subjects", kSubjectsMax, path));
  for (const std::string& subject : model.subjects) {
    if (subject.empty() || subject.size() > kSubjectBytesMax) {
      return base::invalid_input(
          fmt::format("{}.subjects: not 1 to {} bytes", path, kSubjectBytesMax));
    }
  }
  model.time = TRY(string_member(json, "time", path));
  if (model.time != "floor" && model.time != "not-before") {
    return base::invalid_input(path + ".time is neither \"floor\" nor \"not-before\"");
  }
  model.require_signature = TRY(bool_member(json, "require_signature", path));
  model.bare = TRY(bool_member(json, "bare", path));
  return {};
}

base::Status parse_revoked(const Json& document, TrustRoot& root) {
  const std::string path = fmt::format("{}.revoked", kType);
  const Json& revoked = *TRY(object_member(document, "revoked", kType));
  TRY(only_members(revoked, {"keys", "releases"}, path));
  for (std::string& id : TRY(ids_member(revoked, "keys", kRevokedMax, path)))
    root.revoked_keys.insert(std::move(id));
  for (std::string& id : TRY(ids_member(revoked, "releases", kRevokedMax, path))) {
    root.revoked_releases.insert(std::move(id));
  }
  return {};
}

base::Status parse_sequence_floors(const Json& document, TrustRoot& root) {
  const std::string path = fmt::format("{}.sequence_floors", kType);
  const Json& floors = *TRY(object_member(document, "sequence_floors", kType));
  for (const auto& [name, value] : floors.as_object()) {
    if (!is_name(name, 128)) return base::invalid_input(path + ": not the name of a release");
    root.sequence_floors[name] = TRY(integer_member(floors, name, 1, kIntegerMax, path));
  }
  return {};
}

base::Status parse_policy(const Json& document, TrustRoot& root) {
  const std::string path = fmt::format("{}.policy", kType);
  const Json& policy = *TRY(object_member(document, "policy", kType));
  TRY(only_members(policy, {"expired", "suites"}, path));
  const std::string expired = TRY(string_member(policy, "expired", path));
  if (expired != "refuse" && expired != "warn")
    return base::invalid_input(path + ".expired is neither \"refuse\" nor \"warn\"");
  root.refuse_expired = expired == "refuse";
  root.suites = TRY(strings_member(policy, "suites", kSuitesMax, path));
  for (const std::string& suite : root.suites) {
    if (!is_name(suite, kShortNameBytesMax))
      return base::invalid_input(path + ".suites: not the name of a suite");
  }
  return {};
}

// ---- writing

Json to_json(const TrustRole& role) {
  Json groups = Json::array();
  for (const TrustGroup& group : role.groups) {
    groups.push_back(Json::object({{"threshold", static_cast<std::uint64_t>(group.threshold)},
                                   {"keys", string_array(group.key_ids)}}));
  }
  return Json::object({{"groups", std::move(groups)}});
}

Json to_json(const ModelTrust& model) {
  return Json::object({{"keys", string_array(model.key_ids)},
                       {"certificates", string_array(model.certificates)},
                       {"subjects", string_array(model.subjects)},
                       {"time", model.time},
                       {"crls", string_array(model.crls)},
                       {"require_signature", model.require_signature},
                       {"bare", model.bare}});
}

Json to_json(const std::set<std::string>& ids) {
  return string_array({ids.begin(), ids.end()});
}

Json keys_to_json(const TrustRoot& root) {
  Json keys = Json::array();
  for (const TrustKey& key : root.keys) {
    keys.push_back(Json::object(
        {{"id", key.id}, {"suite", key.suite}, {"name", key.name}, {"public", key.pem}}));
  }
  return keys;
}

Json to_json(const TrustRoot& root) {
  Json json = Json::object({{"type", kType},
                            {"format", 1},
                            {"version", root.version},
                            {"issued", format_utc_time(root.issued)}});
  if (root.expires) json.set("expires", format_utc_time(*root.expires));
  json.set("product", root.product);
  json.set("site", root.site);
  json.set("keys", keys_to_json(root));
  Json roles = Json::object({{"root", to_json(root.root)}, {"release", to_json(root.release)}});
  if (root.time) roles.set("time", to_json(*root.time));
  json.set("roles", std::move(roles));
  json.set("model", to_json(root.model));
  json.set("revoked", Json::object({{"keys", to_json(root.revoked_keys)},
                                    {"releases", to_json(root.revoked_releases)}}));
  Json floors = Json::object();
  for (const auto& [name, sequence] : root.sequence_floors) floors.set(name, sequence);
  json.set("sequence_floors", std::move(floors));
  json.set("policy", Json::object({{"expired", root.refuse_expired ? "refuse" : "warn"},
                                   {"suites", string_array(root.suites)}}));
  return json;
}

bool can_be_written(std::int64_t time) {
  return time >= 0 && time <= kUtcTimeMax;
}

}  // namespace

const TrustKey* TrustRoot::find(std::string_view id) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const TrustKey& key) { return key.id == id; });
  return found == keys.end() ? nullptr : &*found;
}

base::Result<TrustRoot> parse_trust_root(std::string_view payload) {
  const Json document = TRY(parse_document(payload, kType, kLimits));
  TRY(only_members(document,
                   {"type", "format", "version", "issued", "expires", "product", "site", "keys",
                    "roles", "model", "revoked", "sequence_floors", "policy"},
                   kType));
  TrustRoot root;
  root.version = TRY(integer_member(document, "version", 1, kIntegerMax, kType));
  root.issued = TRY(time_member(document, "issued", kType));
  root.expires = TRY(optional_time_member(document, "expires", kType));
  root.product = TRY(name_member(document, "product", {1, kShortNameBytesMax}, kType));
  root.site = TRY(name_member(document, "site", {0, kShortNameBytesMax}, kType));
  TRY(parse_keys(document, root));
  TRY(parse_roles(document, root));
  TRY(parse_model(document, root));
  TRY(parse_revoked(document, root));
  TRY(parse_sequence_floors(document, root));
  TRY(parse_policy(document, root));
  return root;
}

base::Result<std::string> serialize_trust_root(const TrustRoot& root) {
  if (!can_be_written(root.issued) || !can_be_written(root.expires.value_or(0))) {
    return base::invalid_input("a trust root with a time outside 1970 to 9999");
  }
  std::string payload = to_json(root).dump();
  // The reader knows every rule: what it would refuse is not written.
  if (auto parsed = parse_trust_root(payload); !parsed.ok())
    return base::invalid_input(parsed.error().message);
  return payload;
}

}  // namespace provisioning
