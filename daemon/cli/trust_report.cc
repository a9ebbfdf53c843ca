#include "daemon/cli/trust_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/cli/table.h"
#include "provisioning/utc_time.h"

namespace daemon_cli {
namespace {

using base::Json;
using provisioning::format_utc_time;
using provisioning::TrustKey;
using provisioning::TrustRole;
using provisioning::TrustRoot;

bool has(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool has_part_in(const TrustRole& role, const std::string& id) {
  return std::any_of(role.groups.begin(), role.groups.end(),
                     [&](const auto& group) { return has(group.key_ids, id); });
}

std::vector<std::string> roles_of(const TrustRoot& root, const std::string& id) {
  std::vector<std::string> roles;
  if (has_part_in(root.root, id)) roles.emplace_back("root");
  if (has_part_in(root.release, id)) roles.emplace_back("release");
  if (root.time && has_part_in(*root.time, id)) roles.emplace_back("time");
  if (has(root.model.key_ids, id)) roles.emplace_back("model");
  return roles;
}

// "yes", or why a signature of that key counts for nothing here.
std::string standing(const TrustRoot& root, const TrustKey& key) {
  if (root.revoked_keys.contains(key.id)) return "revoked";
  if (!root.suites.empty() && !has(root.suites, key.suite)) return "suite not allowed by policy";
  if (key.suite == "ecdsa-p256-sha256" || key.suite == "ecdsa-p521-sha512")
    return "yes, model.sig alone";
  const auto parsed = provisioning::VerifyKey::parse_pem(key.pem);
  if (!parsed.ok()) return "suite not in this build";
  // A signature of one byte is never good; what matters is whether the suite could tell.
  const auto status = parsed.value().verify({}, std::vector<std::byte>(1));
  const bool cannot_tell = !status.ok() && status.error().code == base::ErrorCode::kUnsupported;
  return cannot_tell ? "suite not in this build" : "yes";
}

std::string format_role(const TrustRole& role) {
  std::string text;
  for (const auto& group : role.groups) {
    text += fmt::format("{}{} of {}", text.empty() ? "" : " and ", group.threshold,
                        group.key_ids.size());
  }
  return text.empty() ? "nobody" : text;
}

Json to_json(const TrustRole& role) {
  Json groups = Json::array();
  for (const auto& group : role.groups) {
    Json keys = Json::array();
    for (const std::string& id : group.key_ids) keys.push_back(id);
    groups.push_back(Json::object(
        {{"threshold", static_cast<std::uint64_t>(group.threshold)}, {"keys", std::move(keys)}}));
  }
  return groups;
}

template <typename Texts>
Json to_array(const Texts& texts) {
  Json array = Json::array();
  for (const std::string& text : texts) array.push_back(text);
  return array;
}

Json keys_to_json(const TrustRoot& root) {
  Json keys = Json::array();
  for (const TrustKey& key : root.keys) {
    keys.push_back(Json::object({{"id", key.id},
                                 {"name", key.name},
                                 {"suite", key.suite},
                                 {"roles", to_array(roles_of(root, key.id))},
                                 {"counts", standing(root, key)}}));
  }
  return keys;
}

}  // namespace

std::string format_root(const TrustRoot& root) {
  std::string text = fmt::format(
      "version      {}\nsite         {}\nissued       {}\nexpires      {}\nroot         "
      "{}\nrelease      {}\ntime         {}\n",
      root.version, root.site.empty() ? "(none)" : root.site, format_utc_time(root.issued),
      root.expires ? format_utc_time(*root.expires) : "never", format_role(root.root),
      format_role(root.release), root.time ? format_role(*root.time) : "nobody");
  text += fmt::format(
      "model.sig    {}; by release keys of suite ecdsa-p384-sha384, {} other keys, {} "
      "certificates\nbare models  {}\nexpired      {}\n",
      root.model.require_signature ? "required" : "optional", root.model.key_ids.size(),
      root.model.certificates.size(), root.model.bare ? "taken" : "refused",
      root.refuse_expired ? "refused" : "taken with a warning");
  if (!root.suites.empty()) text += fmt::format("suites       {}\n", fmt::join(root.suites, ", "));
  for (const std::string& id : root.revoked_keys) text += fmt::format("revoked      key {}\n", id);
  for (const std::string& id : root.revoked_releases)
    text += fmt::format("revoked      release {}\n", id);
  for (const auto& [name, sequence] : root.sequence_floors)
    text += fmt::format("sets floor   {} {}\n", name, sequence);
  Table table({"KEY ID", "NAME", "SUITE", "ROLES", "COUNTS"});
  for (const TrustKey& key : root.keys) {
    table.add({key.id, key.name, key.suite,
               fmt::format("{}", fmt::join(roles_of(root, key.id), " ")), standing(root, key)});
  }
  return text + "\n" + table.format();
}

std::string format_floors(const provisioning::Floors& floors, const std::string& anchor,
                          std::int64_t now) {
  std::string text =
      fmt::format("it is at least {}{}\nfloors kept by {}\n", format_utc_time(floors.time),
                  now < floors.time ? "  (the clock is behind: set it)" : "", anchor);
  if (floors.lines.empty()) return text;
  Table table({"NAME", "SEQUENCE", "RELEASE"});
  for (const auto& [name, line] : floors.lines) {
    table.add({name, std::to_string(line.sequence),
               line.release_id.empty() ? "(set by the trust root)" : line.release_id});
  }
  return text + "\n" + table.format();
}

Json root_to_json(const TrustRoot& root) {
  Json json = Json::object(
      {{"version", root.version},
       {"site", root.site},
       {"issued", format_utc_time(root.issued)},
       {"expires", root.expires ? Json(format_utc_time(*root.expires)) : Json()},
       {"keys", keys_to_json(root)},
       {"roles", Json::object({{"root", to_json(root.root)},
                               {"release", to_json(root.release)},
                               {"time", root.time ? to_json(*root.time) : Json::array()}})}});
  json.set(
      "model",
      Json::object({{"require_signature", root.model.require_signature},
                    {"bare", root.model.bare},
                    {"certificates", static_cast<std::uint64_t>(root.model.certificates.size())}}));
  json.set("revoked", Json::object({{"keys", to_array(root.revoked_keys)},
                                    {"releases", to_array(root.revoked_releases)}}));
  json.set("refuse_expired", root.refuse_expired);
  json.set("suites", to_array(root.suites));
  return json;
}

Json floors_to_json(const provisioning::Floors& floors, const std::string& anchor) {
  Json lines = Json::array();
  for (const auto& [name, line] : floors.lines) {
    lines.push_back(
        Json::object({{"name", name}, {"sequence", line.sequence}, {"release", line.release_id}}));
  }
  return Json::object({{"time", format_utc_time(floors.time)},
                       {"generation", floors.generation},
                       {"anchor", anchor},
                       {"lines", std::move(lines)}});
}

}  // namespace daemon_cli
