// A reload: the configuration file, the keys and the certificate are read again and offered to the
// running gateway, which takes all of it or nothing. No connection is dropped. What a running
// service cannot change is named.
//
//            request            gateway ready          reloaded
//   idle ────────────► offering ──────────────► offered ────────► idle (taken, or refused)
//     ▲                    │ the gateway is not running: the next one starts with it
//     └────────────────────┘ a file is invalid: everything stays as it is
#ifndef DAEMON_SUPERVISOR_RELOAD_H_
#define DAEMON_SUPERVISOR_RELOAD_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/ipc/messages.h"
#include "daemon/supervisor/role.h"
#include "hardening/base/fd.h"
#include "hardening/base/json.h"
#include "hardening/base/log.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// What the files on disk say now.
struct FreshSettings {
  base::Fd gateway_config;             // sealed memfd
  std::vector<std::string> changed;    // keys that take effect with it: "limits.body_bytes_max"
  std::vector<std::string> restarted;  // keys that have changed and need a restart of the service
  std::function<void()> taken;         // called when it has taken effect
};

class Reload {
 public:
  using Read = std::function<base::Result<FreshSettings>()>;

  // `log` outlives this.
  Reload(Read read, const base::Logger& log) : read_(std::move(read)), log_(log) {}

  // Asks for one; the number of the reload that will have seen the files as they are now.
  std::uint64_t request();
  void advance(Role& gateway, std::int64_t now);
  void cancel(std::string_view why);  // when the service ends
  void answered(const daemon_ipc::Reloaded& answer, Role& gateway, std::int64_t now);

  bool under_way() const { return phase_ != Phase::kIdle || wanted_ > number_; }
  // What came of reload `number`; null while it is not over.
  const base::Json* outcome(std::uint64_t number) const;
  // Those that have ended since the last call, in order.
  std::vector<base::Json> take_ended() { return std::exchange(ended_, {}); }
  const base::Json* last_outcome() const { return outcome_.is_null() ? nullptr : &outcome_; }
  // Long past while one is wanted and could begin.
  std::int64_t next_deadline() const {
    return phase_ == Phase::kIdle && wanted_ > number_ ? 0 : deadline_;
  }

 private:
  enum class Phase : std::uint8_t { kIdle, kOffering, kOffered };

  void begin(std::int64_t now);
  void offer(Role& gateway, std::int64_t now);
  void take(Role& gateway, std::string_view how);
  void refuse(std::string_view why);
  void end(base::Json outcome);

  Read read_;
  const base::Logger& log_;
  Phase phase_ = Phase::kIdle;
  std::uint64_t number_ = 0;  // of the last that was begun
  std::uint64_t wanted_ = 0;  // of the last that was asked for
  FreshSettings fresh_;
  std::uint64_t offered_to_ = 0;  // the gateway's generation
  bool answer_due_ = false;       // from it, even if nobody waits for it any more
  std::int64_t deadline_ = Liveness::kNever;
  base::Json outcome_;
  std::vector<base::Json> ended_;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_RELOAD_H_
