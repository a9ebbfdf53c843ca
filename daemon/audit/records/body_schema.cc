#include "daemon/audit/records/body_schema.h"

#include <array>

#include "daemon/audit/records/record.h"

namespace daemon_audit {
namespace {

using Fields = std::span<const BodyField>;

constexpr std::int64_t kNameBytes = 256;    // ids, names, addresses, codes
constexpr std::int64_t kTextBytes = 4'096;  // sentences, paths, what a client calls itself
constexpr std::int64_t kIntegerMax = (std::int64_t{1} << 53) - 1;

constexpr BodyField must(BodyField field) {
  field.required = true;
  return field;
}
constexpr BodyField name(std::string_view n) {
  return {n, BodyKind::kText, false, kNameBytes};
}
constexpr BodyField text(std::string_view n) {
  return {n, BodyKind::kText, false, kTextBytes};
}
constexpr BodyField digest(std::string_view n) {
  return {n, BodyKind::kDigest};
}
constexpr BodyField time(std::string_view n) {
  return {n, BodyKind::kTime};
}
constexpr BodyField boolean(std::string_view n) {
  return {n, BodyKind::kBool};
}
constexpr BodyField count(std::string_view n, std::int64_t max = kIntegerMax) {
  return {n, BodyKind::kCount, false, max};
}
constexpr BodyField integer(std::string_view n) {
  return {n, BodyKind::kInteger};
}
constexpr BodyField number(std::string_view n) {
  return {n, BodyKind::kNumber};
}
constexpr BodyField texts(std::string_view n) {
  return {n, BodyKind::kTexts, false, kTextBytes};
}
constexpr BodyField object(std::string_view n, Fields of) {
  return {n, BodyKind::kObject, false, 0, of};
}
constexpr BodyField objects(std::string_view n, Fields of) {
  return {n, BodyKind::kObjects, false, 0, of};
}
constexpr BodyField open(std::string_view n) {
  return {n, BodyKind::kOpen};
}

constexpr BodyField request_id() {
  return {"request", BodyKind::kText, false, static_cast<std::int64_t>(kRequestIdBytesMax)};
}

// Parts of bodies.
constexpr std::array kClient = {must(name("address")), count("port", 65'535), name("tls"),
                                name("cipher")};
constexpr std::array kModel = {must(name("name")), must(digest("digest")), digest("release")};
constexpr std::array kParameters = {count("choices"),
                                    count("tokens_max"),
                                    count("tokens_min"),
                                    number("temperature"),
                                    integer("top_k"),
                                    number("top_p"),
                                    number("min_p"),
                                    number("repetition_penalty"),
                                    number("presence_penalty"),
                                    number("frequency_penalty"),
                                    boolean("logprobs"),
                                    count("top_logprobs"),
                                    boolean("echo"),
                                    boolean("ignore_end_tokens"),
                                    boolean("include_stop_text"),
                                    boolean("continue_final_message"),
                                    boolean("add_generation_prompt")};
constexpr std::array kPrompt = {must(count("tokens")), must(count("tokens_max"))};
constexpr std::array kDigestedText = {must(count("bytes")), must(digest("digest"))};
constexpr std::array kChoice = {must(count("index")), must(count("tokens")), name("finish"),
                                digest("tokens_digest"), digest("text_digest")};
constexpr std::array kRelease = {must(count("sequence")), name("version")};

// Bodies, in the order of event_types.cc.
constexpr std::array kAdmitted = {must(request_id()),
                                  must(object("client", kClient)),
                                  must(name("key")),
                                  text("user"),
                                  text("tag"),
                                  must(name("method")),
                                  must(text("endpoint")),
                                  must(boolean("stream")),
                                  must(object("model", kModel)),
                                  must(name("kernels")),
                                  must(object("parameters", kParameters)),
                                  must(name("seed")),
                                  must(count("created")),
                                  must(objects("prompts", kPrompt)),
                                  object("body", kDigestedText),
                                  object("sealed", kDigestedText)};
constexpr std::array kFinished = {must(request_id()),
                                  must(name("key")),
                                  text("user"),
                                  text("tag"),
                                  must(object("client", kClient)),
                                  must(text("endpoint")),
                                  must(object("model", kModel)),
                                  must(name("kernels")),
                                  object("body", kDigestedText),
                                  count("admitted"),
                                  must(name("outcome")),
                                  must(count("status", 599)),
                                  must(count("prompt_tokens")),
                                  must(count("completion_tokens")),
                                  must(count("cached_tokens")),
                                  must(objects("choices", kChoice)),
                                  must(count("device_us")),
                                  count("first_token_us"),
                                  must(count("duration_us")),
                                  must(count("resumed")),
                                  object("sealed", kDigestedText)};
constexpr std::array kRefused = {request_id(),   object("client", kClient), must(name("key")),
                                 name("method"), text("endpoint"),          count("status", 599),
                                 name("code"),   must(count("count"))};
constexpr std::array kLost = {must(request_id()), must(count("admitted"))};
constexpr std::array kAuthFailed = {must(object("client", kClient)), name("method"),
                                    text("endpoint"), must(name("reason")), must(count("count"))};
constexpr std::array kStarted = {must(name("version")), open("listeners")};
constexpr std::array kStopping = {must(text("reason"))};
constexpr std::array kConfig = {must(text("path")), digest("digest"), text("why"), texts("keys")};
constexpr std::array kRoleReady = {must(name("name")), must(count("start")), open("sandbox"),
                                   open("facts")};
constexpr std::array kRoleEnded = {must(name("name")), must(text("why")), boolean("from_outside"),
                                   count("restart_in_ms")};
constexpr std::array kHealth = {must(name("what")), must(name("from")), must(name("to")),
                                text("why")};
constexpr std::array kQuarantined = {must(name("digest"))};
constexpr std::array kGpuVerdict = {must(name("uuid")), name("name"),         must(name("from")),
                                    must(name("to")),   must(name("action")), must(name("cause")),
                                    must(text("text")), text("next_step")};
constexpr std::array kModelEvent = {must(name("id")), name("name"), object("release", kRelease),
                                    text("why")};
constexpr std::array kAct = {
    must(name("command")), open("arguments"), must(count("uid")), name("user"), must(name("phase")),
    must(count("act")),    name("outcome"),   text("why"),        time("at"),   open("facts")};
constexpr std::array kLogEnds = {must(count("size")), must(text("vkey")), count("recovered"),
                                 count("torn_bytes")};
constexpr std::array kResumed = {must(text("why")), must(count("failed_ms")), count("refused")};
constexpr std::array kCapacity = {must(count("percent", 100)), must(count("free_bytes"))};
constexpr std::array kCosigned = {must(text("witness")), must(count("size"))};
constexpr std::array kPruned = {must(count("first"))};
constexpr std::array kUnsealed = {must(count("files"))};
constexpr std::array kStepped = {must(integer("step_us"))};

struct Body {
  std::string_view type;
  Fields fields;
};
constexpr std::array kBodies = {
    Body{"request.admitted", kAdmitted},
    Body{"request.finished", kFinished},
    Body{"request.refused", kRefused},
    Body{"request.lost", kLost},
    Body{"auth.failed", kAuthFailed},
    Body{"service.started", kStarted},
    Body{"service.stopping", kStopping},
    Body{"config.loaded", kConfig},
    Body{"config.refused", kConfig},
    Body{"role.ready", kRoleReady},
    Body{"role.ended", kRoleEnded},
    Body{"health.changed", kHealth},
    Body{"request.quarantined", kQuarantined},
    Body{"gpu.verdict", kGpuVerdict},
    Body{"model.activated", kModelEvent},
    Body{"model.proven", kModelEvent},
    Body{"model.failed", kModelEvent},
    Body{"model.rolled_back", kModelEvent},
    Body{"act", kAct},
    Body{"log.opened", kLogEnds},
    Body{"log.closed", kLogEnds},
    Body{"log.resumed", kResumed},
    Body{"log.capacity", kCapacity},
    Body{"log.cosigned", kCosigned},
    Body{"log.pruned", kPruned},
    Body{"log.unsealed", kUnsealed},
    Body{"clock.stepped", kStepped},
};

}  // namespace

std::span<const BodyField> body_fields(std::string_view type) {
  for (const Body& body : kBodies) {
    if (body.type == type) return body.fields;
  }
  return {};
}

}  // namespace daemon_audit
