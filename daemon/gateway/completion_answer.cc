#include <vector>

#include "daemon/gateway/answer.h"
#include "hardening/base/utf8.h"

namespace daemon_gateway {
namespace {

using base::Json;
using daemon_ipc::Event;
using daemon_ipc::EventFinish;
using daemon_ipc::EventLogprob;

// Characters, as text_offset counts them.
std::uint64_t count_characters(std::string_view text) {
  std::uint64_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(base::decode_utf8(text).bytes);
    ++count;
  }
  return count;
}

// The legacy shape: four arrays side by side, one entry per token.
struct TokenLists {
  Json tokens = Json::array();
  Json logprobs = Json::array();
  Json top = Json::array();
  Json offsets = Json::array();

  // `offset` is where the token's text begins in the choice's text.
  void append(const Event& event, std::uint64_t offset) {
    // The first token of an echoed prompt has nothing before it to be likely after.
    tokens.push_back(event.has_logprob ? token_text(event.logprob.bytes) : event.text);
    logprobs.push_back(event.has_logprob ? Json(finite_logprob(event.logprob.logprob)) : Json());
    offsets.push_back(offset);
    if (!event.has_logprob) return top.push_back(nullptr);
    Json alternatives = Json::object();
    for (const EventLogprob& alternative : event.top) {
      const std::string text = token_text(alternative.bytes);
      if (alternatives.find(text) == nullptr)
        alternatives.set(text, finite_logprob(alternative.logprob));
    }
    top.push_back(std::move(alternatives));
  }

  Json json() const {
    return Json::object({{"tokens", tokens},
                         {"token_logprobs", logprobs},
                         {"top_logprobs", top},
                         {"text_offset", offsets}});
  }
};

class CompletionAnswer final : public Answer {
 public:
  explicit CompletionAnswer(AnswerOptions answer_options)
      : Answer(std::move(answer_options)), choices_(choices_total()) {}

  std::string open_stream() const override { return {}; }

 protected:
  std::string_view object_name() const override { return "text_completion"; }
  std::string_view chunk_name() const override { return "text_completion"; }

  std::string stream_event(std::uint32_t choice, const Event& event) override {
    Choice& mine = choices_[choice];
    TokenLists lists;
    const bool shows_token = take(mine, event, lists);
    if (event.text.empty() && !shows_token && event.finish == EventFinish::kNone) return {};
    return chunk(Json(Json::Array{
        choice_json(choice, event.text, shows_token ? lists.json() : Json(), event.finish)}));
  }

  void add_event(std::uint32_t choice, const Event& event) override {
    Choice& mine = choices_[choice];
    take(mine, event, mine.lists);
    mine.text += event.text;
    if (event.finish != EventFinish::kNone) mine.finish = event.finish;
  }

  Json choices_json() const override {
    Json out = Json::array();
    for (std::uint32_t i = 0; i < choices_total(); ++i) {
      const Choice& mine = choices_[i];
      out.push_back(
          choice_json(i, mine.text, options().logprobs ? mine.lists.json() : Json(), mine.finish));
    }
    return out;
  }

 private:
  struct Choice {
    std::string text;
    std::uint64_t characters = 0;  // of the text so far, streamed or not
    TokenLists lists;
    EventFinish finish = EventFinish::kNone;
  };

  // Whether the event has a token to list.
  bool take(Choice& mine, const Event& event, TokenLists& lists) const {
    const bool shows_token =
        options().logprobs && event.token >= 0 && (event.has_logprob || event.prompt);
    if (shows_token) lists.append(event, mine.characters);
    mine.characters += count_characters(event.text);
    return shows_token;
  }

  static Json choice_json(std::uint32_t index, const std::string& text, Json logprobs,
                          EventFinish finish) {
    return Json::object({{"text", text},
                         {"index", index},
                         {"logprobs", std::move(logprobs)},
                         {"finish_reason", finish_reason(finish)}});
  }

  std::vector<Choice> choices_;
};

}  // namespace

std::unique_ptr<Answer> make_completion_answer(AnswerOptions options) {
  return std::make_unique<CompletionAnswer>(std::move(options));
}

}  // namespace daemon_gateway
