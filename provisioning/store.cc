#include "provisioning/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>

#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "hardening/base/secret.h"
#include "provisioning/json_fields.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kDirectoryMode = 0755;
constexpr unsigned kFileMode = 0444;
constexpr std::size_t kMetadataBytesMax = 4096;

std::string model_path(const std::string& store, std::string_view digest) {
  return fmt::format("{}/models/{}", store, digest);
}

base::Status make_directories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return base::io_error(error.value(), "create " + path);
  return {};
}

base::Status sync_directory(const std::string& path) {
  const base::Fd directory = TRY(base::open_file(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.get()) != 0) return base::io_error(errno, "fsync " + path);
  return {};
}

// Deletes the staging directory unless the import was committed.
class Staging {
 public:
  static base::Result<Staging> create(const std::string& store) {
    std::byte random[8];
    base::fill_random(random);
    Staging staging(fmt::format("{}/staging/{}", store, base::to_hex(random)));
    TRY(make_directories(staging.path_));
    return staging;
  }
  Staging(Staging&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Staging& operator=(Staging&&) = delete;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

  base::Status commit(const std::string& target) {
    if (std::rename(path_.c_str(), target.c_str()) != 0) return base::io_error(errno, "rename into " + target);
    path_.clear();
    return {};
  }

 private:
  explicit Staging(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

base::Status sync_and_close(base::Fd& file, std::string_view name) {
  if (::fsync(file.get()) != 0) return base::io_error(errno, fmt::format("fsync {}", name));
  return file.close();
}

base::Status write_file(const std::string& path, std::string_view text) {
  base::Fd file = TRY(base::open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kFileMode));
  TRY(base::write_all(file, std::as_bytes(std::span(text))));
  return sync_and_close(file, path);
}

// Copies one file, hashing what it writes.
base::Status copy_verified(const SignedModel& model, const Resource& resource, const std::string& directory,
                           const std::function<void(std::uint64_t)>& add_done) {
  const base::Fd from = TRY(base::open_beneath(model.directory(), resource.name, O_RDONLY | O_NONBLOCK));
  TRY(base::regular_file_size(from).context(resource.name));
  const std::string path = directory + "/" + resource.name;
  TRY(make_directories(fs::path(path).parent_path().string()));
  base::Fd to = TRY(base::open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kFileMode));
  Sha256 hash;
  std::vector<std::byte> buffer(kCopyBytes);
  for (;;) {
    const std::size_t got = TRY(base::read_full(from, buffer).context(resource.name));
    if (got == 0) break;
    const auto piece = std::span(buffer).first(got);
    hash.update(piece);
    TRY(base::write_all(to, piece).context(path));
    add_done(got);
  }
  const Sha256Digest actual = hash.finish();
  if (actual != resource.digest) {
    return base::denied(fmt::format("{}: sha256 is {}, the signature says {}", resource.name, base::to_hex(actual),
                                    base::to_hex(resource.digest)));
  }
  return sync_and_close(to, path);
}

base::Result<std::uint64_t> total_bytes(const SignedModel& model) {
  std::uint64_t total = 0;
  for (const Resource& resource : model.statement().resources) {
    const base::Fd file = TRY(base::open_beneath(model.directory(), resource.name, O_RDONLY | O_NONBLOCK));
    total += TRY(base::regular_file_size(file).context(resource.name));
  }
  return total;
}

// Every directory below `root`, itself included: each is fsynced before the rename that publishes them.
base::Status sync_tree(const std::string& root, const Statement& statement) {
  std::set<std::string> directories{root};
  for (const Resource& resource : statement.resources) {
    for (fs::path parent = fs::path(resource.name).parent_path(); !parent.empty(); parent = parent.parent_path()) {
      directories.insert(root + "/" + parent.string());
    }
  }
  for (const std::string& directory : directories) TRY(sync_directory(directory));
  return {};
}

base::Status check_digest(std::string_view digest) {
  if (digest.size() != 64 || !base::from_hex(digest).ok()) return base::invalid_input("not a model digest");
  return {};
}

base::Result<StoredModel> read_model(const std::string& store, std::string_view digest) {
  TRY(check_digest(digest));
  StoredModel model;
  model.digest = digest;
  model.directory = model_path(store, digest);
  const std::string path = model.directory + ".json";
  const std::string text = TRY(base::read_text_file(path, kMetadataBytesMax));
  const base::Json json = TRY(base::Json::parse(text).context(path));
  if (!json.is_object()) return base::corrupt(path + ": not an object");
  model.name = TRY(string_member(json, "name", path));
  model.signer = TRY(string_member(json, "signer", path));
  TRY(check_model_name(model.name));
  const base::Json* imported = json.find("imported");
  if (imported == nullptr || !imported->is_int()) return base::corrupt(path + ": imported is not an integer");
  model.imported = imported->as_int();
  return model;
}

base::Status write_metadata(const StoredModel& model) {
  const base::Json json = base::Json::object(
      {{"name", model.name}, {"imported", model.imported}, {"signer", model.signer}});
  return base::replace_file(model.directory + ".json", json.dump_pretty() + "\n", kFileMode);
}

}  // namespace

