#include "provisioning/container/bundle_maker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>

#include "hardening/base/file.h"
#include "provisioning/container/bundle_writer.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/model_signature.h"
#include "provisioning/container/multi_hash.h"
#include "provisioning/limits.h"
#include "provisioning/model_directory.h"
#include "provisioning/signatures/dsse.h"

namespace provisioning {
namespace {

// What version control keeps beside a model, at the top level: no part of it, as in a model
// signature.
const std::string kLeftOut[] = {".git", ".gitattributes", ".github", ".gitignore",
                                std::string(kSignatureEntry)};

std::string last_component(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// Where each file of the bundle comes from, and the release as far as it is known.
class Plan {
 public:
  base::Status add(std::string name, const std::string& path) {
    const base::Fd file = TRY(base::open_file(path, O_RDONLY | O_NONBLOCK));
    const auto size = TRY(base::regular_file_size(file).context(path));
    if (!paths_.emplace(name, path).second)
      return base::invalid_input(fmt::format("two files would be {}", name));
    release.files.push_back({.name = std::move(name), .size = size});
    return {};
  }

  base::Status add_model(const std::vector<std::string>& models) {
    if (models.size() == 1 && is_directory(models.front())) return add_directory(models.front());
    for (const std::string& path : models)
      TRY(add(std::string(kModelPrefix) + last_component(path), path));
    return {};
  }

  base::Result<std::string> add_qualification(const std::string& path) {
    std::string name = std::string(kQualifyPrefix) + last_component(path);
    TRY(add(name, path));
    return name;
  }

  const std::string& path_of(const std::string& name) const { return paths_.find(name)->second; }

  Release release;
  std::string signature;  // the model directory's own; empty: none

 private:
  base::Status add_directory(const std::string& path) {
    const base::Fd directory = TRY(base::open_file(path, O_RDONLY | O_DIRECTORY));
    for (const std::string& name : TRY(list_files(directory, kLeftOut))) {
      TRY(add(std::string(kModelPrefix) + name, path + "/" + name));
    }
    const std::string signature_path = path + "/" + std::string(kSignatureEntry);
    auto text = base::read_text_file(signature_path, kSignatureBytesMax);
    if (text.ok())
      signature = std::move(text).value();
    else if (text.error().code != base::ErrorCode::kNotFound)
      return std::move(text).error();
    return {};
  }

  std::map<std::string, std::string> paths_;
};

base::Result<Plan> make_plan(const BundleInputs& inputs, Release claims) {
  Plan plan;
  plan.release = std::move(claims);
  plan.release.files.clear();
  TRY(plan.add_model(inputs.models));
  if (plan.release.files.empty()) return base::invalid_input("there are no model files");
  if (!inputs.golden.empty()) plan.release.golden = TRY(plan.add_qualification(inputs.golden));
  for (const std::string& path : inputs.evaluations) {
    plan.release.evaluations.push_back(TRY(plan.add_qualification(path)));
  }
  if (!inputs.sbom.empty()) TRY(plan.add(std::string(kSbomEntry), inputs.sbom));
  std::sort(plan.release.files.begin(), plan.release.files.end(),
            [](const ReleaseFile& a, const ReleaseFile& b) { return a.name < b.name; });
  return plan;
}

base::Result<std::string> unsigned_release(Release& release) {
  release.model_root = model_root_of(release.files);
  return serialize_dsse({.payload_type = std::string(kReleasePayloadType),
                         .payload = TRY(serialize_release(release)),
                         .signatures = {}});
}

// Copies the files into the bundle one after the other; fills in their digests.
class Copier {
 public:
  Copier(Plan& plan, BundleWriter& writer, const FileVerifier::Progress& progress)
      : plan_(plan), writer_(writer), progress_(progress), total_(plan.release.total_bytes()) {}

  base::Status copy(ReleaseFile& file) {
    const std::string& path = plan_.path_of(file.name);
    const base::Fd from = TRY(base::open_file(path, O_RDONLY | O_NONBLOCK));
    TRY(writer_.begin_file(file.name, file.size));
    MultiHash hash;
    for (std::uint64_t left = file.size; left > 0;) {
      const auto piece = std::span(buffer_).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size())));
      if (TRY(base::read_full(from, piece).context(path)) != piece.size())
        return base::invalid_input(path + " became shorter meanwhile");
      hash.update(piece);
      TRY(writer_.write(piece));
      left -= piece.size();
      done_ += piece.size();
      if (progress_) progress_(done_, total_);
    }
    if (TRY(base::regular_file_size(from)) != file.size)
      return base::invalid_input(path + " changed its size meanwhile");
    take(hash.finish(), file);
    return writer_.end_file();
  }

