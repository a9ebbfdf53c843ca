// Every bound of the gateway that is not a setting: what a client may make us hold, and for how
// long. Settings (connections, body size, deadlines) are in gateway_config.h.
#ifndef DAEMON_GATEWAY_LIMITS_H_
#define DAEMON_GATEWAY_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "daemon/ipc/messages.h"

namespace daemon_gateway {

// ---- HTTP, checked before the library sees a byte -----------------------------------------------
inline constexpr std::size_t kHeadLineBytesMax = 8'192;
inline constexpr std::size_t kHeadBytesMax = 32'768;
inline constexpr std::size_t kHeadFieldsMax = 100;
inline constexpr std::size_t kPathBytesMax = 256;
inline constexpr std::size_t kChunkLineBytesMax = 16;  // hexadecimal digits of a chunk's size
inline constexpr std::size_t kChunksMax =
    65'536;  // chunks of one body: tiny ones cost more than they carry
inline constexpr std::uint32_t kRequestsPerConnectionMax = 1'000;
inline constexpr std::uint32_t kIdleTimeoutSeconds = 60;  // between two requests of one connection

// ---- memory -------------------------------------------------------------------------------------
inline constexpr std::size_t kReadBytes =
    16'384;  // the payload of one TLS record: nothing stays inside OpenSSL
inline constexpr std::size_t kReadsPerTurn = 4;  // then it is another connection's turn
inline constexpr std::size_t kOutputBytesMax =
    65'536;  // one connection's answer waiting for its reader
inline constexpr int kSendBufferBytes =
    131'072;  // in the kernel; a slow reader is noticed beyond it
inline constexpr std::size_t kBodiesBytesMax = std::size_t{256}
                                               << 20;       // all request bodies together
inline constexpr std::size_t kEngineMessagesPerTurn = 256;  // then it is the clients' turn
inline constexpr std::size_t kControlQueuedMax = 64;  // messages the supervisor has not read yet
inline constexpr std::size_t kNewsQueuedMax =
    4'096;  // engine messages waiting for one request's worker
inline constexpr std::size_t kNewsBytesMax = std::size_t{16} << 20;  // and what they hold
inline constexpr std::size_t kJournalBytesMax =
    std::size_t{512} << 20;  // requests being worked on, to be asked again if need be
inline constexpr std::size_t kEngineBodyBytesMax =
    std::size_t{32} << 20;  // one prompt for the engine, escaped again
inline constexpr std::size_t kResponseTextBytesMax = std::size_t{64}
                                                     << 20;  // one answer that is not streamed
inline constexpr std::size_t kAuditKeptBytesMax =
    std::size_t{128} << 20;  // records, sealed texts included, that are not durable yet
inline constexpr std::size_t kRefusalSourcesMax =
    256;  // keys and addresses whose refusals are counted apart
inline constexpr std::size_t kWorkerStackBytes = std::size_t{512} << 10;

// ---- time ---------------------------------------------------------------------------------------
inline constexpr std::uint32_t kDrainNewcomerMs = 1'000;  // for a request to begin, while draining
inline constexpr std::uint32_t kIntroductionMs =
    2'000;                                         // for the supervisor to introduce the engine
inline constexpr std::uint32_t kTickMs = 100;      // how often deadlines are looked at
inline constexpr std::uint32_t kLingerMs = 2'000;  // after our last byte, for the client to read it
inline constexpr std::size_t kLingerBytesMax =
    std::size_t{16} << 20;  // of a body nobody wants, thrown away meanwhile
inline constexpr std::uint32_t kProbeMs =
    1'000;  // between questions whether a half-closed client still reads
inline constexpr std::size_t kWriteProgressBytes =
    4'096;  // a reader must take this much per write timeout
inline constexpr std::uint32_t kRetryAfterSeconds = 2;  // until it is known how long requests take
inline constexpr std::uint32_t kStartRetryS = 5;        // Retry-After while a model is loaded,
inline constexpr std::uint32_t kRecoveryRetryS = 1;     // while an engine is replaced,
inline constexpr std::uint32_t kDegradedRetryS = 60;    // while it keeps failing,
inline constexpr std::uint32_t kRestartRetryS = 10;     // while the service stops,
inline constexpr std::uint32_t kAuditRetryS = 2;        // and while nothing can be recorded
inline constexpr std::uint32_t kAuditPatienceMs =
    1'000;  // for a record to become durable, and for an auditor to be replaced
inline constexpr std::uint32_t kCompletionRecordMs =
    30'000;  // for the record of an answer that is complete but for its end
inline constexpr std::int64_t kRecoveryMs =
    10'000;  // newcomers wait for the next engine this long after the last was lost

// ---- the API ------------------------------------------------------------------------------------
inline constexpr std::size_t kJsonDepthMax = 16;
inline constexpr std::size_t kJsonValuesMax = 400'000;
inline constexpr std::size_t kMessagesMax = 2'048;
inline constexpr std::size_t kContentPartsMax = 256;
inline constexpr std::size_t kNameBytesMax = 64;
inline constexpr std::size_t kUserBytesMax = 256;
inline constexpr std::size_t kMetadataPairsMax = 16;
inline constexpr std::size_t kMetadataKeyBytesMax = 64;
inline constexpr std::size_t kMetadataValueBytesMax = 512;
inline constexpr std::size_t kTagBytesMax = 64;
inline constexpr std::size_t kStopStringsMax = 16;
inline constexpr std::size_t kStopStringBytesMax = 256;
inline constexpr std::size_t kStopTokensMax = 64;
inline constexpr std::size_t kLogitBiasMax = 1'024;
inline constexpr std::size_t kPromptsMax = 16;  // prompts of one completion request
inline constexpr std::size_t kChoicesTotalMax =
    256;  // of all prompts: each has its place in the record of the answer
inline constexpr std::uint32_t kTopLogprobsMax = daemon_ipc::kTopLogprobsMax;
inline constexpr std::uint32_t kCompletionTokensDefault = 16;  // the legacy endpoint's max_tokens

static_assert(kEngineBodyBytesMax <= daemon_ipc::kRequestBodyBytesMax);
static_assert(kHeadLineBytesMax < kHeadBytesMax);
static_assert(kPathBytesMax < kHeadLineBytesMax);
static_assert(kWriteProgressBytes <= kOutputBytesMax);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_LIMITS_H_
