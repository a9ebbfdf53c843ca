#include "daemon/engine/arrivals.h"

#include <fmt/format.h>

#include "daemon/engine/limits.h"

namespace daemon_engine {

base::Result<std::optional<Arrivals::Complete>> Arrivals::begin(const daemon_ipc::RequestBegin& begin) {
  if (begin.body_bytes > kBodyBytesMax) {
    return base::exhausted(fmt::format("request_begin.body_bytes: {}, limit {}", begin.body_bytes, kBodyBytesMax));
  }
  if (arriving_.contains(begin.id)) return base::invalid_input("request_begin.id: in use");
  if (begin.body_bytes == 0) return std::optional(Complete{begin, {}});
  if (arriving_.size() >= kPendingRequestsMax || promised_bytes_ + begin.body_bytes > kPendingBytesMax) {
    return base::exhausted(fmt::format("requests arriving: limits are {} requests and {} bytes", kPendingRequestsMax,
                                       kPendingBytesMax));
  }
  promised_bytes_ += begin.body_bytes;
  arriving_.emplace(begin.id, Complete{begin, {}});
  return std::optional<Complete>();
}

base::Result<std::optional<Arrivals::Complete>> Arrivals::add(const daemon_ipc::RequestBody& piece) {
  const auto found = arriving_.find(piece.id);
  if (found == arriving_.end()) return std::optional<Complete>();
  Complete& request = found->second;
  if (piece.bytes.size() > request.begin.body_bytes - request.body.size()) {
    return base::invalid_input("request_body: more bytes than request_begin announced");
  }
  request.body.append(reinterpret_cast<const char*>(piece.bytes.data()), piece.bytes.size());
  if (request.body.size() < request.begin.body_bytes) return std::optional<Complete>();
  promised_bytes_ -= request.begin.body_bytes;
  std::optional<Complete> complete(std::move(request));
  arriving_.erase(found);
  return complete;
}

bool Arrivals::cancel(std::uint64_t id) {
  const auto found = arriving_.find(id);
  if (found == arriving_.end()) return false;
  promised_bytes_ -= found->second.begin.body_bytes;
  arriving_.erase(found);
  return true;
}

void Arrivals::clear() {
  arriving_.clear();
  promised_bytes_ = 0;
}

}  // namespace daemon_engine
