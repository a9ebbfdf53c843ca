#include "provisioning/container/bundle_signer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "hardening/base/file.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/file_writing.h"
#include "provisioning/container/model_signature.h"
#include "provisioning/container/stored_bytes.h"
#include "provisioning/container/tar_profile.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(kWhiteSpace) == text.npos;
}

base::Result<std::string> read_room(const base::Fd& file, std::uint64_t at, std::size_t bytes) {
  std::string text(bytes, '\0');
  if (TRY(read_some_at(file, at, std::as_writable_bytes(std::span(text)))) != bytes)
    return base::denied("the archive ends within it");
  return text;
}

// Whether a file begins as an archive does and not as JSON.
base::Result<bool> is_archive(const base::Fd& file) {
  std::array<std::byte, kTarBlockBytes> block{};
  const std::size_t got = TRY(read_some_at(file, 0, block));
  return got == block.size() && block[0] == static_cast<std::byte>(kReleaseEntry[0]);
}

}  // namespace

base::Result<SignableBundle> SignableBundle::open(const std::string& path) {
  SignableBundle bundle;
  bundle.path_ = path;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return base::io_error(errno, "open " + path);
  if (S_ISDIR(info.st_mode)) {
    TRY(bundle.open_directory());
    return bundle;
  }
  bundle.file_ = TRY(base::open_file(path, O_RDWR | O_NONBLOCK));
  TRY(base::regular_file_size(bundle.file_).context(path));
  if (TRY(is_archive(bundle.file_))) {
    TRY(bundle.open_archive().context(path));
  } else {
    bundle.claims_ =
        TRY(parse_claims(TRY(base::read_text_file(path, kReleaseBytesMax))).context(path));
  }
  return bundle;
}

base::Status SignableBundle::open_directory() {
  form_ = Form::kDirectory;
  const base::Fd directory = TRY(base::open_file(path_, O_RDONLY | O_DIRECTORY));
  const base::Fd release = TRY(open_regular_beneath(directory, kReleaseEntry).context(path_));
  claims_ = TRY(parse_claims(TRY(base::read_text(release, kReleaseBytesMax))).context(path_));
  const auto signature = open_regular_beneath(directory, kSignatureEntry);
  if (signature.ok()) {
    claims_.signature_text = TRY(base::read_text(signature.value(), kSignatureBytesMax));
    if (is_blank(claims_.signature_text)) claims_.signature_text.clear();
  }
  return {};
}

base::Status SignableBundle::open_archive() {
  form_ = Form::kArchive;
  std::uint64_t at = 0;
  const auto find_room = [&](std::string_view name, std::size_t bytes_max,
                             Room& room) -> base::Result<std::string> {
    std::array<std::byte, kTarBlockBytes> header{};
    if (TRY(read_some_at(file_, at, header)) != header.size())
      return base::denied("the archive ends early");
    const TarMember member = TRY(parse_tar_header(header));
    if (member.name != name || member.size > bytes_max) {
      return base::denied(
          fmt::format("the archive has something else where {} of at most {} bytes should be", name,
                      bytes_max));
    }
    room = {.at = at + kTarBlockBytes, .bytes = static_cast<std::size_t>(member.size)};
    at = room.at + room.bytes + tar_padding(room.bytes);
    return read_room(file_, room.at, room.bytes);
  };
  claims_ = TRY(parse_claims(TRY(find_room(kReleaseEntry, kReleaseBytesMax, release_room_))));
  std::string signature = TRY(find_room(kSignatureEntry, kSignatureBytesMax, signature_room_));
  if (!is_blank(signature)) claims_.signature_text = std::move(signature);
  return {};
}

base::Status SignableBundle::replace(std::string_view entry, const Room& room,
                                     std::string_view old_text, std::string_view text) {
  if (form_ == Form::kDirectory)
    return base::replace_file(path_ + "/" + std::string(entry), text, 0644);
  if (form_ == Form::kStatement) return base::replace_file(path_, text, 0644);
  if (text.size() > room.bytes) {
    return base::exhausted(
        fmt::format("{} has room for {} bytes and {} are needed", entry, room.bytes, text.size()));
  }
  // From the first byte that differs: the statement in front stays as it is on the medium.
  const auto same = static_cast<std::size_t>(
      std::mismatch(text.begin(), text.end(), old_text.begin(), old_text.end()).first -
      text.begin());
  TRY(write_padded(file_, room.at + same, room.bytes - same, text.substr(same)).context(path_));
  if (::fsync(file_.get()) != 0) return base::io_error(errno, "fsync " + path_);
  return {};
}

base::Status SignableBundle::write_release(const Dsse& envelope) {
  std::string text = serialize_dsse(envelope);
  if (form_ != Form::kArchive) text += "\n";
  auto written = replace(kReleaseEntry, release_room_, claims_.release_text, text);
  if (!written.ok()) {
    if (written.error().code != base::ErrorCode::kExhausted) return written;
    return std::move(written).context(
        "no room for another signature (create the bundle again: the same input gives the "
        "same statement, and signatures move over with 'bundle sign --add')");
  }
  claims_.envelope = envelope;
  claims_.release_text = std::move(text);
  return {};
}

base::Status SignableBundle::sign(const SigningKey& key) {
  Dsse envelope = claims_.envelope;
  TRY(add_signature(envelope, key));
  return write_release(envelope);
}

base::Result<std::size_t> SignableBundle::merge(std::string_view other_release_text) {
  const Dsse other = TRY(parse_dsse(other_release_text, kReleasePayloadType, kReleaseBytesMax));
  Dsse envelope = claims_.envelope;
  const std::size_t before = envelope.signatures.size();
  TRY(merge_signatures(envelope, other));
  const std::size_t added = envelope.signatures.size() - before;
  TRY(write_release(envelope));
  return added;
}

base::Status SignableBundle::sign_model(const SigningKey& key, std::vector<Der> certificates) {
  if (form_ == Form::kStatement) return base::invalid_input("a statement alone has no model.sig");
  const std::string text =
      TRY(provisioning::sign_model(claims_.release, key, std::move(certificates)));
  auto written = replace(kSignatureEntry, signature_room_, claims_.signature_text, text);
  if (!written.ok()) {
    if (written.error().code != base::ErrorCode::kExhausted) return written;
    return std::move(written).context(
        "no room for model.sig (sign the model's directory first, 'bundle sign', and "
        "create the bundle from it)");
  }
  claims_.signature_text = text;
  return {};
}

}  // namespace provisioning
