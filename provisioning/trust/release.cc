#include "provisioning/trust/release.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/json_fields.h"
#include "provisioning/limits.h"
#include "provisioning/trust/bundle_names.h"
#include "provisioning/trust/document_fields.h"
#include "provisioning/trust/product_version.h"
#include "provisioning/utc_time.h"

namespace provisioning {
namespace {

using base::Json;

constexpr std::string_view kType = "redoubt-release";
constexpr std::uint64_t kTotalBytesMax = std::uint64_t{16} << 40;
constexpr std::size_t kSitesMax = 1'000;
constexpr std::size_t kBackendsMax = 16;
constexpr std::size_t kEvaluationsMax = 64;
constexpr TextLimits kNameLimits{1, 128};
constexpr std::size_t kShortNameBytesMax = 64;  // of a site, a product, a backend
// Five values a file and its object, and room for everything else.
constexpr base::JsonLimits kLimits{
    .bytes_max = kReleaseBytesMax, .depth_max = 8, .values_max = kReleaseFilesMax * 6 + 2'000};

// Distinct names; a list says nothing twice.
base::Result<std::vector<std::string>> parse_names(const Json& object, std::string_view key,
                                                   std::size_t count_max, std::string_view path) {
  auto names = TRY(strings_member(object, key, count_max, path));
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!is_name(name, kShortNameBytesMax)) {
      return base::invalid_input(
          fmt::format("{}.{}: not a name of 1 to {} letters, digits, \".\", \"-\" and \"_\"", path,
                      key, kShortNameBytesMax));
    }
    if (!seen.insert(name).second)
      return base::invalid_input(fmt::format("{}.{} has {} twice", path, key, name));
  }
  return names;
}

base::Result<ReleaseFile> parse_file(const Json& json, const std::string& path) {
  if (!json.is_object()) return base::invalid_input(path + " is not an object");
  TRY(only_members(json, {"name", "size", "sha256", "sha384", "chunks"}, path));
  ReleaseFile file;
  file.name = TRY(string_member(json, "name", path));
  TRY(check_bundle_name(file.name).context(path + ".name"));
  file.size = TRY(integer_member(json, "size", 0, kFileBytesMax, path));
  TRY(digest_member(json, "sha256", file.sha256, path));
  TRY(digest_member(json, "sha384", file.sha384, path));
  TRY(digest_member(json, "chunks", file.chunks, path));
  return file;
}

base::Result<std::vector<ReleaseFile>> parse_files(const Json& document) {
  const auto& list = TRY(array_member(document, "files", kType))->as_array();
  if (list.size() > kReleaseFilesMax) {
    return base::exhausted(
        fmt::format("{}.files has {} entries, limit {}", kType, list.size(), kReleaseFilesMax));
  }
  std::vector<ReleaseFile> files;
  files.reserve(list.size());
  for (const Json& entry : list) {
    files.push_back(TRY(parse_file(entry, fmt::format("{}.files[{}]", kType, files.size()))));
  }
  return files;
}

// What holds among the files: distinct, in order, together not too large, and a model among them.
base::Status check_files(const Release& release) {
  BundleNames names;
  std::uint64_t total = 0;
  bool has_model = false;
  const ReleaseFile* former = nullptr;
  for (const ReleaseFile& file : release.files) {
    TRY(names.add(file.name).context(fmt::format("{}.files", kType)));
    if (former != nullptr && former->name >= file.name) {
      return base::invalid_input(
          fmt::format("{}.files: {} stands behind {}", kType, file.name, former->name));
    }
    total += file.size;  // 20,000 files of 4 TiB do not overflow
    has_model = has_model || file.name.starts_with("model/");
    former = &file;
  }
  if (!has_model) return base::invalid_input(fmt::format("{}.files has none below model/", kType));
  if (total > kTotalBytesMax) {
    return base::exhausted(
        fmt::format("{}.files has {} bytes in all, limit {}", kType, total, kTotalBytesMax));
  }
  if (model_root_of(release.files) != release.model_root) {
    return base::denied(
        fmt::format("{}.model_root is not the root of the files below model/", kType));
  }
  return {};
}

base::Status check_qualify_name(const Release& release, const std::string& name,
                                std::string_view member) {
  if (name.starts_with("qualify/") && release.find(name) != nullptr) return {};
  return base::invalid_input(
      fmt::format("{}.qualify.{} names what is not a file below qualify/", kType, member));
}

base::Status parse_qualify(const Json& document, Release& release) {
  const std::string path = fmt::format("{}.qualify", kType);
  const Json& qualify = *TRY(object_member(document, "qualify", kType));
  TRY(only_members(qualify, {"golden", "evaluations"}, path));
  release.golden = TRY(string_member(qualify, "golden", path));
  if (!release.golden.empty()) TRY(check_qualify_name(release, release.golden, "golden"));
  release.evaluations = TRY(strings_member(qualify, "evaluations", kEvaluationsMax, path));
  std::set<std::string_view> seen;
  for (const std::string& name : release.evaluations) {
    TRY(check_qualify_name(release, name, "evaluations"));
    if (!seen.insert(name).second)
      return base::invalid_input(fmt::format("{}.evaluations has {} twice", path, name));
  }
  return {};
}

base::Status parse_hardware(const Json& document, Release& release) {
  const std::string path = fmt::format("{}.hardware", kType);
  const Json& hardware = *TRY(object_member(document, "hardware", kType));
  TRY(only_members(hardware, {"backends", "memory_bytes_min"}, path));
  release.backends = TRY(parse_names(hardware, "backends", kBackendsMax, path));
  if (release.backends.empty()) return base::invalid_input(path + ".backends is empty");
  release.memory_bytes_min =
      TRY(integer_member(hardware, "memory_bytes_min", 0, kIntegerMax, path));
  return {};
}

base::Status parse_product(const Json& document, Release& release) {
  release.product = TRY(name_member(document, "product", {1, kShortNameBytesMax}, kType));
  release.product_min = TRY(string_member(document, "product_min", kType));
  TRY(parse_product_version(release.product_min).context(fmt::format("{}.product_min", kType)));
  release.sites = TRY(parse_names(document, "sites", kSitesMax, kType));
  return {};
}

Json to_json(const ReleaseFile& file) {
  return Json::object({{"name", file.name},
                       {"size", file.size},
                       {"sha256", base::to_hex(file.sha256)},
                       {"sha384", base::to_hex(file.sha384)},
                       {"chunks", base::to_hex(file.chunks)}});
}

Json to_json(const Release& release) {
  Json json = Json::object({{"type", kType},
                            {"format", 1},
                            {"name", release.name},
                            {"sequence", release.sequence},
                            {"version", release.version},
                            {"issued", format_utc_time(release.issued)}});
  if (release.expires) json.set("expires", format_utc_time(*release.expires));
  json.set("product", release.product);
  json.set("product_min", release.product_min);
  json.set("sites", string_array(release.sites));
  json.set("hardware", Json::object({{"backends", string_array(release.backends)},
                                     {"memory_bytes_min", release.memory_bytes_min}}));
  json.set("license", release.license);
  json.set("model_root", base::to_hex(release.model_root));
  Json files = Json::array();
  for (const ReleaseFile& file : release.files) files.push_back(to_json(file));
  json.set("files", std::move(files));
  json.set("qualify", Json::object({{"golden", release.golden},
                                    {"evaluations", string_array(release.evaluations)}}));
  return json;
}

bool can_be_written(std::int64_t time) {
  return time >= 0 && time <= kUtcTimeMax;
}

}  // namespace

