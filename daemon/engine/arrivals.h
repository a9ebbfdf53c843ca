// Requests whose body is still arriving, in pieces (daemon/PROTOCOL.md section 4).
#ifndef DAEMON_ENGINE_ARRIVALS_H_
#define DAEMON_ENGINE_ARRIVALS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "daemon/ipc/messages.h"
#include "hardening/base/result.h"

namespace daemon_engine {

class Arrivals {
 public:
  struct Complete {
    daemon_ipc::RequestBegin begin;
    std::string body;
  };

  // The request, when it has no body to wait for. A breach of the protocol (an id twice, sizes beyond limits.h) is
  // an Error, after which the connection is ended.
  base::Result<std::optional<Complete>> begin(const daemon_ipc::RequestBegin& begin);
  // The request, when this was the last piece. Pieces of ids that are not arriving (cancelled) are dropped.
  base::Result<std::optional<Complete>> add(const daemon_ipc::RequestBody& piece);
  // Whether it was still arriving.
  bool cancel(std::uint64_t id);
  void clear();

 private:
  std::unordered_map<std::uint64_t, Complete> arriving_;
  std::size_t promised_bytes_ = 0;  // of all bodies, as announced
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_ARRIVALS_H_
