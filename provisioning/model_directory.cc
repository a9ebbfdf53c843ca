#include "provisioning/model_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/utf8.h"
#include "provisioning/envelope.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

// What the reference tool leaves out by default, at the top level only.
constexpr std::array<std::string_view, 4> kGitPaths{".git", ".gitattributes", ".github",
                                                    ".gitignore"};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

bool is_ignored(std::string_view path, std::span<const std::string> ignore_paths) {
  return std::any_of(ignore_paths.begin(), ignore_paths.end(), [&](const std::string& ignored) {
    return path == ignored || (path.size() > ignored.size() && path.starts_with(ignored) &&
                               path[ignored.size()] == '/');
  });
}

// Walks a tree depth first, collecting names; holds what the recursion shares.
class Lister {
 public:
  explicit Lister(std::span<const std::string> ignore_paths) : ignore_paths_(ignore_paths) {}

  base::Status walk(const base::Fd& directory, const std::string& prefix, std::size_t depth) {
    if (depth > kDirectoryDepthMax) {
      return base::exhausted(fmt::format("directories nested deeper than {}", kDirectoryDepthMax));
    }
    base::Fd own(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own.is_open()) return base::io_error(errno, "open directory " + prefix);
    const DirectoryStream stream(::fdopendir(own.get()));
    if (stream == nullptr) return base::io_error(errno, "list directory " + prefix);
    (void)own.release();  // closedir closes it
    for (;;) {
      errno = 0;
      const dirent* entry =
          ::readdir(stream.get());  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") TRY(visit(directory, prefix, name, depth));
    }
    if (errno != 0) return base::io_error(errno, "list directory " + prefix);
    return {};
  }

  std::vector<std::string> take() && {
    std::sort(files_.begin(), files_.end());
    return std::move(files_);
  }

 private:
  base::Status visit(const base::Fd& directory, const std::string& prefix, std::string_view name,
                     std::size_t depth) {
    const std::string path = prefix + std::string(name);
    if (is_ignored(path, ignore_paths_)) return {};
    if (!base::is_utf8(path)) return base::invalid_input("a file name is not UTF-8");
    struct stat info {};
    if (::fstatat(directory.get(), std::string(name).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return base::io_error(errno, "stat " + path);
    }
    if (S_ISDIR(info.st_mode)) {
      const base::Fd below = TRY(base::open_beneath(directory, name, O_RDONLY | O_DIRECTORY));
      return walk(below, path + "/", depth + 1);
    }
    if (S_ISLNK(info.st_mode)) return base::denied(path + " is a symbolic link");
    if (!S_ISREG(info.st_mode)) return base::denied(path + " is not a regular file");
    if (files_.size() >= kResourcesMax)
      return base::exhausted(fmt::format("more than {} files", kResourcesMax));
    files_.push_back(path);
    return {};
  }

  std::span<const std::string> ignore_paths_;
  std::vector<std::string> files_;
};

base::Result<base::Fd> open_regular(const base::Fd& directory, std::string_view name) {
  // O_NONBLOCK: opening a FIFO that somebody planted must not wait for its writer.
  return base::open_beneath(directory, name, O_RDONLY | O_NONBLOCK);
}

base::Result<std::uint64_t> size_of(const base::Fd& directory, std::string_view name) {
  return base::regular_file_size(TRY(open_regular(directory, name))).context(name);
}

base::Result<std::uint64_t> total_size(const base::Fd& directory,
                                       const std::vector<std::string>& names) {
  std::uint64_t total = 0;
  for (const std::string& name : names) total += TRY(size_of(directory, name));
  return total;
}

base::Result<Sha256Digest> hash_file(const base::Fd& directory, std::string_view name,
                                     const std::function<void(std::uint64_t)>& add_done) {
  const base::Fd file = TRY(open_regular(directory, name));
  TRY(base::regular_file_size(file).context(name));
  Sha256 hash;
  std::vector<std::byte> buffer(kCopyBytes);
  for (;;) {
    const std::size_t got = TRY(base::read_full(file, buffer).context(name));
    if (got == 0) break;
    hash.update(std::span(buffer).first(got));
    add_done(got);
  }
  return hash.finish();
}

}  // namespace

