// What workers tell the event loop: a list under a lock and an eventfd that wakes its owner.
#ifndef DAEMON_GATEWAY_MAILBOX_H_
#define DAEMON_GATEWAY_MAILBOX_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "daemon/gateway/audit_report.h"
#include "daemon/ipc/messages.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_gateway {

// One prompt for the engine; id, tenant and body_bytes are filled in when it is sent.
struct Submission {
  daemon_ipc::RequestBegin begin;
  std::string body;
  std::string model_digest = {};  // of the model it was checked for (daemon_ipc::Hello)
};

struct Post {
  enum class Kind : std::uint8_t {
    kOutput,   // the answer has bytes to send
    kSubmit,   // the prompts of a request for the engine
    kDone,     // the worker has left the request
    kReport,   // a record of this request for the audit log
    kRefused,  // an error takes the place of its admission: to be recorded too
  };
  Kind kind = Kind::kOutput;
  std::uint64_t connection = 0;
  bool keep_alive = false;                   // with kDone
  std::vector<Submission> submissions = {};  // with kSubmit
  AuditReport report = {};                   // with kReport
  bool waits = false;                        // the worker, until that is durable
  int status = 0;                            // with kRefused, and its code
  std::string code = {};
};

class Mailbox {
 public:
  static base::Result<Mailbox> create();
  Mailbox(Mailbox&& other) noexcept
      : wake_(std::move(other.wake_)), posts_(std::move(other.posts_)) {}
  Mailbox& operator=(Mailbox&&) = delete;

  void post(Post post);  // any thread

  // ---- event loop
  int fd() const { return wake_.get(); }  // readable when there is mail
  std::vector<Post> collect();            // in the order they were posted

 private:
  explicit Mailbox(base::Fd wake) : wake_(std::move(wake)) {}

  base::Fd wake_;
  std::mutex mutex_;
  std::vector<Post> posts_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_MAILBOX_H_
