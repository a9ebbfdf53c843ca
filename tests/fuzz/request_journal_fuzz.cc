// What an engine says of a request, in any order and with engines that die in between: whatever it
// is, the client gets each token once, nothing after an end, and no more than was admitted.
//
// The input is a row of messages, each behind a u16 of its length; a length of 0 is an engine's
// death.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <variant>

#include "daemon/gateway/request_journal.h"
#include "hardening/base/byte_reader.h"

namespace {

using daemon_gateway::RequestJournal;
using daemon_ipc::EventFinish;

constexpr std::uint32_t kChoices = 3;
constexpr std::uint32_t kContext = 64;

void require(bool condition) {
  if (!condition) std::abort();
}

// What the client has been given.
struct Heard {
  std::uint32_t tokens = 0;
  bool finished = false;
};

void deliver(const daemon_ipc::Events& events, std::map<std::uint32_t, Heard>& heard) {
  for (const auto& event : events.events) {
    require(event.choice < kChoices);
    Heard& choice = heard[event.choice];
    require(!choice.finished);
    if (event.token >= 0 && !event.prompt) ++choice.tokens;
    choice.finished = event.finish != EventFinish::kNone;
  }
}

// The next engine is told exactly what the client has had.
void check_resume(RequestJournal& journal, std::map<std::uint32_t, Heard>& heard) {
  std::map<std::uint32_t, std::size_t> told;
  std::size_t body_bytes = 0;
  while (const auto message = journal.next_message()) {
    require(daemon_ipc::serialize(*message).size() <= daemon_ipc::kMessageBytesMax);
    if (const auto* resume = std::get_if<daemon_ipc::RequestResume>(&*message))
      told[resume->choice] += resume->tokens.size();
    if (const auto* piece = std::get_if<daemon_ipc::RequestBody>(&*message))
      body_bytes += piece->bytes.size();
  }
  require(body_bytes == journal.begin().body_bytes);
  for (std::uint32_t choice = 0; choice < kChoices; ++choice)
    require(told[choice] == heard[choice].tokens);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  daemon_gateway::Submission submission;
  submission.begin.id = 1;
  submission.begin.choices = kChoices;
  submission.body = R"({"prompt":"x"})";
  submission.begin.body_bytes = static_cast<std::uint32_t>(submission.body.size());
  RequestJournal journal(std::move(submission), kContext);
  std::map<std::uint32_t, Heard> heard;
  std::uint32_t admitted = 0;

  base::ByteReader reader(std::as_bytes(std::span(data, size)));
  while (reader.remaining() > 0) {
    const auto length = reader.read<std::uint16_t>("length");
    if (!length.ok()) return 0;
    if (length.value() == 0) {
      journal.rewind();
      check_resume(journal, heard);
      continue;
    }
    const auto bytes = reader.take(length.value(), "message");
    if (!bytes.ok()) return 0;
    auto message = daemon_ipc::parse(bytes.value());
    if (!message.ok()) continue;
    if (const auto* told = std::get_if<daemon_ipc::Admitted>(&message.value())) {
      const auto first = journal.record(*told);
      if (!first.ok()) return 0;  // the engine is left
      if (first.value()) admitted = told->tokens_max;
    } else if (auto* events = std::get_if<daemon_ipc::Events>(&message.value())) {
      if (!journal.record(*events).ok()) return 0;
      deliver(*events, heard);
    }
  }
  for (const auto& [choice, said] : heard) require(said.tokens <= admitted);
  return 0;
}
