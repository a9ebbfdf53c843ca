// Which requests are taken up: so many at a time, shared fairly between keys. Those that are not
// are told when to come again, by how long requests have been taking.
#ifndef DAEMON_GATEWAY_ADMISSION_H_
#define DAEMON_GATEWAY_ADMISSION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "daemon/gateway/api_error.h"

namespace daemon_gateway {

// As workers and load balancers see it.
struct Load {
  bool draining = false;
  bool full = false;                // no further request is taken up now
  std::uint32_t retry_after_s = 2;  // when one probably is
  bool audited = true;              // what is admitted now can be recorded
  std::string unaudited_why = {};   // why not
};

// One thread.
class Admission {
 public:
  // `slots` requests at a time; of one key at most `key_slots` (0: what fairness leaves).
  Admission(std::uint32_t slots, std::uint32_t key_slots) : slots_(slots), key_slots_(key_slots) {}
  void set_key_slots(std::uint32_t key_slots) { key_slots_ = key_slots; }

  // Whether a request of this key would be taken up: else 503 when all slots are taken, 429 when
  // the key has its share. The last eighth of the slots is kept for keys that hold less than
  // theirs.
  ApiStatus check(std::uint64_t tenant) const;

  void begin(std::uint64_t tenant);
  // `took_ns`: from begin().
  void end(std::uint64_t tenant, std::int64_t took_ns);

  std::size_t running() const { return running_; }
  bool full() const { return running_ >= slots_; }
  // Seconds until one of `holders` requests probably ends: 1 to 60.
  std::uint32_t retry_after_s(std::size_t holders) const;
  std::uint32_t retry_after_s() const { return retry_after_s(running_); }

 private:
  std::size_t held_by(std::uint64_t tenant) const;

  std::size_t slots_;
  std::size_t key_slots_;
  std::size_t running_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> by_tenant_;  // of those that have any
  double mean_s_ = 0;  // of what requests took lately; 0: not known
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_ADMISSION_H_
