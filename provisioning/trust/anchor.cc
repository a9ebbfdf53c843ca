#include "provisioning/trust/anchor.h"

#include <fmt/format.h>

#include <charconv>

#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "provisioning/json_fields.h"
#include "provisioning/trust/document_fields.h"
#include "provisioning/trust/tpm_anchor.h"

namespace provisioning {
namespace {

using base::Json;

constexpr std::string_view kPath = "anchor";
constexpr std::size_t kBytesMax = 4'096;
constexpr std::size_t kTctiBytesMax = 256;
constexpr std::uint32_t kOwnerFirst = 0x01800000;
constexpr std::uint32_t kOwnerLast = 0x01bfffff;

class FileAnchor final : public Anchor {
 public:
  std::string describe() const override { return "file"; }
  base::Result<std::optional<std::uint64_t>> read() override {
    return std::optional<std::uint64_t>();
  }
  base::Status advance() override { return {}; }
};

}  // namespace

std::string AnchorSettings::serialize() const {
  return Json::object({{"format", 1},
                       {"kind", "tpm2"},
                       {"nv", fmt::format("0x{:08x}", nv_index)},
                       {"tcti", tcti}})
             .dump() +
         "\n";
}

base::Result<AnchorSettings> AnchorSettings::parse(std::string_view text) {
  const Json json = TRY(
      Json::parse(text, {.bytes_max = kBytesMax, .depth_max = 2, .values_max = 8}).context(kPath));
  if (!json.is_object()) return base::invalid_input("anchor is not an object");
  TRY(only_members(json, {"format", "kind", "nv", "tcti"}, kPath));
  TRY(integer_member(json, "format", 1, 1, kPath));
  TRY(expect_string(json, "kind", "tpm2", kPath));
  AnchorSettings settings;
  settings.nv_index =
      TRY(parse_nv_index(TRY(string_member(json, "nv", kPath))).context("anchor.nv"));
  settings.tcti = TRY(text_member(json, "tcti", {1, kTctiBytesMax}, kPath));
  return settings;
}

base::Result<std::uint32_t> parse_nv_index(std::string_view text) {
  std::uint32_t index = 0;
  if (text.size() == 10 && text.starts_with("0x")) {
    const auto [end, error] =
        std::from_chars(text.data() + 2, text.data() + text.size(), index, 16);
    if (error == std::errc() && end == text.data() + text.size() && index >= kOwnerFirst &&
        index <= kOwnerLast) {
      return index;
    }
  }
  return base::invalid_input(
      fmt::format("not an NV index of 0x{:08x} to 0x{:08x}", kOwnerFirst, kOwnerLast));
}

std::unique_ptr<Anchor> make_file_anchor() {
  return std::make_unique<FileAnchor>();
}

base::Result<std::unique_ptr<Anchor>> open_anchor(const std::string& path) {
  const auto text = base::read_text_file(path, kBytesMax);
  if (!text.ok() && text.error().code == base::ErrorCode::kNotFound) return make_file_anchor();
  return make_tpm_anchor(TRY(AnchorSettings::parse(TRY(text)).context(path)));
}

}  // namespace provisioning
