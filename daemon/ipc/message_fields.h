// The rows of daemon/PROTOCOL.md sections 3 and 4: what a message consists of, in wire order, and
// how much of it is allowed. `Io` is FieldWriter or FieldReader.
#ifndef DAEMON_IPC_MESSAGE_FIELDS_H_
#define DAEMON_IPC_MESSAGE_FIELDS_H_

#include <cstdint>

#include "daemon/ipc/messages.h"
#include "hardening/base/result.h"

namespace daemon_ipc {

template <typename Io, typename T>
using FieldsOf = typename Io::template Ref<T>;

// ---- control channel ----------------------------------------------------------------------------

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Ready> m) {
  return io.template text<std::uint32_t>(m.report, "ready.report", kReportBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Progress> m) {
  TRY(io.number(m.done, "progress.done"));
  TRY(io.number(m.total, "progress.total"));
  return io.template text<std::uint16_t>(m.what, "progress.what", kProgressTextBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Alive> m) {
  TRY(io.number(m.work, "alive.work"));
  TRY(io.flag(m.busy, "alive.busy"));
  return io.template text<std::uint32_t>(m.stats, "alive.stats", kReportBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, PeerChannel> m) {
  return io.number(m.engine, "peer_channel.engine");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Drain> m) {
  return io.number(m.timeout_ms, "drain.timeout_ms");
}

template <typename Io>
base::Status visit_fields(Io&, FieldsOf<Io, Drained>) {
  return {};
}

template <typename Io>
base::Status visit_fields(Io&, FieldsOf<Io, Ping>) {
  return {};
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, EngineState> m) {
  TRY(io.choice(m.condition, "engine_state.state", EngineCondition::kDegraded));
  TRY(io.template text<std::uint16_t>(m.text, "engine_state.text", kStateTextBytesMax));
  return io.number(m.engine, "engine_state.engine");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Quarantine> m) {
  return io.bytes(m.digest, "quarantine.digest", kDigestBytes);
}

template <typename Io>
base::Status visit_fields(Io&, FieldsOf<Io, Reload>) {
  return {};
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Reloaded> m) {
  TRY(io.flag(m.accepted, "reloaded.accepted"));
  return io.template text<std::uint16_t>(m.text, "reloaded.text", kStateTextBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Weights> m) {
  TRY(io.number(m.bytes, "weights.bytes"));
  return io.template text<std::uint16_t>(m.key, "weights.key", kWeightsKeyBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, EngineEnded> m) {
  TRY(io.flag(m.from_outside, "engine_ended.from_outside"));
  return io.number(m.engine, "engine_ended.engine");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, PeerLost> m) {
  return io.number(m.engine, "peer_lost.engine");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Rejected> m) {
  return io.template text<std::uint16_t>(m.text, "rejected.text", kRejectedTextBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Retiring> m) {
  TRY(io.number(m.engine, "retiring.engine"));
  return io.number(m.requests, "retiring.requests");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, AuditChannel> m) {
  return io.number(m.writer, "audit_channel.writer");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, GpuFacts> m) {
  return io.template text<std::uint32_t>(m.snapshot, "gpu_facts.snapshot", kGpuFactsBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, GpuMetrics> m) {
  return io.template text<std::uint32_t>(m.text, "gpu_metrics.text", kGpuMetricsBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, GpusInUse> m) {
  return io.template list<std::uint8_t>(
      m.uuids, "gpus_in_use.count", kGpusInUseMax, [&io](FieldsOf<Io, std::string> uuid) {
        return io.template text<std::uint16_t>(uuid, "gpus_in_use.uuid", kGpuUuidBytesMax);
      });
}

// ---- data channel -------------------------------------------------------------------------------

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Hello> m) {
  TRY(io.template text<std::uint16_t>(m.model_id, "hello.model_id", kModelIdBytesMax));
  TRY(io.number(m.created, "hello.created"));
  TRY(io.number(m.context_tokens, "hello.context_tokens"));
  TRY(io.number(m.vocabulary, "hello.vocabulary"));
  TRY(io.number(m.choices_max, "hello.choices_max"));
  TRY(io.number(m.sequences_max, "hello.sequences_max"));
  TRY(io.flag(m.has_chat_template, "hello.has_chat_template"));
  TRY(io.template text<std::uint16_t>(m.model_digest, "hello.model_digest", kModelDigestBytesMax));
  TRY(io.template text<std::uint16_t>(m.kernels, "hello.kernels", kKernelsBytesMax));
  return io.template text<std::uint16_t>(m.release_digest, "hello.release_digest",
                                         kReleaseDigestBytesMax);
}

template <typename Io>
base::Status visit_sampling(Io& io, FieldsOf<Io, RequestBegin> m) {
  TRY(io.real(m.temperature, "request_begin.temperature"));
  TRY(io.number(m.top_k, "request_begin.top_k"));
  TRY(io.real(m.top_p, "request_begin.top_p"));
  TRY(io.real(m.min_p, "request_begin.min_p"));
  TRY(io.real(m.repetition_penalty, "request_begin.repetition_penalty"));
  TRY(io.real(m.presence_penalty, "request_begin.presence_penalty"));
  TRY(io.real(m.frequency_penalty, "request_begin.frequency_penalty"));
  return io.number(m.seed, "request_begin.seed");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, RequestBegin> m) {
  TRY(io.number(m.id, "request_begin.id"));
  TRY(io.number(m.tenant, "request_begin.tenant"));
  TRY(io.choice(m.kind, "request_begin.kind", RequestKind::kCompletion));
  TRY(io.number(m.choices, "request_begin.choices"));
  TRY(io.number(m.tokens_max, "request_begin.tokens_max"));
  TRY(io.number(m.tokens_min, "request_begin.tokens_min"));
  TRY(io.number(m.top_logprobs, "request_begin.top_logprobs", std::uint32_t{kTopLogprobsMax}));
  TRY(io.flag(m.logprobs, "request_begin.logprobs"));
  TRY(io.flag(m.echo, "request_begin.echo"));
  TRY(io.flag(m.ignore_end_tokens, "request_begin.ignore_end_tokens"));
  TRY(io.flag(m.include_stop_text, "request_begin.include_stop_text"));
  TRY(io.flag(m.continue_final_message, "request_begin.continue_final_message"));
  TRY(io.flag(m.add_generation_prompt, "request_begin.add_generation_prompt"));
  TRY(visit_sampling<Io>(io, m));
  TRY(io.number(m.time, "request_begin.time"));
  return io.number(m.body_bytes, "request_begin.body_bytes", kRequestBodyBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, RequestBody> m) {
  TRY(io.number(m.id, "request_body.id"));
  return io.rest(m.bytes, "request_body.bytes", kBodyChunkBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, RequestResume> m) {
  TRY(io.number(m.id, "request_resume.id"));
  TRY(io.number(m.choice, "request_resume.choice"));
  return io.template list<std::uint16_t>(m.tokens, "request_resume.tokens",
                                         kResumedTokensPerMessageMax,
                                         [&io](typename Io::template Ref<std::int32_t> token) {
                                           return io.number(token, "request_resume.token");
                                         });
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Cancel> m) {
  return io.number(m.id, "cancel.id");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Admitted> m) {
  TRY(io.number(m.id, "admitted.id"));
  TRY(io.number(m.prompt_tokens, "admitted.prompt_tokens"));
  return io.number(m.tokens_max, "admitted.tokens_max");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Started> m) {
  return io.number(m.id, "started.id");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Refused> m) {
  TRY(io.number(m.id, "refused.id"));
  TRY(io.choice(m.code, "refused.code", base::ErrorCode::kUnsupported));
  TRY(io.template text<std::uint16_t>(m.api_code, "refused.api_code", kRefusedNameBytesMax));
  TRY(io.template text<std::uint16_t>(m.param, "refused.param", kRefusedNameBytesMax));
  return io.template text<std::uint16_t>(m.message, "refused.message", kErrorTextBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, EventLogprob> m) {
  TRY(io.number(m.token, "event.logprob.token"));
  TRY(io.real(m.logprob, "event.logprob.logprob"));
  return io.template blob<std::uint16_t>(m.bytes, "event.logprob.bytes", kTokenBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Event> m) {
  TRY(io.number(m.choice, "event.choice"));
  TRY(io.number(m.token, "event.token"));
  TRY(io.flag(m.prompt, "event.prompt"));
  TRY(io.choice(m.finish, "event.finish", EventFinish::kError));
  TRY(io.template text<std::uint16_t>(m.text, "event.text", kEventTextBytesMax));
  TRY(io.flag(m.has_logprob, "event.has_logprob"));
  if (m.has_logprob) {
    TRY(visit_fields<Io>(io, m.logprob));
    TRY(io.template list<std::uint8_t>(
        m.top, "event.top", kTopLogprobsMax,
        [&io](FieldsOf<Io, EventLogprob> top) { return visit_fields<Io>(io, top); }));
  }
  if (m.finish != EventFinish::kNone) {
    TRY(io.number(m.prompt_tokens, "event.prompt_tokens"));
    TRY(io.number(m.completion_tokens, "event.completion_tokens"));
    TRY(io.number(m.cached_prompt_tokens, "event.cached_prompt_tokens"));
    TRY(io.number(m.device_us, "event.device_us"));
  }
  if (m.finish != EventFinish::kError) return {};
  return io.template text<std::uint16_t>(m.error, "event.error", kErrorTextBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Events> m) {
  TRY(io.number(m.id, "events.id"));
  return io.template list<std::uint16_t>(
      m.events, "events.count", kEventsPerMessageMax,
      [&io](FieldsOf<Io, Event> event) { return visit_fields<Io>(io, event); });
}

// ---- audit channel ------------------------------------------------------------------------------

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Append> m) {
  TRY(io.number(m.number, "append.number"));
  TRY(io.flag(m.prove, "append.prove"));
  TRY(io.template text<std::uint16_t>(m.type, "append.type", kRecordTypeBytesMax));
  return io.template text<std::uint32_t>(m.body, "append.body", kRecordBodyBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, SealedPiece> m) {
  TRY(io.number(m.number, "sealed_piece.number"));
  return io.rest(m.bytes, "sealed_piece.bytes", kSealedPieceBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Appended> m) {
  return io.number(m.through, "appended.through");
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Proof> m) {
  TRY(io.number(m.number, "proof.number"));
  TRY(io.number(m.index, "proof.index"));
  TRY(io.template text<std::uint32_t>(m.record, "proof.record", kProvenRecordBytesMax));
  return io.template text<std::uint32_t>(m.proof, "proof.proof", kProofBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, AuditState> m) {
  TRY(io.choice(m.condition, "audit_state.state", AuditCondition::kFailing));
  return io.template text<std::uint16_t>(m.text, "audit_state.text", kStateTextBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Cosign> m) {
  TRY(io.number(m.ticket, "cosign.ticket"));
  return io.template text<std::uint16_t>(m.note, "cosign.note", kNoteBytesMax);
}

template <typename Io>
base::Status visit_fields(Io& io, FieldsOf<Io, Cosigned> m) {
  TRY(io.number(m.ticket, "cosigned.ticket"));
  TRY(io.flag(m.accepted, "cosigned.accepted"));
  return io.template text<std::uint16_t>(m.text, "cosigned.text", kStateTextBytesMax);
}

}  // namespace daemon_ipc

#endif  // DAEMON_IPC_MESSAGE_FIELDS_H_
