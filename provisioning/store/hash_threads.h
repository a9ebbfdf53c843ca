// Hashes a file beside its owner, who reads and writes the bytes meanwhile: three digests take
// longer than all of the copying. SHA-384 has a thread of its own, and takes as long there as the
// two SHA-256 on the other.
#ifndef PROVISIONING_STORE_HASH_THREADS_H_
#define PROVISIONING_STORE_HASH_THREADS_H_

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "provisioning/container/multi_hash.h"

namespace provisioning {

// All memory is there and both threads run when the constructor returns: a sandbox may forbid more
// of either afterwards. One owner, one file at a time:
//
//   buffer(), fill it, submit(n), do with these n bytes what else is to be done; …; finish()
class HashThreads {
 public:
  static constexpr std::size_t kBufferBytes = 1u << 20;
  static constexpr std::size_t kBuffers = 8;

  HashThreads();
  HashThreads(const HashThreads&) = delete;
  HashThreads& operator=(const HashThreads&) = delete;
  ~HashThreads();

  // A buffer that nobody needs any more; waits for one. What was submitted before stays as it is
  // until then.
  std::span<std::byte> buffer();
  // The first `count` bytes of that buffer come next in the file.
  void submit(std::size_t count);
  // Waits for the digests of all that was submitted; the next buffer begins another file.
  FileDigests finish();

 private:
  static constexpr std::size_t kHashers = 2;

  void run(std::size_t hasher);
  void hash(std::size_t hasher, std::span<const std::byte> bytes);
  std::uint64_t hashed_by_all() const { return std::min(hashed_[0], hashed_[1]); }

  std::vector<std::byte> memory_;
  std::array<std::size_t, kBuffers> counts_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t submitted_ = 0;  // these two count buffers; guarded by mutex_
  std::array<std::uint64_t, kHashers> hashed_{};
  std::size_t running_ = 0;
  bool ending_ = false;
  // The owner touches them only when all is hashed.
  std::optional<PiecedSha256> sha256_{std::in_place};
  std::optional<Sha384> sha384_{std::in_place};
  std::array<std::thread, kHashers> threads_;  // the last: they use all of the above
};

}  // namespace provisioning

#endif  // PROVISIONING_STORE_HASH_THREADS_H_
