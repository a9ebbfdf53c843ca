#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>

#include "hardening/base/file.h"
#include "provisioning/container/bundle_writer.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/file_writing.h"

namespace provisioning {
namespace {

namespace fs = std::filesystem;

class DirectoryWriter final : public BundleWriter {
 public:
  explicit DirectoryWriter(std::string path)
      : path_(std::move(path)), staged_(staged_name(path_)) {}
  DirectoryWriter(const DirectoryWriter&) = delete;
  DirectoryWriter& operator=(const DirectoryWriter&) = delete;
  ~DirectoryWriter() override {
    std::error_code ignored;
    if (started_) fs::remove_all(staged_, ignored);
  }

  base::Status start() {
    struct stat info {};
    if (::lstat(path_.c_str(), &info) == 0) return base::invalid_input(path_ + " exists already");
    std::error_code error;
    fs::remove_all(staged_, error);  // of a run that was cut short
    return make_directory("");
  }

  base::Status begin_file(std::string_view name, std::uint64_t) override {
    name_ = std::string(name);
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
      TRY(make_directory(std::string(name.substr(0, slash))));
    }
    file_ =
        TRY(base::open_file(staged_ + "/" + name_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0444));
    return {};
  }

  base::Status write(std::span<const std::byte> bytes) override {
    return base::write_all(file_, bytes).context(name_);
  }

  base::Status end_file() override {
    if (::fsync(file_.get()) != 0) return base::io_error(errno, "fsync " + name_);
    return file_.close();
  }

  base::Status commit(std::string_view release, std::string_view signature) override {
    TRY(base::replace_file(staged_ + "/" + std::string(kReleaseEntry), release, 0644));
    if (!signature.empty())
      TRY(base::replace_file(staged_ + "/" + std::string(kSignatureEntry), signature, 0644));
    for (const std::string& directory : made_) TRY(sync_names_in(staged_ + "/" + directory));
    if (std::rename(staged_.c_str(), path_.c_str()) != 0)
      return base::io_error(errno, "rename to " + path_);
    started_ = false;
    return sync_parent(path_);
  }

 private:
  base::Status make_directory(const std::string& below) {
    if (!made_.insert(below).second) return {};
    const std::string path = below.empty() ? staged_ : staged_ + "/" + below;
    if (::mkdir(path.c_str(), 0755) != 0) return base::io_error(errno, "create directory " + path);
    started_ = true;
    return {};
  }

  std::string path_;
  std::string staged_;
  bool started_ = false;
  std::set<std::string> made_;
  std::string name_;
  base::Fd file_;
};

}  // namespace

base::Result<std::unique_ptr<BundleWriter>> create_directory_bundle(std::string path) {
  auto writer = std::make_unique<DirectoryWriter>(std::move(path));
  TRY(writer->start());
  return std::unique_ptr<BundleWriter>(std::move(writer));
}

}  // namespace provisioning
