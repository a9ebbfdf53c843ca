// Which request kills the engine.
//
// An engine that dies takes everything with it that it was working on, and most of that is
// innocent. What a request's next token is follows from the request alone, so one that kills the
// engine does so at the same place each time: it is one that gets no further between two deaths.
// Where several got no further, each is given an engine in which nothing else is in doubt, one
// after the other, until one has killed it or all have got further.
#ifndef DAEMON_GATEWAY_CRASH_BLAME_H_
#define DAEMON_GATEWAY_CRASH_BLAME_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "provisioning/sha256.h"

namespace daemon_gateway {

// Requests are known by digest (RequestJournal::digest), so that one that comes again, after its
// client lost patience, is the same. One thread.
class CrashBlame {
 public:
  using Digest = provisioning::Sha256Digest;
  struct Suspect {
    Digest request;
    std::uint64_t position = 0;  // how far it had got: RequestJournal::position
  };

  // An engine died that was working on these requests. The one that is to blame, where there is no
  // doubt; it is forgotten, and must not be run again.
  std::optional<Digest> engine_died(std::span<const Suspect> present);

  // Whether that clears it, the request has got to `position`.
  void got_to(const Digest& request, std::uint64_t position);
  // It came to its end, so an engine survived all of it: whatever was suspected is cleared.
  void finished(const Digest& request) { clear(request); }
  // Nobody wants it any more: it is not tried, but neither is it cleared.
  void abandoned(const Digest& request);

  // Whether an engine may have it now: not while others must be found guilty or innocent first.
  bool may_run(const Digest& request) const;

  // Nothing is suspected: none of the above needs to be asked.
  bool empty() const { return stuck_.empty(); }

 private:
  void clear(const Digest& request);

  static constexpr std::size_t kStuckMax = 4'096;

  // Requests that an engine died with and that have got no further since, and where that was.
  std::map<Digest, std::uint64_t> stuck_;
  // Those of them that several deaths had in common. The first is being tried.
  std::set<Digest> doubtful_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_CRASH_BLAME_H_
