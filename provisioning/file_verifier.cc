#include "provisioning/file_verifier.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "hardening/base/checked.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

constexpr std::size_t kPageBytes = 4096;

// Unmaps unless released: between the mapping and the VerifiedFile that will own it, reads can
// fail.
class Mapping {
 public:
  static base::Result<Mapping> create(std::size_t bytes) {
    void* pages =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return base::exhausted(fmt::format("no memory for {} bytes", bytes));
    // Filled once from front to back: large pages save most of the faults. A wish; without it
    // everything works.
    (void)::madvise(pages, bytes, MADV_HUGEPAGE);
    return Mapping(static_cast<std::byte*>(pages), bytes);
  }
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}
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

// Reads a file ahead of who hashes it, on a thread of its own: hashing is one serial stream and
// takes as long as all the copying. The bytes are final once they are counted as filled.
class ReadAhead {
 public:
  ReadAhead(const base::Fd& file, std::span<std::byte> bytes)
      : file_(file), bytes_(bytes), thread_([this] { fill(); }) {}
  ~ReadAhead() {
    cancelled_.store(true, std::memory_order_relaxed);
    thread_.join();
  }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // How many bytes are there, once it is more than `seen`; the error that ended reading when it
  // never will be.
  base::Result<std::size_t> wait_for_more(std::size_t seen) {
    std::size_t filled = filled_.load(std::memory_order_acquire);
    while (filled == seen) {
      filled_.wait(seen, std::memory_order_acquire);
      filled = filled_.load(std::memory_order_acquire);
    }
    if (filled == kFailed) return std::move(failure_).error();
    return filled;
  }

 private:
  static constexpr std::size_t kFailed = SIZE_MAX;

  void fill() {
    std::size_t done = 0;
    while (done < bytes_.size() && !cancelled_.load(std::memory_order_relaxed)) {
      const std::size_t wanted = std::min<std::size_t>(kCopyBytes, bytes_.size() - done);
      const auto got = base::read_full(file_, bytes_.subspan(done, wanted));
      if (!got.ok()) {
        failure_ = got.error();
      } else if (got.value() != wanted) {
        failure_ = base::denied("shrank while it was read");
      }
      done = failure_.ok() ? done + wanted : kFailed;
      filled_.store(done, std::memory_order_release);
      filled_.notify_one();
    }
  }

  const base::Fd& file_;
  std::span<std::byte> bytes_;
  base::Status failure_;  // read once filled_ says so
  std::atomic<std::size_t> filled_{0};
  std::atomic<bool> cancelled_{false};
  std::thread thread_;  // the last: it uses all of the above
};

// Reads and hashes a file's pieces on several threads. The file is read by one thread at a time,
// from front to back, which is what disks and the system's read-ahead are best at; the others hash
// meanwhile.
class PieceReader {
 public:
  PieceReader(const base::Fd& file, const PiecedFile& expected, std::span<std::byte> bytes)
      : file_(file), expected_(expected), bytes_(bytes) {}

  base::Status run(unsigned threads, const FileVerifier::Progress& progress) {
    const auto pieces =
        static_cast<unsigned>(std::min<std::uint64_t>(PiecedFile::pieces(bytes_.size()), 1024));
    std::vector<std::thread> others;
    for (unsigned i = 1; i < std::min(threads, pieces); ++i)
      others.emplace_back([this] { work({}); });
    work(progress);
    for (std::thread& other : others) other.join();
    if (failure_.ok() && progress) progress(bytes_.size(), bytes_.size());
    return std::move(failure_);
  }

 private:
  void work(const FileVerifier::Progress& progress) {
    for (;;) {
      const auto piece = next_piece();
      if (!piece.ok()) return fail(piece.error());
      if (piece.value().empty()) return;
      auto verified = verify(piece.value());
      if (!verified.ok()) return fail(std::move(verified).error());
      const std::uint64_t done = done_.fetch_add(piece.value().size()) + piece.value().size();
      if (progress) progress(done, bytes_.size());
    }
  }

  // Filled from the file; empty when there is none left, or no use any more.
  base::Result<std::span<std::byte>> next_piece() {
    const std::lock_guard lock(reading_);
    if (failed_.load(std::memory_order_relaxed)) return std::span<std::byte>();
    const auto piece = bytes_.subspan(
        read_, std::min<std::size_t>(PiecedFile::kPieceBytes, bytes_.size() - read_));
    if (TRY(base::read_full(file_, piece)) != piece.size())
      return base::denied("shrank while it was read");
    read_ += piece.size();
    return piece;
  }