base::Result<std::vector<std::string>> list_files(const base::Fd& directory,
                                                  std::span<const std::string> ignore_paths) {
  Lister lister(ignore_paths);
  TRY(lister.walk(directory, "", 1));
  return std::move(lister).take();
}

base::Result<Statement> describe_directory(const base::Fd& directory, std::string subject,
                                           const FileVerifier::Progress& progress) {
  Statement statement;
  statement.subject = std::move(subject);
  statement.ignore_paths.assign(kGitPaths.begin(), kGitPaths.end());
  statement.ignore_paths.emplace_back(kSignatureFileName);
  const auto names = TRY(list_files(directory, statement.ignore_paths));
  const std::uint64_t total = TRY(total_size(directory, names));
  std::uint64_t done = 0;
  for (const std::string& name : names) {
    const auto digest = TRY(hash_file(directory, name, [&](std::uint64_t bytes) {
      done += bytes;
      if (progress) progress(done, total);
    }));
    statement.resources.push_back({name, digest});
  }
  TRY(check_statement(statement));
  return statement;
}

SignedModel::SignedModel(base::Fd directory, Statement statement, std::string signature_text,
                         Signer signer)
    : directory_(std::move(directory)),
      statement_(std::move(statement)),
      signature_text_(std::move(signature_text)),
      signer_(std::move(signer)) {}

base::Result<SignedModel> SignedModel::open(base::Fd directory, std::string_view signature_text,
                                            const SignatureTrust& trust) {
  const Envelope envelope = TRY(parse_envelope(signature_text).context("signature"));
  Signer signer = TRY(verify_envelope(envelope, trust).context("signature"));
  // Only now is the payload worth reading; and it is these very bytes that were verified.
  Statement statement = TRY(parse_statement(envelope.payload).context("signature"));
  return SignedModel(std::move(directory), std::move(statement), std::string(signature_text),
                     std::move(signer));
}

base::Result<SignedModel> SignedModel::open(base::Fd directory, std::string_view signature_text,
                                            std::span<const PublicKey> trusted) {
  return open(std::move(directory), signature_text,
              SignatureTrust{.keys = trusted, .certificates = {}});
}

base::Result<SignedModel> SignedModel::open(base::Fd directory,
                                            std::span<const PublicKey> trusted) {
  const base::Fd file = TRY(open_regular(directory, kSignatureFileName));
  const std::string text =
      TRY(base::read_text(file, kSignatureBytesMax).context(kSignatureFileName));
  return open(std::move(directory), text, trusted);
}

base::Result<const Resource*> SignedModel::signed_file(std::string_view name) const {
  const Resource* resource = statement_.find(name);
  if (resource == nullptr)
    return base::denied(fmt::format("{} is not covered by the signature", name));
  return resource;
}

base::Result<base::VerifiedFile> SignedModel::read(std::string_view name,
                                                   const FileVerifier::Progress& progress) const {
  const Resource* resource = TRY(signed_file(name));
  const base::Fd file = TRY(open_regular(directory_, name));
  return FileVerifier::read(file, resource->name, resource->digest, progress);
}

base::Result<base::VerifiedWeights> SignedModel::inherit(std::string_view name,
                                                         base::Fd weights) const {
  return FileVerifier::inherit(std::move(weights), TRY(signed_file(name))->digest);
}

base::Status SignedModel::verify_all(const FileVerifier::Progress& progress) const {
  // Files at ignored paths are not covered and never copied or loaded, but they do not make the
  // model wrong.
  std::vector<std::string> ignored = statement_.ignore_paths;
  ignored.emplace_back(kSignatureFileName);
  for (const std::string& name : TRY(list_files(directory_, ignored))) {
    if (statement_.find(name) == nullptr)
      return base::denied(name + " is not covered by the signature");
  }
  std::uint64_t total = 0;
  for (const Resource& resource : statement_.resources)
    total += TRY(size_of(directory_, resource.name));
  std::uint64_t done = 0;
  for (const Resource& resource : statement_.resources) {
    const auto digest = TRY(hash_file(directory_, resource.name, [&](std::uint64_t bytes) {
      done += bytes;
      if (progress) progress(done, total);
    }));
    if (digest != resource.digest) {
      return base::denied(fmt::format("{}: sha256 is {}, the signature says {}", resource.name,
                                      base::to_hex(digest), base::to_hex(resource.digest)));
    }
  }
  return {};
}

}  // namespace provisioning
