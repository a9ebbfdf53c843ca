// The threads that work on requests, all started before the sandbox forbids starting more.
#ifndef DAEMON_GATEWAY_WORKER_POOL_H_
#define DAEMON_GATEWAY_WORKER_POOL_H_

#include <pthread.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/gateway/api_handler.h"
#include "daemon/gateway/exchange.h"
#include "hardening/base/result.h"

namespace daemon_gateway {

class WorkerPool {
 public:
  explicit WorkerPool(const ApiHandler& handler) : handler_(handler) {}
  // Ends the workers; every exchange must have been aborted or be about to end by itself.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Returns when all `count` threads run and have used their allocator once, so that none of that
  // is left for later.
  base::Status start(std::size_t count);

  // The caller bounds how many there are.
  void submit(std::shared_ptr<Exchange> exchange);

 private:
  static void* enter(void* pool);
  void work();
  std::shared_ptr<Exchange> next();

  const ApiHandler& handler_;
  std::vector<pthread_t> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Exchange>> queue_;
  std::size_t running_ = 0;
  bool stopping_ = false;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_WORKER_POOL_H_
