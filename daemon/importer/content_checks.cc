#include "daemon/importer/content_checks.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include "hardening/base/file.h"
#include "runtime/model/gguf.h"

namespace daemon_importer {
namespace {

// The pages of a file, until dropped. Nobody else writes to the staging directory.
class FileMapping {
 public:
  static base::Result<FileMapping> map(const base::Fd& file) {
    const auto size = static_cast<std::size_t>(TRY(base::regular_file_size(file)));
    if (size == 0) return FileMapping({});
    void* pages = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (pages == MAP_FAILED) return base::io_error(errno, "map");
    return FileMapping(std::span(static_cast<const std::byte*>(pages), size));
  }
  FileMapping(FileMapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  FileMapping& operator=(FileMapping&&) = delete;
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;
  ~FileMapping() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit FileMapping(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

bool is_gguf(std::string_view name) {
  return name.ends_with(".gguf");
}

}  // namespace

bool is_checked(std::string_view name) {
  return is_gguf(name);
}

base::Status check_content(std::string_view name, const base::Fd& file) {
  const FileMapping mapping = TRY(FileMapping::map(file));
  if (is_gguf(name)) {
    if (const auto parsed = runtime::GgufFile::parse(mapping.bytes()); !parsed.ok())
      return parsed.error();
  }
  return {};
}

}  // namespace daemon_importer
