#include "daemon/progress/progress_page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace daemon_progress {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

}  // namespace

base::Result<base::Fd> create_progress_page() {
  base::Fd fd(::memfd_create("redoubt-progress", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open()) return base::io_error(errno, "memfd_create");
  if (::ftruncate(fd.get(), kPageBytes) != 0) return base::io_error(errno, "size progress page");
  if (::fcntl(fd.get(), F_ADD_SEALS, kSizeSeals | F_SEAL_SEAL) != 0)
    return base::io_error(errno, "seal progress page");
  return fd;
}

PageMapping::PageMapping(PageMapping&& other) noexcept
    : layout_(std::exchange(other.layout_, nullptr)) {}

PageMapping& PageMapping::operator=(PageMapping&& other) noexcept {
  std::swap(layout_, other.layout_);
  return *this;
}

PageMapping::~PageMapping() {
  if (layout_ != nullptr) (void)::munmap(layout_, kPageBytes);
}

base::Result<PageMapping> PageMapping::map(const base::Fd& fd, bool writable) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return base::io_error(errno, "progress page");
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSizeSeals) != kSizeSeals || info.st_size != off_t{kPageBytes})
    return base::invalid_input("that is not a progress page");
  void* const memory = ::mmap(nullptr, kPageBytes, writable ? PROT_READ | PROT_WRITE : PROT_READ,
                              MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return base::io_error(errno, "map progress page");
  return PageMapping(static_cast<PageLayout*>(memory));
}

base::Result<ProgressWriter> ProgressWriter::map(const base::Fd& fd) {
  return ProgressWriter(TRY(PageMapping::map(fd, true)));
}

base::Result<ProgressReader> ProgressReader::map(const base::Fd& fd) {
  return ProgressReader(TRY(PageMapping::map(fd, false)));
}

}  // namespace daemon_progress
