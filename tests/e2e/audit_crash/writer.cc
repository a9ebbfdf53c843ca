#include "tests/e2e/audit_crash/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace audit_crash {

using base::Status;

void Writer::begin() {
  greeted_ = false;
  sealed_sent_ = 0;
}

bool Writer::send_one(daemon_ipc::Channel& channel, bool& full) {
  const Said& next = said_[sent_];
  const std::uint64_t number = sent_ + 1;
  Status status;
  if (sealed_sent_ < next.sealed.size()) {
    const std::size_t bytes =
        std::min(daemon_ipc::kSealedPieceBytesMax, next.sealed.size() - sealed_sent_);
    const auto* begin = reinterpret_cast<const std::byte*>(next.sealed.data()) + sealed_sent_;
    status = channel.send(daemon_ipc::SealedPiece{number, {begin, begin + bytes}});
    if (status.ok()) sealed_sent_ += bytes;
  } else {
    status = channel.send(daemon_ipc::Append{number, next.prove, next.type, next.body});
    if (status.ok()) {
      ++sent_;
      sealed_sent_ = 0;
    }
  }
  full = !status.ok() && status.error().code == base::ErrorCode::kUnavailable;
  return status.ok() || full;
}

bool Writer::send_some(daemon_ipc::Channel& channel) {
  bool full = false;
  while (greeted_ && !full && sent_ < said_.size()) {
    if (!send_one(channel, full)) return false;
  }
  return true;
}

Status Writer::take(const daemon_ipc::Message& message) {
  if (const auto* proof = std::get_if<daemon_ipc::Proof>(&message)) {
    proven_[proof->index] = proof->record;
    return {};
  }
  const auto* appended = std::get_if<daemon_ipc::Appended>(&message);
  if (appended == nullptr) return {};
  if (appended->through < acknowledged_ || appended->through > said_.size()) {
    return base::corrupt(fmt::format("writer {}: {} was acknowledged, now it is {}", name_,
                                     acknowledged_, appended->through));
  }
  acknowledged_ = appended->through;
  if (!greeted_) sent_ = acknowledged_;
  greeted_ = true;
  return {};
}

}  // namespace audit_crash
