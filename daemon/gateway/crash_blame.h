// Which request kills the engine.
//
// An engine that dies takes everything with it that it was working on, and most of that is
// innocent. What a request's next token is follows from the request alone, so one that kills the
// engine does so at the same place each time: it is one that gets no further between two deaths.
// Where several got no further, each is given an engine in which nothing else is in doubt, one
// after the other, until one has killed it or all have got further.
#ifndef DAEMON_GATEWAY_CRASH_BLAME_H_
#define DAEMON_GATEWAY_CRASH_BLAME_H_

#include <cstdint>
#include <optional>
#include <set>
#include <span>

namespace daemon_gateway {

// Numbers stand for requests, the older the smaller. One thread.
class CrashBlame {
 public:
  // An engine died that was working on these requests. The one that is to blame, where there is no doubt; it
  // is forgotten, and must not be run again.
  std::optional<std::uint64_t> engine_died(std::span<const std::uint64_t> present);

  // The request was heard of since the engine has it.
  void got_further(std::uint64_t request);
  // It is over, however.
  void ended(std::uint64_t request);

  // Whether an engine may have it now: not while others must be found guilty or innocent first.
  bool may_run(std::uint64_t request) const;

 private:
  // Requests that an engine died with and that have got no further since.
  std::set<std::uint64_t> stuck_;
  // Those of them that several deaths had in common. The first is being tried.
  std::set<std::uint64_t> doubtful_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_CRASH_BLAME_H_
