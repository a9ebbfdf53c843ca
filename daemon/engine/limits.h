// What the engine role believes of the gateway at most. The gateway checks the same before; the engine checks again,
// because the gateway faces the network.
#ifndef DAEMON_ENGINE_LIMITS_H_
#define DAEMON_ENGINE_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "daemon/ipc/messages.h"

namespace daemon_engine {

inline constexpr std::size_t kBodyBytesMax = 32u << 20;       // one request's body
inline constexpr std::size_t kPendingBytesMax = 128u << 20;   // bodies of all requests still arriving
inline constexpr std::size_t kPendingRequestsMax = 1'024;     // requests still arriving
inline constexpr std::size_t kResumedTokensMax = 16u << 20;   // emitted before, of all requests still arriving
inline constexpr std::size_t kMessagesMax = 4'096;            // chat messages of one request
inline constexpr std::size_t kStopStringsMax = 16;
inline constexpr std::size_t kStopStringBytesMax = 1'024;
inline constexpr std::size_t kStopTokensMax = 64;
inline constexpr std::size_t kLogitBiasMax = 1'024;
inline constexpr std::uint32_t kChoicesMax = 16;

// Events waiting to be sent: beyond this the engine computes nothing more until the gateway has read.
inline constexpr std::size_t kOutgoingBytesMax = 4u << 20;
// One `events` message is filled up to this, so that any one more event still fits the packet.
inline constexpr std::size_t kEventsBytesGoal = 16'384;

static_assert(kEventsBytesGoal + daemon_ipc::kEventTextBytesMax +
                      (daemon_ipc::kTopLogprobsMax + 1) * (daemon_ipc::kTokenBytesMax + 16) + 1'024 <
                  daemon_ipc::kMessageBytesMax,
              "an events message takes one more event after it reached its goal");

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_LIMITS_H_
