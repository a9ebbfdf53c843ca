// The engines the gateway talks to: one, but for the time in which one model gives way to the next.
//
//   connect(n), n the current number    its engine is back: requests go on (engine_link.h)
//   connect(n), n higher                the next model's engine; until it has said hello,
//   everything
//                                       goes to the current one as before
//   its hello                           it is the current one. The former is retiring: it gets
//                                       nothing new but the requests that were checked for its
//                                       model a moment ago, and finishes what it has
//   nothing left                        the supervisor is told (`retiring`, 0 requests), and the
//   link
//                                       is gone
//
// A retiring engine that dies is restarted and introduced under its number like any other; when the
// supervisor calls it degraded, what is left of its requests ends.
#ifndef DAEMON_GATEWAY_ENGINE_LINKS_H_
#define DAEMON_GATEWAY_ENGINE_LINKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "daemon/gateway/engine_link.h"

namespace daemon_gateway {

// Belongs to the event loop's thread; never blocks.
class EngineLinks {
 public:
  static constexpr std::size_t kPlaces = 3;  // for_each() and on_ready() know seats by place

  struct Seat {
    Seat(std::uint64_t number, LinkShared& shared) : engine(number), link(shared) {}
    std::uint64_t engine;  // as the supervisor numbers them; 0: not known yet
    EngineLink link;
    // The event loop's: the connection that epoll knows (EngineLink::connections), and for what.
    std::uint64_t watched = 0;
    std::uint32_t armed = 0;
  };

  EngineLinks(EngineStatus& status, const base::Clock& clock, const base::Logger& log);

  // ---- the supervisor says ----------------------------------------------------------------------

  void connect(std::uint64_t engine, base::Fd channel);
  void set_state(daemon_ipc::EngineState state);
  void engine_ended(const daemon_ipc::EngineEnded& ended);
  void quarantine(const provisioning::Sha256Digest& digest) { shared_.quarantine.add(digest); }

  // ---- the event loop ---------------------------------------------------------------------------

  template <typename Visit>
  void for_each(Visit visit) {
    for (std::size_t place = 0; place < kPlaces; ++place) {
      if (seats_[place]) visit(place, *seats_[place]);
    }
  }
  void on_ready(std::size_t place);
  void tick();

  // A request was given to a worker, which knows the model of this moment; it has submitted its
  // prompts, or never will.
  void expect(std::uint64_t connection) { undecided_.insert(connection); }
  void decided(std::uint64_t connection);
  // To the engine of the model that they were checked for, while there is one.
  void submit(const std::shared_ptr<Exchange>& exchange, std::vector<Submission> prompts);
  void cancel(const Exchange& exchange);

  // There will be an engine soon (EngineLink::expected).
  bool expected() const { return current().link.expected(); }

  // ---- the supervisor is to be told -------------------------------------------------------------

  std::vector<std::uint64_t> take_wishes_for_introduction();
  std::vector<daemon_ipc::Retiring> take_retirements() { return std::exchange(retirements_, {}); }
  std::vector<provisioning::Sha256Digest> take_quarantined() {
    return std::exchange(shared_.quarantined, {});
  }

  std::size_t live() const;
  std::size_t started() const;
  std::uint64_t resumed_total() const { return shared_.resumed_total; }
  std::uint64_t quarantined_total() const { return shared_.quarantined_total; }

 private:
  using Seats = std::array<std::unique_ptr<Seat>, kPlaces>;
  static constexpr std::size_t kNone = kPlaces;

  Seat& current() { return *seats_[current_]; }
  const Seat& current() const { return *seats_[current_]; }
  Seat* at(std::size_t place) { return place == kNone ? nullptr : seats_[place].get(); }
  Seat* find(std::uint64_t engine);
  Seat& next(std::uint64_t engine);
  // Does what follows from what was just heard.
  void settle();
  void promote();
  void retire();

  LinkShared shared_;
  Seats seats_;
  std::size_t current_ = 0;
  std::size_t next_ = kNone;
  std::size_t retiring_ = kNone;
  std::set<std::uint64_t> undecided_;            // by connection
  std::set<std::uint64_t> undecided_at_switch_;  // those of them that may know the former model
  std::vector<daemon_ipc::Retiring> retirements_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_ENGINE_LINKS_H_
