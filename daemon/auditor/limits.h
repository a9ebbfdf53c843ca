// What the auditor holds for others at most. A writer that needs more is not read until there is
// room.
#ifndef DAEMON_AUDITOR_LIMITS_H_
#define DAEMON_AUDITOR_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "daemon/audit/records/record.h"
#include "daemon/audit/seal/sealed_text.h"

namespace daemon_auditor {

inline constexpr std::size_t kConfigBytesMax = 256u << 10;

inline constexpr std::size_t kWriterChannelsMax = 4;

// Reports that wait for the log, of all gateways together and of the supervisor. What a report
// takes: its body, and so much more.
inline constexpr std::size_t kWaitingBytesMax = 4u << 20;
inline constexpr std::size_t kSupervisorWaitingBytesMax = 8u << 20;
inline constexpr std::size_t kReportOverheadBytes = 256;
// Sealed texts, those that wait and those that are still coming in, of all writers together.
inline constexpr std::size_t kSealedWaitingBytesMax = std::size_t{64} << 20;
static_assert(kSealedWaitingBytesMax >= daemon_audit::kSealedBytesMax);
// Proofs that one writer has asked for and not been sent.
inline constexpr std::size_t kProofsWaitingMax = 64;
// Requests that one gateway has admitted and not finished.
inline constexpr std::size_t kOpenRequestsMax = 16'384;
// Messages that one channel has not taken yet.
inline constexpr std::size_t kOutboxMax = 1'024;

// Of a record's body.
inline constexpr std::size_t kBodyDepthMax = daemon_audit::kRecordDepthMax - 1;
inline constexpr std::size_t kBodyValuesMax = 4'096;

// What one batch takes of what waits; and what one turn of the loop takes from each channel.
inline constexpr std::size_t kBatchReportsMax = 256;
inline constexpr std::size_t kMessagesPerTurn = 256;
static_assert(kProofsWaitingMax <= kBatchReportsMax);

inline constexpr std::int64_t kRetryNs = 250'000'000;
inline constexpr std::int64_t kPublishNs = 1'000'000'000;
inline constexpr std::int64_t kTidyAtLeastNs = 100'000'000;  // even while reports keep coming
inline constexpr std::int64_t kTidyIdleNs = 60'000'000'000;  // retention, where nothing comes

}  // namespace daemon_auditor

#endif  // DAEMON_AUDITOR_LIMITS_H_
