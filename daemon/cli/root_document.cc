#include "daemon/cli/root_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "hardening/base/file.h"
#include "provisioning/ecdsa_key.h"
#include "provisioning/limits.h"
#include "provisioning/utc_time.h"

namespace daemon_cli {
namespace {

using provisioning::TrustKey;
using provisioning::TrustRole;
using provisioning::TrustRoot;

constexpr std::size_t kIdDigitsMin = 8;

base::Result<TrustRoot> read_root(const std::string& path) {
  const std::string text = TRY(base::read_text_file(path, provisioning::kRootBytesMax));
  return provisioning::read_trust_root(text).context(path);
}

template <typename Number>
base::Result<Number> parse_number(std::string_view text, std::string_view what) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return base::invalid_input(fmt::format("{}: not a number", what));
  }
  return number;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t found = text.find(separator);
    parts.emplace_back(text.substr(0, found));
    if (found == text.npos) return parts;
    text.remove_prefix(found + 1);
  }
}

bool is_hex(std::string_view text) {
  return text.size() >= kIdDigitsMin && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// "keys/alice.pub.pem" gives "alice".
std::string name_of_file(std::string_view path) {
  if (const std::size_t slash = path.rfind('/'); slash != path.npos) path.remove_prefix(slash + 1);
  for (const std::string_view suffix : {".pem", ".pub"}) {
    if (path.ends_with(suffix)) path.remove_suffix(suffix.size());
  }
  return std::string(path);
}

// ---- keys

// A key that the root knows, by the first digits of its id; null when none or several begin so.
TrustKey* find_by_prefix(TrustRoot& root, std::string_view prefix) {
  TrustKey* found = nullptr;
  for (TrustKey& key : root.keys) {
    if (!key.id.starts_with(prefix)) continue;
    if (found != nullptr) return nullptr;
    found = &key;
  }
  return found;
}

base::Result<TrustKey> read_key(const std::string& path) {
  const std::string text = TRY(base::read_text_file(path, provisioning::kKeyFileBytesMax));
  auto key = provisioning::VerifyKey::parse_pem(text);
  if (key.ok())
    return TrustKey{key.value().id(), key.value().suite(), name_of_file(path), key.value().pem()};
  const auto model_key = provisioning::PublicKey::parse_pem(text);
  if (!model_key.ok() || model_key.value().curve() == provisioning::Curve::kP384) {
    return std::move(key).context(path).error();
  }
  const bool p256 = model_key.value().curve() == provisioning::Curve::kP256;
  return TrustKey{model_key.value().hint(), p256 ? "ecdsa-p256-sha256" : "ecdsa-p521-sha512",
                  name_of_file(path), model_key.value().pem()};
}

// The id of the key in a file, or of one the root knows already; from now on the root knows it.
base::Result<std::string> take_key(TrustRoot& root, const std::string& text) {
  if (is_hex(text)) {
    const TrustKey* known = find_by_prefix(root, text);
    if (known == nullptr)
      return base::not_found(
          fmt::format("{}: not the beginning of one key id of the root before", text));
    return known->id;
  }
  TrustKey key = TRY(read_key(text));
  std::string id = key.id;
  if (root.find(id) == nullptr) root.keys.push_back(std::move(key));
  return id;
}

base::Result<TrustRole> make_role(TrustRoot& root, const std::vector<std::string>& groups,
                                  std::string_view option) {
  TrustRole role;
  for (const std::string& text : groups) {
    const std::size_t colon = text.find(':');
    if (colon == text.npos)
      return base::invalid_input(fmt::format("{} {}: not \"2:a.pub.pem,b.pub.pem\"", option, text));
    provisioning::TrustGroup group;
    group.threshold =
        TRY(parse_number<std::size_t>(std::string_view(text).substr(0, colon), option));
    for (const std::string& key : split(std::string_view(text).substr(colon + 1), ',')) {
      group.key_ids.push_back(TRY(take_key(root, key).context(option)));
    }
    role.groups.push_back(std::move(group));
  }
  return role;
}

std::set<std::string> used_keys(const TrustRoot& root) {
  std::set<std::string> used(root.model.key_ids.begin(), root.model.key_ids.end());
  for (const TrustRole* role : {&root.root, &root.release, root.time ? &*root.time : &root.root}) {
    for (const auto& group : role->groups) used.insert(group.key_ids.begin(), group.key_ids.end());
  }
  return used;
}

// ---- one part of the document after the other

base::Status change_roles(const RootChanges& changes, TrustRoot& root) {
  if (!changes.root.empty()) root.root = TRY(make_role(root, changes.root, "--root"));
  if (!changes.release.empty()) root.release = TRY(make_role(root, changes.release, "--release"));
  if (!changes.time.empty()) root.time = TRY(make_role(root, changes.time, "--time"));
  return {};
}

base::Status read_pem_files(const std::vector<std::string>& paths,
                            std::vector<std::string>& texts) {
  if (paths.empty()) return {};
  texts.clear();
  for (const std::string& path : paths) {
    texts.push_back(TRY(base::read_text_file(path, provisioning::kRootBytesMax)));
  }
  return {};
}

base::Status change_model(const RootChanges& changes, TrustRoot& root) {
  provisioning::ModelTrust& model = root.model;
  if (!changes.model_keys.empty()) model.key_ids.clear();
  for (const std::string& key : changes.model_keys) {
    model.key_ids.push_back(TRY(take_key(root, key).context("--model-key")));
  }
  TRY(read_pem_files(changes.model_certificates, model.certificates)
          .context("--model-certificate"));
  TRY(read_pem_files(changes.model_crls, model.crls).context("--model-crl"));
  if (!changes.model_subjects.empty()) model.subjects = changes.model_subjects;
  if (changes.allow_bare && changes.refuse_bare)
    return base::invalid_input("--allow-bare and --refuse-bare");
  if (changes.allow_bare) model.bare = true;
  if (changes.refuse_bare) model.bare = false;
  if (changes.signature_optional) model.require_signature = false;
  return {};
}

base::Status revoke(const RootChanges& changes, TrustRoot& root) {
  for (const std::string& text : changes.revoke_keys) {
    const TrustKey* known = is_hex(text) ? find_by_prefix(root, text) : nullptr;
    if (known == nullptr && text.size() != 64) {
      return base::not_found(
          fmt::format("--revoke-key {}: not the beginning of one key id of the root before", text));
    }
    root.revoked_keys.insert(known == nullptr ? text : known->id);
  }
  root.revoked_releases.insert(changes.revoke_releases.begin(), changes.revoke_releases.end());
  return {};
}

// NAME=VALUE, at the first "=".
base::Result<std::pair<std::string, std::string>> parse_pair(const std::string& text,
                                                             std::string_view option) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos)
    return base::invalid_input(fmt::format("{} {}: there is no \"=\" in it", option, text));
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

