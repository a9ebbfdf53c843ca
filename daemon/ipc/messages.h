// The messages of daemon/PROTOCOL.md as structs: bytes to value and back. Parsing bounds every
// field.
#ifndef DAEMON_IPC_MESSAGES_H_
#define DAEMON_IPC_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hardening/base/result.h"

namespace daemon_ipc {

inline constexpr std::size_t kMessageBytesMax = 65'536;
inline constexpr std::size_t kBodyChunkBytesMax = 32'768;
inline constexpr std::size_t kReportBytesMax = 16'384;
inline constexpr std::size_t kEventsPerMessageMax = 64;
inline constexpr std::size_t kResumedTokensPerMessageMax = 8'192;
inline constexpr std::size_t kTopLogprobsMax = 20;
inline constexpr std::size_t kTokenBytesMax = 1'024;  // bytes of one token's text
inline constexpr std::size_t kEventTextBytesMax = 16'384;
inline constexpr std::size_t kProgressTextBytesMax = 128;
inline constexpr std::size_t kStateTextBytesMax = 256;
inline constexpr std::size_t kRejectedTextBytesMax = 1'024;
inline constexpr std::size_t kModelIdBytesMax = 256;
inline constexpr std::size_t kRefusedNameBytesMax = 64;  // api_code and param
inline constexpr std::size_t kErrorTextBytesMax = 1'024;
inline constexpr std::uint32_t kRequestBodyBytesMax = 64u << 20;
inline constexpr std::size_t kDigestBytes = 32;           // SHA-256
inline constexpr std::size_t kModelDigestBytesMax = 128;  // hexadecimal
inline constexpr std::size_t kKernelsBytesMax = 64;
inline constexpr std::size_t kWeightsKeyBytesMax = 256;
inline constexpr std::size_t kReleaseDigestBytesMax = 128;  // hexadecimal
inline constexpr std::size_t kRecordTypeBytesMax = 64;      // of an audit record
inline constexpr std::size_t kRecordBodyBytesMax = 61'440;  // as canonical JSON
inline constexpr std::size_t kProvenRecordBytesMax =
    47'104;  // with its envelope; a longer one is not proven at once
inline constexpr std::size_t kSealedPieceBytesMax = 32'768;
inline constexpr std::size_t kProofBytesMax = 16'384;     // a tlog-proof, checkpoint included
inline constexpr std::size_t kNoteBytesMax = 16'384;      // a signed note
inline constexpr std::size_t kGpuFactsBytesMax = 61'440;  // of sixteen GPUs with their events
inline constexpr std::size_t kGpuMetricsBytesMax = 61'440;
inline constexpr std::size_t kGpusInUseMax = 16;     // daemon_health::kGpusMax
inline constexpr std::size_t kGpuUuidBytesMax = 96;  // daemon_health::kUuidBytesMax

enum class MessageType : std::uint16_t {
  kReady = 1,
  kProgress = 2,
  kAlive = 3,
  kPeerChannel = 4,
  kDrain = 5,
  kDrained = 6,
  kPing = 7,
  kEngineState = 8,
  kQuarantine = 9,
  kReload = 10,
  kReloaded = 11,
  kWeights = 12,
  kEngineEnded = 13,
  kPeerLost = 14,
  kRejected = 15,
  kRetiring = 16,
  kAuditChannel = 17,
  kGpuFacts = 18,
  kGpuMetrics = 19,
  kGpusInUse = 20,
  kHello = 32,
  kRequestBegin = 33,
  kRequestBody = 34,
  kCancel = 35,
  kAdmitted = 36,
  kRefused = 37,
  kEvents = 38,
  kRequestResume = 39,
  kStarted = 40,
  kAppend = 48,
  kSealedPiece = 49,
  kAppended = 50,
  kProof = 51,
  kAuditState = 52,
  kCosign = 53,
  kCosigned = 54,
};

// ---- control channel

struct Ready {
  std::string report;  // JSON object
};
struct Progress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::string what;
};
struct Alive {
  std::uint64_t work = 0;
  bool busy = false;
  std::string stats;  // JSON object
};
// The descriptor travels beside the message. Engines of one model follow each other under one
// number; a higher one is the next model's, whose engine takes all new requests from its hello on,
// while what is under way stays with the former.
struct PeerChannel {
  std::uint64_t engine = 0;
};
struct Drain {
  std::uint32_t timeout_ms = 0;
};
struct Drained {};
struct Ping {};
enum class EngineCondition : std::uint8_t {
  kStarting = 0,
  kReady = 1,
  kDown = 2,      // it failed and is started again
  kDegraded = 3,  // it keeps failing: nobody should wait for it
};
struct EngineState {
  EngineCondition condition = EngineCondition::kStarting;
  std::string text;
  std::uint64_t engine = 0;
};
// A request, by digest, that no engine is to see again.
struct Quarantine {
  std::string digest;  // kDigestBytes bytes
};
struct Reload {};  // the descriptor beside it: a sealed memfd with a fresh configuration
struct Reloaded {
  bool accepted = false;
  std::string text;  // why not
};
// How the engine ended, before the next one is introduced.
struct EngineEnded {
  bool from_outside = false;  // somebody ended it: no request is to blame
  std::uint64_t engine = 0;
};
// The data channel is of no more use: the roles are to be introduced anew.
struct PeerLost {
  std::uint64_t engine = 0;  // as the gateway knows it; an engine says 0, since it has one channel
};
// In `engine`: the channel between gateway and auditor (an auditor says nothing else).
inline constexpr std::uint64_t kAuditLink = ~std::uint64_t{0};
// The engine will not serve this model, however often it is started: a file or a signature is
// wrong, or it does not qualify.
struct Rejected {
  std::string text;  // why
};
// This engine gets no new requests any more, and has so many left.
struct Retiring {
  std::uint64_t engine = 0;
  std::uint32_t requests = 0;
};
// Beside it one end of the channel between a writer of the audit log and the auditor.
struct AuditChannel {
  std::uint64_t writer = 0;  // names this incarnation of the gateway, for ever
};
// What the health role saw of the GPUs, at one moment (daemon/health/gpu_facts.h).
struct GpuFacts {
  std::string snapshot;  // JSON object
};
// Of GPUs, in Prometheus' text format, as GET /metrics passes them on.
struct GpuMetrics {
  std::string text;
};
// UUIDs of the GPUs that the engine touches from here on: each alone as it is opened (several that
// are opened as one, together), then all that compute; none: the CPU. What the engine's end says of
// a GPU is said of those named last.
struct GpusInUse {
  std::vector<std::string> uuids;  // at most kGpusInUseMax of at most kGpuUuidBytesMax bytes
};
// The packed weights, for the engine that comes after: a sealed memfd beside the message.
struct Weights {
  std::uint64_t bytes = 0;
  std::string key;  // what they were made of and for; equal keys, equal contents
};