base::Status check_model_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  };
  if (name.empty() || name.size() > kModelNameBytesMax || name[0] == '.' ||
      !std::all_of(name.begin(), name.end(), allowed)) {
    return base::invalid_input(fmt::format(
        "a model name has 1 to {} letters, digits, '.', '-' or '_' and does not begin with '.'", kModelNameBytesMax));
  }
  return {};
}

base::Result<Store> Store::create(std::string path) {
  TRY(make_directories(path + "/models"));
  std::error_code error;
  fs::remove_all(path + "/staging", error);
  if (error) return base::io_error(error.value(), "clear " + path + "/staging");
  TRY(make_directories(path + "/staging"));
  return Store(std::move(path));
}

base::Result<StoredModel> Store::import(const SignedModel& model, std::string_view name,
                                        std::int64_t now_unix_seconds, const FileVerifier::Progress& progress) {
  TRY(check_model_name(name));
  StoredModel stored;
  stored.digest = base::to_hex(model.statement().root_digest());
  stored.name = name;
  stored.imported = now_unix_seconds;
  stored.signer = model.signer_hint();
  stored.directory = model_path(path_, stored.digest);
  if (auto present = find(stored.digest); present.ok()) return present;

  const std::uint64_t total = TRY(total_bytes(model));
  std::uint64_t done = 0;
  Staging staging = TRY(Staging::create(path_));
  for (const Resource& resource : model.statement().resources) {
    TRY(copy_verified(model, resource, staging.path(), [&](std::uint64_t bytes) {
      done += bytes;
      if (progress) progress(done, total);
    }));
  }
  TRY(write_file(staging.path() + "/" + std::string(kSignatureFileName), model.signature_text()));
  TRY(sync_tree(staging.path(), model.statement()));
  if (::chmod(staging.path().c_str(), kDirectoryMode) != 0) return base::io_error(errno, "chmod " + staging.path());
  // A directory without its metadata is an import that lost power between the two steps below: it is replaced.
  std::error_code ignored;
  fs::remove_all(stored.directory, ignored);
  TRY(staging.commit(stored.directory));
  TRY(write_metadata(stored));
  return stored;
}

base::Result<StoredModel> Store::find(std::string_view digest) const { return read_model(path_, digest); }

base::Status Store::activate(std::string_view digest) {
  const StoredModel model = TRY(find(digest));
  return base::replace_file(path_ + "/active", model.digest + "\n", kFileMode);
}

base::Result<StoredModel> Store::active(const std::string& path) {
  std::string text = TRY(base::read_text_file(path + "/active", kMetadataBytesMax));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return read_model(path, text).context("active model");
}

}  // namespace provisioning