  base::Status copy_text(std::string_view text, ReleaseFile& file) {
    TRY(writer_.begin_file(file.name, text.size()));
    TRY(writer_.write(std::as_bytes(std::span(text))));
    MultiHash hash;
    hash.update(std::as_bytes(std::span(text)));
    take(hash.finish(), file);
    return writer_.end_file();
  }

 private:
  static void take(const FileDigests& digests, ReleaseFile& file) {
    file.sha256 = digests.sha256;
    file.sha384 = digests.sha384;
    file.chunks = digests.chunks_digest;
  }

  Plan& plan_;
  BundleWriter& writer_;
  const FileVerifier::Progress& progress_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kCopyBytes);
};

base::Result<std::unique_ptr<BundleWriter>> create_writer(const std::string& path, BundleForm form,
                                                          const BundleRoom& room) {
  if (form == BundleForm::kDirectory) return create_directory_bundle(path);
  if (room.release_bytes > kReleaseBytesMax) {
    return base::exhausted(fmt::format("release.dsse would have {} bytes, limit {}",
                                       room.release_bytes, kReleaseBytesMax));
  }
  return create_archive(path, room);
}

}  // namespace

base::Result<MadeBundle> make_bundle(const BundleInputs& inputs, Release claims,
                                     const std::string& path, BundleForm form,
                                     const FileVerifier::Progress& progress) {
  Plan plan = TRY(make_plan(inputs, std::move(claims)));
  Release& release = plan.release;
  const bool makes_sbom = inputs.sbom.empty();
  if (makes_sbom) {
    // Digests are zero yet; the texts have the length that they will have.
    const std::uint64_t size = make_sbom(release, inputs.metrics).size();
    release.files.push_back({.name = std::string(kSbomEntry), .size = size});
  }
  const std::string draft = TRY(unsigned_release(release));
  const std::size_t signature_bytes =
      std::max(plan.signature.size(), model_signature_bytes(release));
  const BundleRoom room{.release_bytes = padded_bytes(draft.size(), kReleaseRoomBytes),
                        .signature_bytes = padded_bytes(signature_bytes, kSignatureRoomBytes)};
  const auto writer = TRY(create_writer(path, form, room));
  Copier copier(plan, *writer, progress);
  for (ReleaseFile& file : release.files) {
    if (makes_sbom && file.name == kSbomEntry)
      continue;  // the last name: "model/", "qualify/", "sbom.cdx.json"
    TRY(copier.copy(file));
  }
  release.model_root = model_root_of(release.files);
  if (makes_sbom) {
    TRY(copier.copy_text(make_sbom(release, inputs.metrics), release.files.back()));
  } else {
    TRY(check_sbom(TRY(base::read_text_file(inputs.sbom, kSbomBytesMax)), release));
  }
  if (!plan.signature.empty()) TRY(check_model_statement(plan.signature, release));
  const std::string text = TRY(unsigned_release(release));
  TRY(writer->commit(text, plan.signature));
  MadeBundle made{.release = release, .id = release_id(TRY(serialize_release(release)))};
  made.kept_signature = !plan.signature.empty();
  return made;
}

}  // namespace provisioning