// ---- data channel

struct Hello {
  std::string model_id;
  std::int64_t created = 0;  // unix seconds
  std::uint32_t context_tokens = 0;
  std::uint32_t vocabulary = 0;
  std::uint32_t choices_max = 0;
  std::uint32_t sequences_max = 0;
  bool has_chat_template = false;
  // The tokens of a request follow from it, these two and nothing else: a stream goes on only where
  // both are what they were.
  std::string model_digest = {};
  std::string kernels = {};
  std::string release_digest = {};  // of the release's statement; empty: a bare model
};

enum class RequestKind : std::uint8_t { kChat = 0, kCompletion = 1 };

// Everything of fixed size; the variable parts follow as the body (JSON, body_bytes long).
struct RequestBegin {
  std::uint64_t id = 0;
  std::uint64_t tenant = 0;
  RequestKind kind = RequestKind::kChat;
  std::uint32_t choices = 1;
  std::uint32_t tokens_max = 0;  // 0: whatever the context leaves
  std::uint32_t tokens_min = 0;
  std::uint32_t top_logprobs = 0;
  bool logprobs = false;
  bool echo = false;  // completions: give the prompt back first
  bool ignore_end_tokens = false;
  bool include_stop_text = false;
  bool continue_final_message = false;
  bool add_generation_prompt = true;
  float temperature = 1;
  std::int32_t top_k = 0;
  float top_p = 1;
  float min_p = 0;
  float repetition_penalty = 1;
  float presence_penalty = 0;
  float frequency_penalty = 0;
  std::uint64_t seed = 0;
  std::int64_t time = 0;  // unix seconds, for the chat template: fixed when the request comes in
  std::uint32_t body_bytes = 0;
};
struct RequestBody {
  std::uint64_t id = 0;
  std::vector<std::byte> bytes;
};
// Tokens that a choice has emitted already, where a former engine died: appended to those of
// earlier messages. Between request_begin and the last piece of the body.
struct RequestResume {
  std::uint64_t id = 0;
  std::uint32_t choice = 0;
  std::vector<std::int32_t> tokens;
};
struct Cancel {
  std::uint64_t id = 0;
};
struct Admitted {
  std::uint64_t id = 0;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t tokens_max = 0;
};
// The engine is about to compute it for the first time.
struct Started {
  std::uint64_t id = 0;
};
struct Refused {
  std::uint64_t id = 0;
  base::ErrorCode code = base::ErrorCode::kInvalidInput;
  std::string api_code;  // "context_length_exceeded", …
  std::string param;     // the request field at fault, or empty
  std::string message;
};

