#include "provisioning/store/about.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/json.h"
#include "provisioning/json_fields.h"
#include "provisioning/model_name.h"

namespace provisioning {
namespace {

constexpr std::string_view kPath = "about";
constexpr std::size_t kVersionBytesMax = 64;

base::Result<std::uint64_t> count_member(const base::Json& json, std::string_view key) {
  const base::Json* value = json.find(key);
  if (value == nullptr || !value->is_int() || value->as_int() < 0) {
    return base::invalid_input(fmt::format("{}.{} is not a count", kPath, key));
  }
  return static_cast<std::uint64_t>(value->as_int());
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

base::Result<std::vector<std::string>> parse_signers(const base::Json& json) {
  std::vector<std::string> signers;
  const auto& items = TRY(array_member(json, "signers", kPath))->as_array();
  if (items.size() > kSignersMax) {
    return base::exhausted(
        fmt::format("{}.signers: {}, limit {}", kPath, items.size(), kSignersMax));
  }
  for (const base::Json& item : items) {
    if (!item.is_string() || !is_digest_text(item.as_string())) {
      return base::invalid_input(fmt::format("{}.signers: not the id of a key", kPath));
    }
    signers.push_back(item.as_string());
  }
  return signers;
}

}  // namespace

bool is_digest_text(std::string_view text) {
  return text.size() == 2 * sizeof(Sha256Digest) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string serialize_about(const StoredModel& model) {
  base::Json signers = base::Json::array();
  for (const std::string& signer : model.signers) signers.push_back(signer);
  return base::Json::object({{"format", 1},
                             {"id", model.id},
                             {"bare", model.bare},
                             {"name", model.name},
                             {"sequence", model.sequence},
                             {"version", model.version},
                             {"imported", model.imported},
                             {"signers", std::move(signers)},
                             {"bytes", model.bytes},
                             {"verity", model.verity}})
             .dump() +
         "\n";
}

base::Result<StoredModel> parse_about(std::string_view text) {
  const base::Json json =
      TRY(base::Json::parse(text, {.bytes_max = kAboutBytesMax, .depth_max = 4}));
  if (!json.is_object()) return base::invalid_input("about: not an object");
  TRY(only_members(json,
                   {"format", "id", "bare", "name", "sequence", "version", "imported", "signers",
                    "bytes", "verity"},
                   kPath));
  if (TRY(count_member(json, "format")) != 1) return base::unsupported("about.format is not 1");
  StoredModel model;
  model.id = TRY(string_member(json, "id", kPath));
  if (!is_digest_text(model.id)) return base::invalid_input("about.id: not the id of a model");
  model.bare = TRY(bool_member(json, "bare", kPath));
  model.name = TRY(string_member(json, "name", kPath));
  TRY(check_model_name(model.name).context("about.name"));
  model.sequence = TRY(count_member(json, "sequence"));
  model.version = TRY(string_member(json, "version", kPath));
  if (model.version.size() > kVersionBytesMax || !is_printable(model.version)) {
    return base::invalid_input(
        fmt::format("about.version: not at most {} printable bytes", kVersionBytesMax));
  }
  model.imported = static_cast<std::int64_t>(TRY(count_member(json, "imported")));
  model.signers = TRY(parse_signers(json));
  model.bytes = TRY(count_member(json, "bytes"));
  model.verity = TRY(bool_member(json, "verity", kPath));
  return model;
}

}  // namespace provisioning