const ReleaseFile* Release::find(std::string_view file) const {
  const auto found =
      std::lower_bound(files.begin(), files.end(), file,
                       [](const ReleaseFile& f, std::string_view text) { return f.name < text; });
  return found != files.end() && found->name == file ? &*found : nullptr;
}

std::uint64_t Release::total_bytes() const {
  std::uint64_t total = 0;
  for (const ReleaseFile& file : files) total += file.size;
  return total;
}

base::Result<Release> parse_release(std::string_view payload) {
  const Json document = TRY(parse_document(payload, kType, kLimits));
  TRY(only_members(
      document,
      {"type", "format", "name", "sequence", "version", "issued", "expires", "product",
       "product_min", "sites", "hardware", "license", "model_root", "files", "qualify"},
      kType));
  Release release;
  release.name = TRY(name_member(document, "name", kNameLimits, kType));
  release.sequence = TRY(integer_member(document, "sequence", 1, kIntegerMax, kType));
  release.version = TRY(text_member(document, "version", {0, 64}, kType));
  release.issued = TRY(time_member(document, "issued", kType));
  release.expires = TRY(optional_time_member(document, "expires", kType));
  TRY(parse_product(document, release));
  TRY(parse_hardware(document, release));
  release.license = TRY(text_member(document, "license", {1, 256}, kType));
  TRY(digest_member(document, "model_root", release.model_root, kType));
  release.files = TRY(parse_files(document));
  TRY(check_files(release));
  TRY(parse_qualify(document, release));
  return release;
}

base::Result<std::string> serialize_release(const Release& release) {
  if (!can_be_written(release.issued) || !can_be_written(release.expires.value_or(0))) {
    return base::invalid_input("a release with a time outside 1970 to 9999");
  }
  std::string payload = to_json(release).dump();
  // The reader knows every rule: what it would refuse is not written.
  if (auto parsed = parse_release(payload); !parsed.ok())
    return base::invalid_input(parsed.error().message);
  return payload;
}

std::string release_id(std::string_view payload) {
  return base::to_hex(sha256(payload));
}

Sha256Digest model_root_of(const std::vector<ReleaseFile>& files) {
  Sha256 hash;
  for (const ReleaseFile& file : files) {
    if (file.name.starts_with("model/")) hash.update(file.sha256);
  }
  return hash.finish();
}

}  // namespace provisioning
