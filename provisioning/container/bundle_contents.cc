#include "provisioning/container/bundle_contents.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "hardening/base/hex.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/multi_hash.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

// Which of the three digests differs, so that a report can be compared with other tools'.
base::Error wrong_digest(const ReleaseFile& file, const FileDigests& found) {
  if (found.sha256 != file.sha256) {
    return base::denied(fmt::format("{}: sha256 is {}, the release says {}", file.name,
                                    base::to_hex(found.sha256), base::to_hex(file.sha256)));
  }
  if (found.sha384 != file.sha384) {
    return base::denied(fmt::format("{}: sha384 is {}, the release says {}", file.name,
                                    base::to_hex(found.sha384), base::to_hex(file.sha384)));
  }
  return base::denied(fmt::format("{}: the digest of its 4 MiB pieces is {}, the release says {}",
                                  file.name, base::to_hex(found.chunks_digest),
                                  base::to_hex(file.chunks)));
}

WantedText* find_wanted(std::span<WantedText> wanted, const std::string& name) {
  const auto found = std::find_if(wanted.begin(), wanted.end(),
                                  [&](const WantedText& text) { return text.name == name; });
  return found == wanted.end() ? nullptr : &*found;
}

}  // namespace

base::Result<BundleClaims> parse_claims(std::string release_text) {
  BundleClaims claims;
  claims.envelope =
      TRY(parse_dsse(release_text, kReleasePayloadType, kReleaseBytesMax).context(kReleaseEntry));
  claims.release = TRY(parse_release(claims.envelope.payload).context(kReleaseEntry));
  claims.id = release_id(claims.envelope.payload);
  claims.release_text = std::move(release_text);
  return claims;
}

base::Result<BundleClaims> read_claims(BundleSource& source) {
  BundleClaims claims = TRY(parse_claims(TRY(source.read_release())));
  claims.signature_text = TRY(source.read_signature());
  return claims;
}

base::Status check_files(BundleSource& source, const Release& release, std::span<WantedText> wanted,
                         const FileVerifier::Progress& progress) {
  std::vector<std::byte> buffer(kCopyBytes);
  const std::uint64_t total = release.total_bytes();
  std::uint64_t done = 0;
  for (const ReleaseFile& file : release.files) {
    TRY(source.begin_file(file, 0));
    WantedText* const text = find_wanted(wanted, file.name);
    if (text != nullptr && file.size > text->bytes_max) {
      return base::exhausted(
          fmt::format("{} has {} bytes, limit {}", file.name, file.size, text->bytes_max));
    }
    MultiHash hash;
    for (;;) {
      const std::size_t got = TRY(source.read(buffer));
      if (got == 0) break;
      hash.update(std::span(buffer).first(got));
      if (text != nullptr) text->text.append(reinterpret_cast<const char*>(buffer.data()), got);
      done += got;
      if (progress) progress(done, total);
    }
    const FileDigests digests = hash.finish();
    if (!digests.match(file)) return wrong_digest(file, digests);
  }
  return source.finish();
}

}  // namespace provisioning
