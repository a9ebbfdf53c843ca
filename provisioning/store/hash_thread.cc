#include "provisioning/store/hash_thread.h"

#include <utility>

namespace provisioning {

HashThread::HashThread()
    : memory_(kBuffers * kBufferBytes),
      hash_(std::make_unique<MultiHash>()),
      thread_([this] { run(); }) {
  // What a thread does to come up, a locked-down process may not do any more.
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return running_; });
}

HashThread::~HashThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::span<std::byte> HashThread::buffer() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return submitted_ - hashed_ < kBuffers; });
  return std::span(memory_).subspan((submitted_ % kBuffers) * kBufferBytes, kBufferBytes);
}

void HashThread::submit(std::size_t count) {
  {
    const std::lock_guard lock(mutex_);
    counts_[submitted_ % kBuffers] = count;
    ++submitted_;
  }
  changed_.notify_all();
}

FileDigests HashThread::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return hashed_ == submitted_; });
  FileDigests digests = hash_->finish();
  hash_ = std::make_unique<MultiHash>();
  return digests;
}

void HashThread::run() {
  std::unique_lock lock(mutex_);
  running_ = true;
  changed_.notify_all();
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || hashed_ < submitted_; });
    if (ending_) return;
    const std::size_t slot = hashed_ % kBuffers;
    const auto bytes = std::span(memory_).subspan(slot * kBufferBytes, counts_[slot]);
    lock.unlock();
    hash_->update(bytes);  // the owner touches it only when all is hashed
    lock.lock();
    ++hashed_;
    changed_.notify_all();
  }
}

}  // namespace provisioning
