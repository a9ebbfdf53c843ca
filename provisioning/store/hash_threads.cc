#include "provisioning/store/hash_threads.h"

namespace provisioning {

HashThreads::HashThreads() : memory_(kBuffers * kBufferBytes) {
  for (std::size_t hasher = 0; hasher < kHashers; ++hasher)
    threads_[hasher] = std::thread([this, hasher] { run(hasher); });
  // What a thread does to come up, a locked-down process may not do any more.
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return running_ == kHashers; });
}

HashThreads::~HashThreads() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::span<std::byte> HashThreads::buffer() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return submitted_ - hashed_by_all() < kBuffers; });
  return std::span(memory_).subspan((submitted_ % kBuffers) * kBufferBytes, kBufferBytes);
}

void HashThreads::submit(std::size_t count) {
  {
    const std::lock_guard lock(mutex_);
    counts_[submitted_ % kBuffers] = count;
    ++submitted_;
  }
  changed_.notify_all();
}

FileDigests HashThreads::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return hashed_by_all() == submitted_; });
  FileDigests digests = sha256_->finish();
  digests.sha384 = sha384_->finish();
  sha256_.emplace();
  sha384_.emplace();
  return digests;
}

void HashThreads::run(std::size_t hasher) {
  std::unique_lock lock(mutex_);
  ++running_;
  changed_.notify_all();
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || hashed_[hasher] < submitted_; });
    if (ending_) return;
    const std::size_t slot = hashed_[hasher] % kBuffers;
    const auto bytes = std::span(memory_).subspan(slot * kBufferBytes, counts_[slot]);
    lock.unlock();
    hash(hasher, bytes);
    lock.lock();
    ++hashed_[hasher];
    changed_.notify_all();
  }
}

void HashThreads::hash(std::size_t hasher, std::span<const std::byte> bytes) {
  hasher == 0 ? sha256_->update(bytes) : sha384_->update(bytes);
}

}  // namespace provisioning