struct EventLogprob {
  std::int32_t token = -1;
  float logprob = 0;
  std::string bytes;  // of the token's text; not necessarily UTF-8
};
enum class EventFinish : std::uint8_t {
  kNone = 0,
  kStop = 1,
  kLength = 2,
  kCancelled = 3,
  kError = 4
};
struct Event {
  std::uint32_t choice = 0;
  std::int32_t token = -1;  // -1: no token, only text or a finish
  bool prompt = false;      // a token of the prompt (echo with logprobs)
  EventFinish finish = EventFinish::kNone;
  std::string text;  // valid UTF-8
  bool has_logprob = false;
  EventLogprob logprob;             // of `token`, when has_logprob
  std::vector<EventLogprob> top;    // best first
  std::uint32_t prompt_tokens = 0;  // in finishing events, as the next two
  std::uint32_t completion_tokens = 0;
  std::uint32_t cached_prompt_tokens = 0;
  std::uint64_t device_us = 0;  // compute time charged to this choice by this engine
  std::string error;            // with kError
};
struct Events {
  std::uint64_t id = 0;
  std::vector<Event> events;
};

// ---- audit channel (the supervisor's own records: the auditor's control channel)

// Records of one writer are numbered 1, 2, 3 …; one that was appended already is acknowledged and
// not appended again.
struct Append {
  std::uint64_t number = 0;
  bool prove = false;  // a Proof is wanted
  std::string type;    // daemon/audit/RECORDS.md: "request.admitted"
  std::string body;    // a JSON object
};
// Of the sealed text that belongs to the append of that number, which follows the last piece.
struct SealedPiece {
  std::uint64_t number = 0;
  std::vector<std::byte> bytes;
};
// Every record of this writer up to that number is durable. Also the auditor's first word on a
// channel.
struct Appended {
  std::uint64_t through = 0;
};
// Before the Appended that covers it.
struct Proof {
  std::uint64_t number = 0;
  std::uint64_t index = 0;  // of the leaf
  std::string record;       // the leaf
  std::string proof;        // a C2SP tlog-proof with the checkpoint it leads to
};
enum class AuditCondition : std::uint8_t { kAppending = 0, kFailing = 1 };
// After the first Appended, and when it changes. While it fails nothing is lost: what was sent is
// appended when that is possible again.
struct AuditState {
  AuditCondition condition = AuditCondition::kAppending;
  std::string text;  // why it fails
};
// A checkpoint of this log that came back with a witness's signature.
struct Cosign {
  std::uint64_t ticket = 0;
  std::string note;
};
struct Cosigned {
  std::uint64_t ticket = 0;
  bool accepted = false;
  std::string text;  // why not; else the witness and the size
};

using Message =
    std::variant<Ready, Progress, Alive, PeerChannel, Drain, Drained, Ping, EngineState, Quarantine,
                 Reload, Reloaded, Weights, EngineEnded, PeerLost, Rejected, Retiring, AuditChannel,
                 GpuFacts, GpuMetrics, GpusInUse, Hello, RequestBegin, RequestBody, Cancel,
                 Admitted, Refused, Events, RequestResume, Started, Append, SealedPiece, Appended,
                 Proof, AuditState, Cosign, Cosigned>;

MessageType message_type(const Message& message);
std::string_view message_name(
    MessageType type);  // "request_begin"; "unknown" for numbers not listed

// How many descriptors travel beside the message: 0 or 1.
std::size_t descriptors_of(const Message& message);

// A value over its row's limit is a bug and aborts; so is an Events of more than kMessageBytesMax
// (see event_bytes). Texts are UTF-8, but for the bytes of a token; numbers are never NaN.
std::vector<std::byte> serialize(const Message& message);

// How many bytes one event takes in an Events message: a sender packs events while the sum stays
// within kEventsBytesMax. One event alone always fits.
std::size_t event_bytes(const Event& event);
inline constexpr std::size_t kEventsBytesMax =
    kMessageBytesMax - 2 - 8 - 2;  // less type, id and count

// kInvalidInput names the message and the field. Serialising the value again gives the same bytes.
base::Result<Message> parse(std::span<const std::byte> bytes);

}  // namespace daemon_ipc

#endif  // DAEMON_IPC_MESSAGES_H_
