// Hashes a file on a thread of its own while the bytes are read and written by its owner: three
// digests take longer than all of the copying.
#ifndef PROVISIONING_STORE_HASH_THREAD_H_
#define PROVISIONING_STORE_HASH_THREAD_H_

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "provisioning/container/multi_hash.h"

namespace provisioning {

// All memory is there and the thread runs when the constructor returns: a sandbox may forbid both
// afterwards. One owner, one file at a time:
//
//   buffer(), fill it, submit(n), do with these n bytes what else is to be done; …; finish()
class HashThread {
 public:
  static constexpr std::size_t kBufferBytes = 1u << 20;
  static constexpr std::size_t kBuffers = 8;

  HashThread();
  HashThread(const HashThread&) = delete;
  HashThread& operator=(const HashThread&) = delete;
  ~HashThread();

  // A buffer that nobody needs any more; waits for one. What was submitted before stays as it is
  // until then.
  std::span<std::byte> buffer();
  // The first `count` bytes of that buffer come next in the file.
  void submit(std::size_t count);
  // Waits for the digests of all that was submitted; the next buffer begins another file.
  FileDigests finish();

 private:
  void run();

  std::vector<std::byte> memory_;
  std::array<std::size_t, kBuffers> counts_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t submitted_ = 0;  // these two count buffers; guarded by mutex_
  std::uint64_t hashed_ = 0;
  bool running_ = false;
  bool ending_ = false;
  std::unique_ptr<MultiHash> hash_;
  std::thread thread_;  // the last: it uses all of the above
};

}  // namespace provisioning

#endif  // PROVISIONING_STORE_HASH_THREAD_H_
