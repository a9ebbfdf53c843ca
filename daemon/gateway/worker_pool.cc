#include "daemon/gateway/worker_pool.h"

#include "daemon/gateway/http_border.h"
#include "daemon/gateway/limits.h"

namespace daemon_gateway {

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (const pthread_t thread : threads_) ::pthread_join(thread, nullptr);
}

base::Status WorkerPool::start(std::size_t count) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kWorkerStackBytes);
  int failed = 0;
  while (failed == 0 && threads_.size() < count) {
    pthread_t thread{};
    failed = ::pthread_create(&thread, &attributes, enter, this);
    if (failed == 0) threads_.push_back(thread);
  }
  ::pthread_attr_destroy(&attributes);
  if (failed != 0) return base::io_error(failed, "start a worker thread");
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this, count] { return running_ == count; });
  return {};
}

void WorkerPool::submit(std::shared_ptr<Exchange> exchange) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(exchange));
  changed_.notify_one();
}

void* WorkerPool::enter(void* pool) {
  static_cast<WorkerPool*>(pool)->work();
  return nullptr;
}

void WorkerPool::work() {
  HttpBorder border(handler_);  // allocates: this thread's arena exists from here on
  {
    const std::lock_guard lock(mutex_);
    ++running_;
    changed_.notify_all();
  }
  while (const std::shared_ptr<Exchange> exchange = next()) border.serve(*exchange);
}

std::shared_ptr<Exchange> WorkerPool::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  if (queue_.empty()) return nullptr;
  std::shared_ptr<Exchange> exchange = std::move(queue_.front());
  queue_.pop_front();
  return exchange;
}

}  // namespace daemon_gateway
