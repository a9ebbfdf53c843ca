// The answer to a generation request, built from the engine's events: as one JSON object or as a
// stream of server-sent events. Chat and completions differ in shape alone.
#ifndef DAEMON_GATEWAY_ANSWER_H_
#define DAEMON_GATEWAY_ANSWER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/gateway/api_error.h"
#include "daemon/ipc/messages.h"
#include "hardening/base/json.h"

namespace daemon_gateway {

struct AnswerOptions {
  std::string id;            // "chatcmpl-…" or "cmpl-…"
  std::int64_t created = 0;  // unix seconds; one value for a whole stream
  std::string model;
  std::uint32_t prompts = 1;
  std::uint32_t choices = 1;  // per prompt
  bool logprobs = false;
  bool include_usage = false;  // streams: a last chunk with the counts
};

struct Usage {
  std::uint64_t prompt_tokens = 0;      // each prompt once, however many choices
  std::uint64_t completion_tokens = 0;  // of all choices
  std::uint64_t cached_tokens = 0;
};

// Events of one choice come in order; an event with EventFinish::kError is not given to an Answer.
class Answer {
 public:
  explicit Answer(AnswerOptions options) : options_(std::move(options)) {}
  virtual ~Answer() = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  // `choice` counts over all prompts: prompt * choices + event.choice.

  // ---- as a stream
  virtual std::string open_stream() const = 0;
  std::string stream(std::uint32_t choice, const daemon_ipc::Event& event);
  // The usage, if asked for, the receipt, unless it is null, and [DONE].
  std::string close_stream(base::Json receipt = {}) const;

  // ---- as a whole
  void add(std::uint32_t choice, const daemon_ipc::Event& event);
  base::Json body(base::Json receipt = {}) const;  // null: none was asked for

  const Usage& usage() const { return usage_; }

 protected:
  virtual std::string_view object_name() const = 0;
  virtual std::string_view chunk_name() const = 0;
  virtual std::string stream_event(std::uint32_t choice, const daemon_ipc::Event& event) = 0;
  virtual void add_event(std::uint32_t choice, const daemon_ipc::Event& event) = 0;
  virtual base::Json choices_json() const = 0;

  const AnswerOptions& options() const { return options_; }
  std::uint32_t choices_total() const { return options_.prompts * options_.choices; }
  // One "data: …" event with the chunk around `choices`.
  std::string chunk(base::Json choices, base::Json usage = {}, base::Json receipt = {}) const;

 private:
  void count(std::uint32_t choice, const daemon_ipc::Event& event);

  AnswerOptions options_;
  Usage usage_;
};

std::unique_ptr<Answer> make_chat_answer(AnswerOptions options);
std::unique_ptr<Answer> make_completion_answer(AnswerOptions options);

// "data: {"error":…}": how a stream that has begun says that it failed.
std::string stream_error(const ApiError& error);

// null while there is no finish.
base::Json finish_reason(daemon_ipc::EventFinish finish);

// A token's bytes as text: themselves when they are UTF-8, else "bytes:\xNN…", which keeps tokens
// distinct.
std::string token_text(std::string_view bytes);

// JSON has no infinity: what cannot happen has the value OpenAI gives it.
double finite_logprob(float logprob);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_ANSWER_H_
