#include "daemon/ipc/messages.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "daemon/ipc/field_io.h"
#include "daemon/ipc/message_fields.h"
#include "hardening/base/byte_reader.h"
#include "hardening/base/check.h"

namespace daemon_ipc {
namespace {

struct Row {
  MessageType type;
  std::string_view name;
};

// In the order of the alternatives of Message.
constexpr std::array<Row, std::variant_size_v<Message>> kRows{{
    {MessageType::kReady, "ready"},
    {MessageType::kProgress, "progress"},
    {MessageType::kAlive, "alive"},
    {MessageType::kPeerChannel, "peer_channel"},
    {MessageType::kDrain, "drain"},
    {MessageType::kDrained, "drained"},
    {MessageType::kPing, "ping"},
    {MessageType::kEngineState, "engine_state"},
    {MessageType::kQuarantine, "quarantine"},
    {MessageType::kReload, "reload"},
    {MessageType::kReloaded, "reloaded"},
    {MessageType::kWeights, "weights"},
    {MessageType::kEngineEnded, "engine_ended"},
    {MessageType::kPeerLost, "peer_lost"},
    {MessageType::kRejected, "rejected"},
    {MessageType::kRetiring, "retiring"},
    {MessageType::kAuditChannel, "audit_channel"},
    {MessageType::kGpuFacts, "gpu_facts"},
    {MessageType::kGpuMetrics, "gpu_metrics"},
    {MessageType::kGpusInUse, "gpus_in_use"},
    {MessageType::kHello, "hello"},
    {MessageType::kRequestBegin, "request_begin"},
    {MessageType::kRequestBody, "request_body"},
    {MessageType::kCancel, "cancel"},
    {MessageType::kAdmitted, "admitted"},
    {MessageType::kRefused, "refused"},
    {MessageType::kEvents, "events"},
    {MessageType::kRequestResume, "request_resume"},
    {MessageType::kStarted, "started"},
    {MessageType::kAppend, "append"},
    {MessageType::kSealedPiece, "sealed_piece"},
    {MessageType::kAppended, "appended"},
    {MessageType::kProof, "proof"},
    {MessageType::kAuditState, "audit_state"},
    {MessageType::kCosign, "cosign"},
    {MessageType::kCosigned, "cosigned"},
}};

// The largest event there can be fits in a message on its own.
static_assert(kEventsBytesMax > 64 + kEventTextBytesMax + kErrorTextBytesMax +
                                    (1 + kTopLogprobsMax) * (kTokenBytesMax + 16));
static_assert(kMessageBytesMax > kReportBytesMax + 64 &&
              kMessageBytesMax > kBodyChunkBytesMax + 64);
static_assert(kMessageBytesMax > kProvenRecordBytesMax + kProofBytesMax + 64 &&
              kMessageBytesMax > kRecordBodyBytesMax + kRecordTypeBytesMax + 64 &&
              kMessageBytesMax > kSealedPieceBytesMax + 64 &&
              kMessageBytesMax > kGpuFactsBytesMax + 64 &&
              kMessageBytesMax > kGpuMetricsBytesMax + 64);

template <std::size_t I>
base::Result<Message> parse_row(base::ByteReader& reader) {
  std::variant_alternative_t<I, Message> message;
  FieldReader io(reader);
  TRY(visit_fields<FieldReader>(io, message));
  TRY(reader.expect_end(kRows[I].name));
  return Message(std::move(message));
}

using ParseRow = base::Result<Message> (*)(base::ByteReader&);

template <std::size_t... I>
constexpr std::array<ParseRow, sizeof...(I)> make_parsers(std::index_sequence<I...>) {
  return {&parse_row<I>...};
}

constexpr auto kParsers = make_parsers(std::make_index_sequence<std::variant_size_v<Message>>());

}  // namespace

MessageType message_type(const Message& message) {
  return kRows[message.index()].type;
}

std::string_view message_name(MessageType type) {
  for (const Row& row : kRows) {
    if (row.type == type) return row.name;
  }
  return "unknown";
}

std::size_t descriptors_of(const Message& message) {
  const bool with_one = std::holds_alternative<PeerChannel>(message) ||
                        std::holds_alternative<AuditChannel>(message) ||
                        std::holds_alternative<Reload>(message) ||
                        std::holds_alternative<Weights>(message);
  return with_one ? 1 : 0;
}

std::vector<std::byte> serialize(const Message& message) {
  FieldWriter io;
  const auto type = static_cast<std::uint16_t>(message_type(message));
  CHECK(io.number(type, "type").ok());
  const auto written =
      std::visit([&io](const auto& m) { return visit_fields<FieldWriter>(io, m); }, message);
  CHECK(written.ok());
  auto bytes = std::move(io).release();
  CHECK(bytes.size() <= kMessageBytesMax);
  return bytes;
}

std::size_t event_bytes(const Event& event) {
  FieldWriter io;
  CHECK(visit_fields<FieldWriter>(io, event).ok());
  return std::move(io).release().size();
}

base::Result<Message> parse(std::span<const std::byte> bytes) {
  if (bytes.size() > kMessageBytesMax) {
    return base::invalid_input(
        fmt::format("message: {} bytes, limit {}", bytes.size(), kMessageBytesMax));
  }
  base::ByteReader reader(bytes);
  const auto type = TRY(reader.read<std::uint16_t>("message type"));
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::uint16_t>(kRows[i].type) == type) return kParsers[i](reader);
  }
  return base::invalid_input(fmt::format("message type {} is not known", type));
}

}  // namespace daemon_ipc