  base::Status verify(std::span<const std::byte> piece) const {
    const auto index =
        static_cast<std::size_t>(piece.data() - bytes_.data()) / PiecedFile::kPieceBytes;
    const auto expected =
        expected_.digests.subspan(index * sizeof(Sha256Digest), sizeof(Sha256Digest));
    const Sha256Digest actual = sha256(piece);
    if (std::equal(actual.begin(), actual.end(), expected.begin())) return {};
    return base::denied(fmt::format(
        "piece {} of {} (4 MiB each): sha256 is {}, the signature says {}", index + 1,
        PiecedFile::pieces(bytes_.size()), base::to_hex(actual), base::to_hex(expected)));
  }

  void fail(const base::Error& error) {
    const std::lock_guard lock(failing_);
    if (!failed_.exchange(true)) failure_ = error;
  }

  const base::Fd& file_;
  const PiecedFile& expected_;
  std::span<std::byte> bytes_;
  std::mutex reading_;
  std::size_t read_ = 0;  // guarded by reading_
  std::mutex failing_;
  base::Status failure_;  // guarded by failing_
  std::atomic<bool> failed_{false};
  std::atomic<std::uint64_t> done_{0};
};

base::Status check_pieces(const base::Fd& file, const PiecedFile& expected) {
  const std::uint64_t size = TRY(base::regular_file_size(file));
  if (size != expected.size)
    return base::denied(fmt::format("{} bytes, the signature says {}", size, expected.size));
  const std::uint64_t digests = PiecedFile::digests_bytes(size);
  if (expected.digests.size() != digests) {
    return base::denied(fmt::format("{} bytes of digests of its pieces, where {} should be",
                                    expected.digests.size(), digests));
  }
  if (sha256(expected.digests) != expected.chunks) {
    return base::denied("the digests of its pieces are not those the signature vouches for");
  }
  return {};
}

// What the pages of a file of that size are.
base::Result<std::size_t> mapping_bytes(std::uint64_t size) {
  if (size > kFileBytesMax)
    return base::exhausted(fmt::format("{} bytes, limit {}", size, kFileBytesMax));
  const auto mapped =
      base::checked_align_up<std::size_t>(std::max<std::size_t>(size, 1), kPageBytes);
  if (!mapped) return base::exhausted(fmt::format("{} bytes do not fit memory", size));
  return *mapped;
}

}  // namespace

base::Result<base::VerifiedFile> FileVerifier::read_pieces(const base::Fd& file, std::string name,
                                                           const PiecedFile& expected,
                                                           unsigned threads,
                                                           const Progress& progress) {
  TRY(check_pieces(file, expected).context(name));
  const std::size_t mapped = TRY(mapping_bytes(expected.size).context(name));
  Mapping memory = TRY(Mapping::create(mapped).context(name));
  PieceReader reader(file, expected, std::span(memory.data(), expected.size));
  TRY(reader.run(threads, progress).context(name));
  const std::span<std::byte> bytes(memory.release(), expected.size);
  return base::VerifiedFile({}, std::move(name), expected.sha256, bytes, mapped);
}

base::Result<base::VerifiedFile> FileVerifier::read(const base::Fd& file, std::string name,
                                                    const Sha256Digest& expected,
                                                    const Progress& progress) {
  const std::uint64_t size = TRY(base::regular_file_size(file).context(name));
  const std::size_t mapped = TRY(mapping_bytes(size).context(name));
  Mapping memory = TRY(Mapping::create(mapped).context(name));

  Sha256 hash;
  {
    ReadAhead ahead(file, std::span(memory.data(), size));
    for (std::size_t done = 0; done < size;) {
      const std::size_t filled = TRY(ahead.wait_for_more(done).context(name));
      // In pieces that are still in the cache, though more may be there.
      const std::size_t piece = std::min<std::size_t>(kCopyBytes, filled - done);
      hash.update(std::span(memory.data() + done, piece));
      done += piece;
      if (progress) progress(done, size);
    }
  }
  const Sha256Digest actual = hash.finish();
  if (actual != expected) {
    return base::denied(fmt::format("{}: sha256 is {}, the signature says {}", name,
                                    base::to_hex(actual), base::to_hex(expected)));
  }
  const std::span<std::byte> bytes(memory.release(), size);
  return base::VerifiedFile({}, std::move(name), actual, bytes, mapped);
}

}  // namespace provisioning
