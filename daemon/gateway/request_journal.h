// One prompt's request as it was sent, and what came of it so far: enough to ask another engine for
// the rest, and to tell its answer from what the client has had already.
//
// What an engine says goes through record() before anybody else sees it. A repeated request makes
// the engine repeat some of it (PROTOCOL.md section 6); record() takes that out again.
#ifndef DAEMON_GATEWAY_REQUEST_JOURNAL_H_
#define DAEMON_GATEWAY_REQUEST_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/gateway/mailbox.h"
#include "daemon/ipc/messages.h"
#include "hardening/base/result.h"
#include "provisioning/sha256.h"

namespace daemon_gateway {

class RequestJournal {
 public:
  // Id, tenant, time and body_bytes of the submission are set. `context_tokens` bounds what a
  // choice can make.
  RequestJournal(Submission submission, std::uint32_t context_tokens);

  const daemon_ipc::RequestBegin& begin() const { return submission_.begin; }
  // Of what is asked, whoever asks and whatever the seed: two requests that would kill an engine
  // alike have the same.
  provisioning::Sha256Digest digest() const;
  // Memory it may come to hold.
  std::size_t bytes_max() const;

  // ---- asking -----------------------------------------------------------------------------------

  // Begins (again): the next messages ask an engine that knows nothing of it.
  void rewind();
  // The next message of the request, or nothing after the last.
  std::optional<daemon_ipc::Message> next_message();

  // ---- hearing ----------------------------------------------------------------------------------

  // Whether it is the first time, in which case the client is to be told. An Error where the engine
  // broke the protocol, as below.
  base::Result<bool> record(const daemon_ipc::Admitted& admitted);
  // Writes events down and leaves those that the client has not had.
  base::Status record(daemon_ipc::Events& events);

  // Grows with everything that is news. At one place in the answer it is the same, whoever asks.
  std::uint64_t position() const { return position_; }

  // Some engine has admitted it; the one that was asked last has.
  bool admitted() const { return tokens_max_.has_value(); }
  bool admitted_now() const { return admitted_now_; }
  // The engine that was asked last has nothing more to say of it.
  bool over() const { return engine_open_ == 0; }
  // Every choice has come to its natural end.
  bool finished() const;

 private:
  struct Choice {
    std::vector<std::int32_t> tokens;  // emitted so far
    std::size_t prompt_events = 0;     // of the prompt, given back
    std::size_t repeated = 0;          // of these, that the present engine will say once more
    daemon_ipc::EventFinish finish = daemon_ipc::EventFinish::kNone;  // as the client knows it
    bool closed = false;                                              // by the present engine
  };
  // Where next_message() is.
  struct Cursor {
    bool begun = false;
    std::size_t choice = 0;
    std::size_t token = 0;
    std::size_t byte = 0;
  };

  base::Result<bool> is_news(const daemon_ipc::Event& event);

  Submission submission_;
  std::size_t choice_tokens_max_;
  std::vector<Choice> choices_;
  Cursor cursor_;
  std::optional<std::uint32_t> tokens_max_;  // as admitted
  std::uint64_t position_ = 0;
  bool admitted_now_ = false;  // by the present engine
  std::size_t engine_open_;    // choices it has not closed
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_REQUEST_JOURNAL_H_
