#include "daemon/gateway/engine_links.h"

#include <algorithm>

namespace daemon_gateway {

using daemon_ipc::EngineCondition;

EngineLinks::EngineLinks(EngineStatus& status, const base::Clock& clock, const base::Logger& log)
    : shared_{status, clock, log} {
  seats_[current_] = std::make_unique<Seat>(0, shared_);
  current().link.show(true);
}

// The one of that number. A gateway that has heard nothing yet takes over whatever number it hears
// first.
EngineLinks::Seat* EngineLinks::find(std::uint64_t engine) {
  for (const auto& seat : seats_) {
    if (seat && seat->engine == engine) return seat.get();
  }
  if (engine < current().engine || current().link.heard()) return nullptr;
  current().engine = engine;
  return &current();
}

EngineLinks::Seat& EngineLinks::next(std::uint64_t engine) {
  if (next_ == kNone) {
    next_ = 0;
    while (seats_[next_]) ++next_;  // of three places at most two are taken
    seats_[next_] = std::make_unique<Seat>(engine, shared_);
  }
  seats_[next_]->engine = engine;
  return *seats_[next_];
}

// ---- the supervisor says ------------------------------------------------------------------------

void EngineLinks::connect(std::uint64_t engine, base::Fd channel) {
  if (Seat* seat = find(engine)) {
    seat->link.connect(std::move(channel));
  } else if (engine > current().engine) {
    next(engine).link.connect(std::move(channel));
  }
}

void EngineLinks::set_state(daemon_ipc::EngineState state) {
  if (Seat* seat = find(state.engine)) seat->link.set_state(std::move(state));
  settle();
}

void EngineLinks::engine_ended(const daemon_ipc::EngineEnded& ended) {
  if (Seat* seat = find(ended.engine)) seat->link.engine_ended(ended.from_outside);
  settle();
}

// ---- one model gives way to the next ------------------------------------------------------------

void EngineLinks::settle() {
  if (Seat* seat = at(next_); seat != nullptr && seat->link.greeted()) promote();
  if (Seat* seat = at(retiring_);
      seat != nullptr && seat->link.live() == 0 && undecided_at_switch_.empty()) {
    retire();
  }
}

void EngineLinks::promote() {
  if (Seat* former = at(retiring_)) {  // the supervisor is in a hurry
    former->link.set_state({EngineCondition::kDegraded, "its model is no longer served"});
    retire();
  }
  retiring_ = std::exchange(current_, std::exchange(next_, kNone));
  undecided_at_switch_ = undecided_;
  Seat& former = *seats_[retiring_];
  former.link.show(false);
  current().link.show(true);
  shared_.log.notice("another model is served",
                     {{"engine", static_cast<std::int64_t>(current().engine)},
                      {"requests_of_the_former", static_cast<std::int64_t>(former.link.live())}});
  if (former.link.live() > 0 || !undecided_at_switch_.empty()) {
    const std::size_t requests = std::max<std::size_t>(1, former.link.live());
    retirements_.push_back({former.engine, static_cast<std::uint32_t>(requests)});
  }
}

void EngineLinks::retire() {
  retirements_.push_back({seats_[retiring_]->engine, 0});
  seats_[retiring_].reset();
  undecided_at_switch_.clear();
  retiring_ = kNone;
}

// ---- the event loop -----------------------------------------------------------------------------

void EngineLinks::on_ready(std::size_t place) {
  if (!seats_[place]) return;  // retired in this very turn
  seats_[place]->link.on_ready();
  settle();
}

void EngineLinks::tick() {
  for_each([](std::size_t, Seat& seat) { seat.link.tick(); });
  settle();
}

void EngineLinks::decided(std::uint64_t connection) {
  undecided_.erase(connection);
  undecided_at_switch_.erase(connection);
  settle();
}

void EngineLinks::submit(const std::shared_ptr<Exchange>& exchange,
                         std::vector<Submission> prompts) {
  Seat* seat = &current();
  Seat* former = at(retiring_);
  if (former != nullptr && !prompts.empty()) {
    const std::string& model = prompts.front().model_digest;
    if (!seat->link.serves(model) && former->link.serves(model)) seat = former;
  }
  seat->link.submit(exchange, std::move(prompts));
}

void EngineLinks::cancel(const Exchange& exchange) {
  for_each([&exchange](std::size_t, Seat& seat) { seat.link.cancel(exchange); });
  settle();
}

// ---- the supervisor is to be told ---------------------------------------------------------------

std::vector<std::uint64_t> EngineLinks::take_wishes_for_introduction() {
  std::vector<std::uint64_t> engines;
  for_each([&engines](std::size_t, Seat& seat) {
    if (seat.link.take_wish_for_introduction()) engines.push_back(seat.engine);
  });
  return engines;
}

std::size_t EngineLinks::started() const {
  std::size_t started = 0;
  for (const auto& seat : seats_) started += seat ? seat->link.started() : 0;
  return started;
}

std::size_t EngineLinks::live() const {
  std::size_t live = 0;
  for (const auto& seat : seats_) live += seat ? seat->link.live() : 0;
  return live;
}

}  // namespace daemon_gateway
