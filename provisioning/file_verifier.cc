#include "provisioning/file_verifier.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>

#include "hardening/base/checked.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

constexpr std::size_t kPageBytes = 4096;

// Unmaps unless released: between the mapping and the VerifiedFile that will own it, reads can fail.
class Mapping {
 public:
  static base::Result<Mapping> create(std::size_t bytes) {
    void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return base::exhausted(fmt::format("no memory for {} bytes", bytes));
    return Mapping(static_cast<std::byte*>(pages), bytes);
  }
  Mapping(Mapping&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}
  Mapping& operator=(Mapping&&) = delete;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }

  std::byte* data() const { return data_; }
  std::byte* release() { return std::exchange(data_, nullptr); }

 private:
  Mapping(std::byte* data, std::size_t bytes) : data_(data), bytes_(bytes) {}

  std::byte* data_;
  std::size_t bytes_;
};

}  // namespace

base::Result<base::VerifiedFile> FileVerifier::read(const base::Fd& file, std::string name,
                                                    const Sha256Digest& expected, const Progress& progress) {
  const std::uint64_t size = TRY(base::regular_file_size(file).context(name));
  if (size > kFileBytesMax) return base::exhausted(fmt::format("{}: {} bytes, limit {}", name, size, kFileBytesMax));
  const auto mapped = base::checked_align_up<std::size_t>(std::max<std::size_t>(size, 1), kPageBytes);
  if (!mapped) return base::exhausted(fmt::format("{}: {} bytes do not fit memory", name, size));
  Mapping memory = TRY(Mapping::create(*mapped).context(name));

  Sha256 hash;
  for (std::size_t done = 0; done < size;) {
    const std::size_t wanted = std::min<std::size_t>(kCopyBytes, size - done);
    const std::span<std::byte> piece(memory.data() + done, wanted);
    const std::size_t got = TRY(base::read_full(file, piece).context(name));
    if (got != wanted) return base::denied(fmt::format("{}: shrank while it was read", name));
    hash.update(piece);
    done += wanted;
    if (progress) progress(done, size);
  }
  const Sha256Digest actual = hash.finish();
  if (actual != expected) {
    return base::denied(fmt::format("{}: sha256 is {}, the signature says {}", name, base::to_hex(actual),
                                    base::to_hex(expected)));
  }
  const std::span<std::byte> bytes(memory.release(), size);
  return base::VerifiedFile({}, std::move(name), actual, bytes, *mapped);
}

}  // namespace provisioning
