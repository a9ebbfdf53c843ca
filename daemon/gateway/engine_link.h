// The gateway's end of the data channel (daemon/PROTOCOL.md section 4): sends prompts, hands each
// exchange its news, and holds the engine to the protocol. Belongs to the event loop's thread;
// never blocks.
//
// An engine that goes away takes no request with it: each is written down (request_journal.h) and
// asked of the next engine, which goes on where this one ended. A request that kills engines is
// found out (crash_blame.h) and ended.
#ifndef DAEMON_GATEWAY_ENGINE_LINK_H_
#define DAEMON_GATEWAY_ENGINE_LINK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/gateway/crash_blame.h"
#include "daemon/gateway/engine_status.h"
#include "daemon/gateway/exchange.h"
#include "daemon/gateway/quarantine.h"
#include "daemon/gateway/request_journal.h"
#include "daemon/ipc/channel.h"
#include "hardening/base/clock.h"
#include "hardening/base/log.h"

namespace daemon_gateway {

// What all links of a gateway have in common.
struct LinkShared {
  EngineStatus& status;
  const base::Clock& clock;
  const base::Logger& log;
  Quarantine quarantine = {};
  std::vector<provisioning::Sha256Digest> quarantined = {};  // here, and not told yet
  std::size_t journal_bytes = 0;  // what all requests under way may come to hold
  std::uint64_t resumed_total = 0;
  std::uint64_t quarantined_total = 0;
};

class EngineLink {
 public:
  // `shared` outlives this.
  explicit EngineLink(LinkShared& shared) : shared_(shared) {}

  // Whether workers are told of this engine: from the beginning of it on, or no longer.
  void show(bool on);

  // A new engine's channel; requests of the former one go to it.
  void connect(base::Fd channel);
  void set_state(daemon_ipc::EngineState state);
  // The engine has ended; from outside, no request is to blame.
  void engine_ended(bool from_outside);
  // Now and then: an engine that stays away for long stops being waited for by newcomers.
  void tick();

  // There will be an engine soon: the supervisor has not said yet what it does, or has said that
  // the one there was is being restarted, or it is imminent.
  bool expected() const {
    const bool restarted = state_.condition == daemon_ipc::EngineCondition::kDown;
    return !heard_ || (!known_ && restarted) || imminent();
  }
  // … in a matter of milliseconds: the supervisor has said that it is ready, or has introduced us
  // and it has not greeted.
  bool imminent() const {
    const bool ready = state_.condition == daemon_ipc::EngineCondition::kReady;
    return !known_ && (ready || channel_);
  }

  // Something was said of or by its engine.
  bool heard() const { return heard_; }
  // Its engine, or the last one, said what it serves.
  bool greeted() const { return known_.has_value(); }
  bool serves(std::string_view model_digest) const {
    return known_ && known_->model_digest == model_digest;
  }

  // To be polled; -1 while there is no engine.
  int fd() const { return channel_ ? channel_->fd() : -1; }
  bool wants_write() const { return !outgoing_.empty(); }
  // Counts connect(): a new channel may have the number of the old one.
  std::uint64_t connections() const { return connections_; }
  // The channel cannot be used.
  void abandon(std::string reason) { lose(std::move(reason)); }
  // Once for each channel that was lost: the supervisor is to be asked for another, in case the
  // engine is still there.
  bool take_wish_for_introduction() { return std::exchange(wants_introduction_, false); }
  // Poll says something happened: receives all that waits, sends what fits.
  void on_ready();

  // Sends the prompts, at once or to the engine to come. An exchange that cannot be served is told.
  void submit(const std::shared_ptr<Exchange>& exchange, std::vector<Submission> prompts);
  // Cancels what is left of an exchange. Harmless when nothing is.
  void cancel(const Exchange& exchange);

  std::size_t live() const { return live_.size(); }
  // Those of them that the engine computes.
  std::size_t started() const;

 private:
  struct Live {
    std::shared_ptr<Exchange> exchange;  // null once cancelled: what still comes is dropped
    std::uint32_t prompt = 0;
    RequestJournal journal;
    std::string model_id;       // as the client asked for it
    std::string made_by;        // model and kernels that its tokens follow from; empty: none yet
    bool handed_over = false;   // to the present engine, or queued for it
    bool started = false;       // it has begun to compute it
    std::uint32_t resumed = 0;  // engines it has had after the first
    std::optional<provisioning::Sha256Digest> digest = {};  // once it was asked for
  };
  using LiveMap = std::map<std::uint64_t, Live>;  // the oldest first
  struct Outgoing {
    std::uint64_t id = 0;
    bool cancel = false;  // else the request itself, message by message
  };

  bool receive_some();
  base::Status take(daemon_ipc::Message message);
  base::Status take_hello(daemon_ipc::Hello hello);
  base::Status take_admitted(const daemon_ipc::Admitted& admitted);
  base::Status take_started(const daemon_ipc::Started& started);
  base::Status take_refused(daemon_ipc::Refused refused);
  base::Status take_events(daemon_ipc::Events events);
  static const provisioning::Sha256Digest& digest_of(Live& live);
  void report_recovery();
  void deliver(Live& live, EngineNews news);
  void add(const std::shared_ptr<Exchange>& exchange, std::uint32_t prompt, Submission submission);
  void hand_over();
  void drop(const Exchange& exchange);
  void end(LiveMap::iterator live);
  void end_abandoned();
  void end_all();
  void flush();
  std::optional<daemon_ipc::Message> next_message();
  void lose(std::string reason);
  void judge();
  void condemn(const provisioning::Sha256Digest& digest);
  void publish();

  LinkShared& shared_;
  bool shown_ = false;
  std::optional<daemon_ipc::Channel> channel_;
  std::optional<daemon_ipc::Hello> hello_;  // of the present engine
  std::optional<daemon_ipc::Hello> known_;  // of the last one
  daemon_ipc::EngineState state_;
  bool heard_ = false;  // of the engine, at all
  bool wants_introduction_ = false;
  std::int64_t lost_ns_ = 0;
  bool interrupted_ = false;  // requests were under way then, and none of them has gone on since
  std::uint64_t connections_ = 0;
  std::uint64_t next_id_ = 1;
  LiveMap live_;
  std::size_t waiting_ = 0;  // of them: not handed over
  CrashBlame blame_;
  std::vector<CrashBlame::Suspect>
      suspects_;  // an engine went away with them, how is not known yet
  std::deque<Outgoing> outgoing_;
  std::optional<daemon_ipc::Message> unsent_;  // of the first of them
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_ENGINE_LINK_H_
