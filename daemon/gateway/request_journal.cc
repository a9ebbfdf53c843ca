#include "daemon/gateway/request_journal.h"

#include <algorithm>
#include <utility>

namespace daemon_gateway {

using base::invalid_input;
using daemon_ipc::Event;
using daemon_ipc::EventFinish;

RequestJournal::RequestJournal(Submission submission, std::uint32_t context_tokens)
    : submission_(std::move(submission)),
      choice_tokens_max_(submission_.begin.tokens_max != 0 ? submission_.begin.tokens_max
                                                           : context_tokens),
      choices_(submission_.begin.choices),
      engine_open_(choices_.size()) {}

provisioning::Sha256Digest RequestJournal::digest() const {
  daemon_ipc::RequestBegin question = submission_.begin;
  question.id = 0;
  question.tenant = 0;
  question.seed = 0;
  question.time = 0;
  provisioning::Sha256 hash;
  hash.update(daemon_ipc::serialize(question));
  hash.update(submission_.body);
  return hash.finish();
}

std::size_t RequestJournal::bytes_max() const {
  return sizeof *this + submission_.body.size() +
         choices_.size() * (sizeof(Choice) + choice_tokens_max_ * sizeof(std::int32_t));
}

// ---- asking -------------------------------------------------------------------------------------

void RequestJournal::rewind() {
  cursor_ = {};
  admitted_now_ = false;
  engine_open_ = choices_.size();
  for (Choice& choice : choices_) {
    choice.closed = false;
    // The prompt is given back once more only to a choice that has made no token.
    choice.repeated = choice.tokens.empty() ? choice.prompt_events : 0;
  }
}

std::optional<daemon_ipc::Message> RequestJournal::next_message() {
  const std::uint64_t id = submission_.begin.id;
  if (!std::exchange(cursor_.begun, true)) return submission_.begin;
  while (cursor_.choice < choices_.size()) {
    const auto& tokens = choices_[cursor_.choice].tokens;
    if (cursor_.token < tokens.size()) {
      const std::size_t count =
          std::min(daemon_ipc::kResumedTokensPerMessageMax, tokens.size() - cursor_.token);
      const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(cursor_.token);
      cursor_.token += count;
      return daemon_ipc::RequestResume{id,
                                       static_cast<std::uint32_t>(cursor_.choice),
                                       {first, first + static_cast<std::ptrdiff_t>(count)}};
    }
    ++cursor_.choice;
    cursor_.token = 0;
  }
  const std::string& body = submission_.body;
  if (cursor_.byte == body.size()) return std::nullopt;
  const std::size_t count = std::min(daemon_ipc::kBodyChunkBytesMax, body.size() - cursor_.byte);
  const auto* const first = reinterpret_cast<const std::byte*>(body.data()) + cursor_.byte;
  cursor_.byte += count;
  return daemon_ipc::RequestBody{id, {first, first + count}};
}

// ---- hearing ------------------------------------------------------------------------------------

base::Result<bool> RequestJournal::record(const daemon_ipc::Admitted& admitted) {
  if (std::exchange(admitted_now_, true)) return invalid_input("admitted out of turn");
  const bool first = !tokens_max_.has_value();
  if (first) tokens_max_ = admitted.tokens_max;
  return first;
}

base::Status RequestJournal::record(daemon_ipc::Events& events) {
  if (!admitted_now_) return invalid_input("events out of turn");
  auto news = events.events.begin();  // what is none is written over: no memory is asked for here
  for (Event& event : events.events) {
    if (!TRY(is_news(event))) continue;
    ++position_;
    if (&event != &*news) *news = std::move(event);
    ++news;
  }
  events.events.erase(news, events.events.end());
  return {};
}

bool RequestJournal::finished() const {
  return std::all_of(choices_.begin(), choices_.end(), [](const Choice& choice) {
    return choice.finish == EventFinish::kStop || choice.finish == EventFinish::kLength;
  });
}

base::Result<bool> RequestJournal::is_news(const Event& event) {
  if (event.choice >= choices_.size())
    return invalid_input("an event of a choice that is not there");
  Choice& choice = choices_[event.choice];
  if (choice.closed) return invalid_input("an event of a choice that is closed");
  const bool closes = event.finish != EventFinish::kNone;
  if (closes) {
    choice.closed = true;
    --engine_open_;
  }
  if (choice.finish != EventFinish::kNone) {
    // It is closed once more, and that is all there is to say of it; but one that was broken off
    // has an end of its own each time, until its cancellation arrives.
    const bool broken_off =
        choice.finish == EventFinish::kError || choice.finish == EventFinish::kCancelled;
    if (broken_off || (closes && event.token < 0 && event.text.empty())) return false;
    return invalid_input("an event of a choice that is finished");
  }
  if (event.prompt) {
    if (closes || !choice.tokens.empty()) return invalid_input("the prompt out of turn");
    if (choice.repeated > 0) {
      --choice.repeated;
      return false;
    }
    ++choice.prompt_events;
    return true;
  }
  if (event.token >= 0) {
    if (choice.tokens.size() >= *tokens_max_)
      return invalid_input("more tokens than were admitted");
    choice.tokens.push_back(event.token);
  } else if (!closes) {
    return invalid_input("an event that says nothing");
  }
  choice.finish = event.finish;
  return true;
}

}  // namespace daemon_gateway
