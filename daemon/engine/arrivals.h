// Requests whose body is still arriving, in pieces (daemon/PROTOCOL.md section 4).
#ifndef DAEMON_ENGINE_ARRIVALS_H_
#define DAEMON_ENGINE_ARRIVALS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/ipc/messages.h"
#include "hardening/base/result.h"
#include "runtime/token.h"

namespace daemon_engine {

class Arrivals {
 public:
  struct Complete {
    daemon_ipc::RequestBegin begin;
    std::string body;
    // What each choice has emitted already; empty when none has.
    std::vector<std::vector<runtime::TokenId>> resume;
  };

  // The request, when it has no body to wait for. A breach of the protocol (an id twice, sizes beyond limits.h) is
  // an Error, after which the connection is ended.
  base::Result<std::optional<Complete>> begin(const daemon_ipc::RequestBegin& begin);
  // The request, when this was the last piece. Pieces of ids that are not arriving (cancelled) are dropped.
  base::Result<std::optional<Complete>> add(const daemon_ipc::RequestBody& piece);
  // Tokens of a choice that a former engine has emitted; a breach of the protocol is an Error. Those of ids that are
  // not arriving are dropped.
  base::Status add(const daemon_ipc::RequestResume& resume);
  // Whether it was still arriving.
  bool cancel(std::uint64_t id);
  void clear();

 private:
  using Map = std::unordered_map<std::uint64_t, Complete>;
  Complete take(Map::iterator found);

  Map arriving_;
  std::size_t promised_bytes_ = 0;  // of all bodies, as announced
  std::size_t resumed_tokens_ = 0;  // of all requests still arriving
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_ARRIVALS_H_
