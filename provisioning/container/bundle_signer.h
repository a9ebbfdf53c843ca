// Adds signatures to a bundle where it lies. What is signed never changes: of an archive only the
// bytes behind the statement are written, over the padding; a directory's or a statement's file is
// replaced by one rename.
#ifndef PROVISIONING_CONTAINER_BUNDLE_SIGNER_H_
#define PROVISIONING_CONTAINER_BUNDLE_SIGNER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "provisioning/certificate.h"
#include "provisioning/container/bundle_contents.h"
#include "provisioning/signatures/signature_key.h"

namespace provisioning {

class SignableBundle {
 public:
  enum class Form : std::uint8_t { kArchive, kDirectory, kStatement };

  // An .rdb, a directory, or a release.dsse alone. Parts are put together first.
  static base::Result<SignableBundle> open(const std::string& path);

  Form form() const { return form_; }
  const BundleClaims& claims() const { return claims_; }

  // Signs the statement, in the key's name, replacing what it signed before. Durable before this
  // returns. kExhausted, and nothing changed, when there is no room for it.
  base::Status sign(const SigningKey& key);
  // Takes over the signatures that others made of the same statement; how many are new.
  base::Result<std::size_t> merge(std::string_view other_release_text);
  // Writes model.sig. Not for a statement alone.
  base::Status sign_model(const SigningKey& key, std::vector<Der> certificates);

 private:
  struct Room {
    std::uint64_t at = 0;
    std::size_t bytes = 0;
  };

  SignableBundle() = default;
  base::Status open_archive();
  base::Status open_directory();
  base::Status replace(std::string_view entry, const Room& room, std::string_view old_text,
                       std::string_view text);
  base::Status write_release(const Dsse& envelope);

  Form form_ = Form::kStatement;
  std::string path_;
  base::Fd file_;  // of an archive
  Room release_room_;
  Room signature_room_;
  BundleClaims claims_;
};

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_BUNDLE_SIGNER_H_
