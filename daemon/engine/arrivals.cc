#include "daemon/engine/arrivals.h"

#include <fmt/format.h>

#include "daemon/engine/limits.h"

namespace daemon_engine {

base::Result<std::optional<Arrivals::Complete>> Arrivals::begin(const daemon_ipc::RequestBegin& begin) {
  if (begin.body_bytes > kBodyBytesMax) {
    return base::exhausted(fmt::format("request_begin.body_bytes: {}, limit {}", begin.body_bytes, kBodyBytesMax));
  }
  if (arriving_.contains(begin.id)) return base::invalid_input("request_begin.id: in use");
  if (begin.body_bytes == 0) return std::optional(Complete{begin, {}, {}});
  if (arriving_.size() >= kPendingRequestsMax || promised_bytes_ + begin.body_bytes > kPendingBytesMax) {
    return base::exhausted(fmt::format("requests arriving: limits are {} requests and {} bytes", kPendingRequestsMax,
                                       kPendingBytesMax));
  }
  promised_bytes_ += begin.body_bytes;
  arriving_.emplace(begin.id, Complete{begin, {}, {}});
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
  return std::optional(take(found));
}

base::Status Arrivals::add(const daemon_ipc::RequestResume& resume) {
  const auto found = arriving_.find(resume.id);
  if (found == arriving_.end()) return {};
  Complete& request = found->second;
  if (resume.choice >= request.begin.choices || request.begin.choices > kChoicesMax) {
    return base::invalid_input("request_resume.choice: the request has fewer");
  }
  if (resume.tokens.size() > kResumedTokensMax - resumed_tokens_) {
    return base::exhausted(fmt::format("request_resume.tokens: limit {} of all requests arriving", kResumedTokensMax));
  }
  request.resume.resize(request.begin.choices);
  auto& tokens = request.resume[resume.choice];
  tokens.insert(tokens.end(), resume.tokens.begin(), resume.tokens.end());
  resumed_tokens_ += resume.tokens.size();
  return {};
}

Arrivals::Complete Arrivals::take(Map::iterator found) {
  Complete request = std::move(found->second);
  arriving_.erase(found);
  promised_bytes_ -= request.begin.body_bytes;
  for (const auto& tokens : request.resume) resumed_tokens_ -= tokens.size();
  return request;
}

bool Arrivals::cancel(std::uint64_t id) {
  const auto found = arriving_.find(id);
  if (found == arriving_.end()) return false;
  (void)take(found);
  return true;
}

void Arrivals::clear() {
  arriving_.clear();
  promised_bytes_ = 0;
  resumed_tokens_ = 0;
}

}  // namespace daemon_engine
