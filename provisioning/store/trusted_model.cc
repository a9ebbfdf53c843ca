#include "provisioning/store/trusted_model.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <utility>

#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

constexpr std::string_view kModelPrefix = "model/";

static_assert(PiecedFile::kPieceBytes == kChunkBytes);

SignatureTrust by_keys(std::span<const PublicKey> keys) {
  SignatureTrust trust;
  trust.keys = keys;
  return trust;
}

// O_NONBLOCK: a FIFO that somebody put there must not keep us waiting.
base::Result<base::Fd> open_object(const base::Fd& objects, const std::string& name) {
  auto file = base::open_beneath(objects, name, O_RDONLY | O_NONBLOCK);
  if (!file.ok() && file.error().code == base::ErrorCode::kNotFound) {
    return base::corrupt(fmt::format("object {} is missing from the store", name));
  }
  return file;
}

// Of a size that the release has already said, so that a longer file is not read.
base::Result<std::string> read_digests(const base::Fd& objects, const ReleaseFile& file) {
  const base::Fd from = TRY(open_object(objects, base::to_hex(file.sha256) + ".chunks"));
  return base::read_text(from, PiecedFile::digests_bytes(file.size))
      .context("digests of its pieces");
}

}  // namespace

TrustedModel TrustedModel::adopt(SignedModel bare, base::Fd objects) {
  TrustedModel model;
  model.bare_ = std::move(bare);
  model.objects_ = std::move(objects);
  model.digest_ = base::to_hex(model.bare_->statement().root_digest());
  model.signers_ = {model.bare_->signer().id};
  return model;
}

base::Result<TrustedModel> TrustedModel::open_directory(base::Fd directory,
                                                        std::span<const PublicKey> trusted) {
  return open_directory(std::move(directory), by_keys(trusted));
}

base::Result<TrustedModel> TrustedModel::open_directory(base::Fd directory,
                                                        std::string_view signature_text,
                                                        std::span<const PublicKey> trusted) {
  return adopt(TRY(SignedModel::open(std::move(directory), signature_text, by_keys(trusted))),
               base::Fd());
}

base::Result<TrustedModel> TrustedModel::open_directory(base::Fd directory,
                                                        const SignatureTrust& trust) {
  const base::Fd file =
      TRY(base::open_beneath(directory, kSignatureFileName, O_RDONLY | O_NONBLOCK));
  const std::string text =
      TRY(base::read_text(file, kSignatureBytesMax).context(kSignatureFileName));
  return adopt(TRY(SignedModel::open(std::move(directory), text, trust)), base::Fd());
}

base::Result<TrustedModel> TrustedModel::open_bare(base::Fd objects,
                                                   std::string_view signature_text,
                                                   std::span<const PublicKey> trusted) {
  return open_bare(std::move(objects), signature_text, by_keys(trusted));
}

base::Result<TrustedModel> TrustedModel::open_bare(base::Fd objects,
                                                   std::string_view signature_text,
                                                   const SignatureTrust& trust) {
  return adopt(TRY(SignedModel::open(base::Fd(), signature_text, trust)), std::move(objects));
}

base::Result<TrustedModel> TrustedModel::open_release(base::Fd objects,
                                                      std::string_view envelope_text,
                                                      const TrustRoot& root) {
  TrustedModel model;
  model.release_ = TRY(provisioning::open_release(envelope_text, root));
  model.objects_ = std::move(objects);
  model.digest_ = model.release_->id;
  model.signers_ = model.release_->signers;
  return model;
}

const std::string& TrustedModel::digest() const {
  return digest_;
}

const std::vector<std::string>& TrustedModel::signers() const {
  return signers_;
}

const Release* TrustedModel::release() const {
  return release_ ? &release_->release : nullptr;
}

std::vector<std::string> TrustedModel::model_files() const {
  std::vector<std::string> names;
  if (!release_) {
    for (const Resource& resource : bare_->statement().resources) names.push_back(resource.name);
    return names;
  }
  for (const ReleaseFile& file : release_->release.files) {
    if (file.name.starts_with(kModelPrefix)) names.push_back(file.name.substr(kModelPrefix.size()));
  }
  return names;
}

base::Result<const ReleaseFile*> TrustedModel::released_file(std::string_view name) const {
  const Release& release = release_->release;
  if (const ReleaseFile* file = release.find(name)) return file;
  if (const ReleaseFile* file = release.find(std::string(kModelPrefix) + std::string(name)))
    return file;
  return base::denied(fmt::format("{} is not covered by the release", name));
}

base::Result<base::VerifiedFile> TrustedModel::read(std::string_view name, unsigned threads,
                                                    const FileVerifier::Progress& progress) const {
  if (!release_) return read_bare(name, progress);
  return read_released(*TRY(released_file(name)), threads, progress);
}

base::Result<base::VerifiedFile> TrustedModel::read_released(
    const ReleaseFile& file, unsigned threads, const FileVerifier::Progress& progress) const {
  const std::string digests = TRY(read_digests(objects_, file).context(file.name));
  const base::Fd object = TRY(open_object(objects_, base::to_hex(file.sha256)).context(file.name));
  const PiecedFile pieced{file.size, file.sha256, file.chunks, std::as_bytes(std::span(digests))};
  return FileVerifier::read_pieces(object, file.name, pieced, threads, progress);
}

base::Result<base::VerifiedFile> TrustedModel::read_bare(
    std::string_view name, const FileVerifier::Progress& progress) const {
  if (!objects_.is_open()) return bare_->read(name, progress);
  const Resource* resource = bare_->statement().find(name);
  if (resource == nullptr)
    return base::denied(fmt::format("{} is not covered by the signature", name));
  const base::Fd object = TRY(open_object(objects_, base::to_hex(resource->digest)).context(name));
  return FileVerifier::read(object, resource->name, resource->digest, progress);
}

base::Result<base::VerifiedWeights> TrustedModel::inherit(std::string_view name,
                                                          base::Fd weights) const {
  if (!release_) return bare_->inherit(name, std::move(weights));
  return FileVerifier::inherit(std::move(weights), TRY(released_file(name))->sha256);
}

}  // namespace provisioning
