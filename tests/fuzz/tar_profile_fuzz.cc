// A bundle's archive from anywhere: what passes is the encoding of what was read, and a header's
// parse is its only one.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "provisioning/container/archive_source.h"
#include "provisioning/container/tar_profile.h"

namespace {

class Bytes final : public provisioning::StoredBytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes.begin(), bytes.end()) {}
  std::uint64_t size() const override { return bytes_.size(); }
  base::Status read_at(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
      return base::denied("it ends");
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  base::Status check_unchanged() override { return {}; }

 private:
  std::vector<std::byte> bytes_;
};

// The member that a header at `at` announces, where there is one.
base::Result<provisioning::TarMember> member_at(std::span<const std::byte> bytes, std::size_t& at) {
  using namespace provisioning;
  if (bytes.size() - at < kTarBlockBytes) return base::denied("it ends");
  const std::size_t header = tar_header_bytes(bytes.subspan(at).first<kTarBlockBytes>());
  if (bytes.size() - at < header) return base::denied("it ends");
  auto member = parse_tar_header(bytes.subspan(at, header));
  if (!member.ok()) return member;
  const std::string again = encode_tar_header(member.value().name, member.value().size);
  if (again.size() != header || std::memcmp(again.data(), bytes.data() + at, header) != 0)
    std::abort();
  at += header;
  return member;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  // The files that the archive itself announces are asked for, as the statement of a signer who
  // meant them would.
  std::vector<provisioning::ReleaseFile> files;
  for (std::size_t at = 0; files.size() < 16;) {
    auto member = member_at(bytes, at);
    if (!member.ok() || member.value().size > bytes.size() - at) break;
    const std::uint64_t step = member.value().size + provisioning::tar_padding(member.value().size);
    files.push_back({.name = member.value().name, .size = member.value().size});
    if (step > bytes.size() - at) break;
    at += static_cast<std::size_t>(step);
  }
  const auto source = provisioning::make_archive_source(std::make_unique<Bytes>(bytes));
  if (!source->read_release().ok() || !source->read_signature().ok()) return 0;
  for (std::size_t i = 2; i < files.size(); ++i) {
    if (!source->begin_file(files[i], 0).ok()) return 0;
    std::vector<std::byte> piece(512);
    std::uint64_t got_bytes = 0;
    for (;;) {
      const auto got = source->read(piece);
      if (!got.ok()) return 0;
      if (got.value() == 0) break;
      got_bytes += got.value();
    }
    if (got_bytes != files[i].size) std::abort();
  }
  if (source->finish().ok() && size % provisioning::kTarBlockBytes != 0) std::abort();
  return 0;
}
