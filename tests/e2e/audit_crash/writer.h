// A writer of the log as it outlives one auditor after another: says again what was not
// acknowledged, and knows for good what was.
#ifndef TESTS_E2E_AUDIT_CRASH_WRITER_H_
#define TESTS_E2E_AUDIT_CRASH_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/ipc/channel.h"
#include "hardening/base/result.h"

namespace audit_crash {

struct Said {
  std::string type;
  std::string body;
  std::string sealed;
  bool prove = false;
};

class Writer {
 public:
  explicit Writer(std::uint64_t name) : name_(name) {}

  std::uint64_t name() const { return name_; }
  // Number 1 is the first.
  void plan(Said said) { said_.push_back(std::move(said)); }
  bool done() const { return acknowledged_ == said_.size(); }
  std::uint64_t acknowledged() const { return acknowledged_; }
  const std::vector<Said>& said() const { return said_; }
  // Records that were sent back with a proof, by index.
  const std::map<std::uint64_t, std::string>& proven() const { return proven_; }

  // A new channel: nothing is sent before the auditor's first word.
  void begin();
  // Sends what the channel takes. False: the peer is gone.
  bool send_some(daemon_ipc::Channel& channel);
  // An error is something that must not be: what was acknowledged is unknown now.
  base::Status take(const daemon_ipc::Message& message);

 private:
  bool send_one(daemon_ipc::Channel& channel, bool& full);

  std::uint64_t name_;
  std::vector<Said> said_;
  std::uint64_t acknowledged_ = 0;
  std::map<std::uint64_t, std::string> proven_;
  bool greeted_ = false;
  std::uint64_t sent_ = 0;       // on this channel, or before
  std::size_t sealed_sent_ = 0;  // bytes of the next one's sealed text
};

}  // namespace audit_crash

#endif  // TESTS_E2E_AUDIT_CRASH_WRITER_H_
