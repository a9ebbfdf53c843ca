#include "provisioning/container/sbom.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/json_fields.h"
#include "provisioning/utc_time.h"

namespace provisioning {
namespace {

using base::Json;

constexpr std::string_view kSpecVersion = "1.6";
constexpr std::size_t kNestingMax = 8;  // components within components

bool is_model_file(const ReleaseFile& file) {
  return file.name.starts_with(kModelPrefix);
}

// A UUID of version 8 (RFC 9562, section 5.8) out of what the release consists of: the same content
// has the same serial number.
std::string serial_number(const Release& release) {
  Sha256 hash;
  hash.update(fmt::format("{}\n{}\n{}\n", release.name, release.sequence,
                          base::to_hex(release.model_root)));
  for (const ReleaseFile& file : release.files) {
    if (file.name != kSbomEntry)
      hash.update(fmt::format("{} {}\n", base::to_hex(file.sha256), file.name));
  }
  auto bytes = hash.finish();
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x80};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  const std::string hex = base::to_hex(std::span(bytes).first(16));
  return fmt::format("urn:uuid:{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4),
                     hex.substr(12, 4), hex.substr(16, 4), hex.substr(20));
}

Json describe_file(const ReleaseFile& file) {
  Json hashes = Json::array();
  hashes.push_back(Json::object({{"alg", "SHA-256"}, {"content", base::to_hex(file.sha256)}}));
  hashes.push_back(Json::object({{"alg", "SHA-384"}, {"content", base::to_hex(file.sha384)}}));
  return Json::object({{"type", "file"},
                       {"bom-ref", file.name},
                       {"name", file.name},
                       {"hashes", std::move(hashes)}});
}

Json model_card(const std::vector<SbomMetric>& metrics) {
  Json text = Json::array();
  text.push_back(Json::object({{"format", "text"}}));
  Json card = Json::object(
      {{"modelParameters",
        Json::object({{"task", "text-generation"}, {"inputs", text}, {"outputs", text}})}});
  if (metrics.empty()) return card;
  Json list = Json::array();
  for (const SbomMetric& metric : metrics) {
    list.push_back(Json::object(
        {{"type", metric.kind}, {"value", ">= " + metric.minimum}, {"slice", metric.set}}));
  }
  card.set("quantitativeAnalysis", Json::object({{"performanceMetrics", std::move(list)}}));
  return card;
}

Json describe_model(const Release& release, const std::vector<SbomMetric>& metrics) {
  Json licenses = Json::array();
  licenses.push_back(Json::object({{"expression", release.license}}));
  Json properties = Json::array();
  properties.push_back(
      Json::object({{"name", "redoubt:sequence"}, {"value", fmt::format("{}", release.sequence)}}));
  properties.push_back(
      Json::object({{"name", "redoubt:model_root"}, {"value", base::to_hex(release.model_root)}}));
  return Json::object(
      {{"type", "machine-learning-model"},
       {"bom-ref", release.name},
       {"name", release.name},
       {"version", release.version.empty() ? fmt::format("{}", release.sequence) : release.version},
       {"licenses", std::move(licenses)},
       {"modelCard", model_card(metrics)},
       {"properties", std::move(properties)}});
}

base::Result<Sha256Digest> sha256_of(const Json& component) {
  const Json* const hashes = component.find("hashes");
  std::optional<Sha256Digest> found;
  if (hashes != nullptr && hashes->is_array()) {
    for (const Json& hash : hashes->as_array()) {
      if (!hash.is_object()) return base::invalid_input("hashes holds something else than objects");
      const std::string algorithm = TRY(string_member(hash, "alg", "hashes"));
      if (algorithm != "SHA-256") continue;
      const std::string content = TRY(string_member(hash, "content", "hashes"));
      const auto bytes = TRY(base::from_hex(content));
      if (bytes.size() != 32 || found)
        return base::invalid_input("a SHA-256 has another length, or stands there twice");
      found.emplace();
      std::copy(bytes.begin(), bytes.end(), found->begin());
    }
  }
  if (!found) return base::denied("has no SHA-256");
  return *found;
}

class FileComponents {
 public:
  base::Status collect(const Json& component, std::size_t level) {
    if (!component.is_object()) return base::invalid_input("a component is not an object");
    if (level > kNestingMax)
      return base::exhausted(fmt::format("components nested deeper than {}", kNestingMax));
    const std::string type = TRY(string_member(component, "type", "component"));
    if (type == "file") {
      const std::string name = TRY(string_member(component, "name", "component"));
      const auto digest = TRY(sha256_of(component).context("file " + Json(name).dump()));
      if (!digests.emplace(name, digest).second) {
        return base::denied(fmt::format("file {} stands there twice", Json(name).dump()));
      }
    }
    return collect_all(component, level + 1);
  }

  base::Status collect_all(const Json& parent, std::size_t level) {
    const Json* const list = parent.find("components");
    if (list == nullptr) return {};
    if (!list->is_array()) return base::invalid_input("components is not an array");
    for (const Json& component : list->as_array()) TRY(collect(component, level));
    return {};
  }

  std::map<std::string, Sha256Digest> digests;
};

base::Status compare(const std::map<std::string, Sha256Digest>& digests, const Release& release) {
  std::size_t matched = 0;
  for (const ReleaseFile& file : release.files) {
    if (!is_model_file(file)) continue;
    const auto found = digests.find(file.name);
    if (found == digests.end()) return base::denied("has no component for the file " + file.name);
    if (found->second != file.sha256) {
      return base::denied(fmt::format("says that {} has the SHA-256 {}; the release says {}",
                                      file.name, base::to_hex(found->second),
                                      base::to_hex(file.sha256)));
    }
    ++matched;
  }
  if (matched == digests.size()) return {};
  for (const auto& [name, digest] : digests) {
    const ReleaseFile* const file = release.find(name);
    if (file == nullptr || !is_model_file(*file)) {
      return base::denied(
          fmt::format("names a file that is not part of the model: {}", Json(name).dump()));
    }
  }
  return {};
}

}  // namespace

std::string make_sbom(const Release& release, const std::vector<SbomMetric>& metrics) {
  Json files = Json::array();
  for (const ReleaseFile& file : release.files) {
    if (is_model_file(file)) files.push_back(describe_file(file));
  }
  return Json::object(
             {{"bomFormat", "CycloneDX"},
              {"specVersion", kSpecVersion},
              {"serialNumber", serial_number(release)},
              {"version", 1},
              {"metadata", Json::object({{"timestamp", format_utc_time(release.issued)},
                                         {"component", describe_model(release, metrics)}})},
              {"components", std::move(files)}})
             .dump_pretty() +
         "\n";
}

base::Status check_sbom(std::string_view text, const Release& release) {
  const auto check = [&]() -> base::Status {
    const Json json = TRY(Json::parse(text, {.bytes_max = kSbomBytesMax}));
    if (!json.is_object()) return base::invalid_input("is not an object");
    TRY(expect_string(json, "bomFormat", "CycloneDX", "sbom"));
    TRY(expect_string(json, "specVersion", kSpecVersion, "sbom"));
    FileComponents files;
    if (const Json* const metadata = json.find("metadata");
        metadata != nullptr && metadata->is_object()) {
      if (const Json* const component = metadata->find("component"); component != nullptr) {
        TRY(files.collect(*component, 1));
      }
    }
    TRY(files.collect_all(json, 1));
    return compare(files.digests, release);
  };
  return check().context(kSbomEntry);
}

}  // namespace provisioning