base::Status set_floors_and_names(const RootChanges& changes, TrustRoot& root) {
  root.sequence_floors.clear();
  for (const std::string& text : changes.floors) {
    const auto [name, number] = TRY(parse_pair(text, "--floor"));
    root.sequence_floors[name] = TRY(parse_number<std::uint64_t>(number, "--floor " + name));
  }
  for (const std::string& text : changes.names) {
    const auto [id, name] = TRY(parse_pair(text, "--rename"));
    TrustKey* key = is_hex(id) ? find_by_prefix(root, id) : nullptr;
    if (key == nullptr)
      return base::not_found(fmt::format("--rename {}: not the beginning of one key id", id));
    key->name = name;
  }
  return {};
}

base::Status set_times_and_policy(const RootChanges& changes, std::int64_t now, TrustRoot& root) {
  root.issued = now;
  if (changes.expires == "never") {
    root.expires.reset();
  } else if (!changes.expires.empty()) {
    root.expires = TRY(provisioning::parse_utc_time(changes.expires).context("--expires"));
  }
  if (!changes.site.empty()) root.site = changes.site;
  if (!changes.suites.empty()) root.suites = changes.suites;
  if (changes.warn_expired) root.refuse_expired = false;
  return {};
}

// A role that nobody can satisfy any more would be found out too late.
base::Status check_reach(const TrustRoot& root, const TrustRole& role, std::string_view name) {
  for (const auto& group : role.groups) {
    const auto left =
        std::count_if(group.key_ids.begin(), group.key_ids.end(),
                      [&](const std::string& id) { return !root.revoked_keys.contains(id); });
    if (static_cast<std::size_t>(left) < group.threshold) {
      return base::invalid_input(fmt::format(
          "role {}: a group of threshold {} has {} keys that are not revoked; give it others "
          "with --{}",
          name, group.threshold, left, name));
    }
  }
  return {};
}

}  // namespace

base::Result<TrustRoot> make_root_document(const RootChanges& changes, std::int64_t now) {
  TrustRoot root;
  if (!changes.from.empty()) root = TRY(read_root(changes.from));
  root.version = changes.version != 0 ? changes.version : root.version + 1;
  TRY(set_times_and_policy(changes, now, root));
  TRY(change_roles(changes, root));
  TRY(change_model(changes, root));
  TRY(revoke(changes, root));
  TRY(set_floors_and_names(changes, root));
  const auto used = used_keys(root);
  std::erase_if(root.keys, [&](const TrustKey& key) { return !used.contains(key.id); });
  TRY(check_reach(root, root.root, "root"));
  TRY(check_reach(root, root.release, "release"));
  if (root.time) TRY(check_reach(root, *root.time, "time"));
  return root;
}

}  // namespace daemon_cli
