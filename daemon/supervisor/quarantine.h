// The requests that no engine is to see again, by digest: each killed the engine twice. They
// outlive the gateway that found them out, not the service.
#ifndef DAEMON_SUPERVISOR_QUARANTINE_H_
#define DAEMON_SUPERVISOR_QUARANTINE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace daemon_supervisor {

class Quarantine {
 public:
  static constexpr std::size_t kDigestsMax = 1'024;  // the oldest goes first

  // False: it was known.
  bool add(std::string_view digest);

  std::size_t size() const { return digests_.size(); }

  // Whoever reads along starts with 0 and is given every digest once, also those that come later.
  // Null: that was all for now. Valid until the next add().
  const std::string* at(std::uint64_t place) const;
  std::uint64_t first_place(std::uint64_t wanted) const;  // `wanted`, or the oldest that is left

 private:
  std::deque<std::string> digests_;
  std::uint64_t dropped_ = 0;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_QUARANTINE_H_
