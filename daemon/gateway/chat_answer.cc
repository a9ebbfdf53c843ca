#include <vector>

#include "daemon/gateway/answer.h"

namespace daemon_gateway {
namespace {

using base::Json;
using daemon_ipc::Event;
using daemon_ipc::EventFinish;
using daemon_ipc::EventLogprob;

Json bytes_json(std::string_view bytes) {
  Json out = Json::array();
  for (const char c : bytes) out.push_back(static_cast<int>(static_cast<unsigned char>(c)));
  return out;
}

Json logprob_json(const EventLogprob& logprob) {
  return Json::object({{"token", token_text(logprob.bytes)},
                       {"logprob", finite_logprob(logprob.logprob)},
                       {"bytes", bytes_json(logprob.bytes)}});
}

Json token_json(const Event& event) {
  Json out = logprob_json(event.logprob);
  Json top = Json::array();
  for (const EventLogprob& alternative : event.top) top.push_back(logprob_json(alternative));
  out.set("top_logprobs", std::move(top));
  return out;
}

Json logprobs_json(Json tokens) {
  return Json::object({{"content", std::move(tokens)}, {"refusal", nullptr}});
}

class ChatAnswer final : public Answer {
 public:
  explicit ChatAnswer(AnswerOptions answer_options)
      : Answer(std::move(answer_options)), choices_(choices_total()) {}

  std::string open_stream() const override {
    std::string out;
    for (std::uint32_t choice = 0; choice < choices_total(); ++choice) {
      out +=
          delta(choice, Json::object({{"role", "assistant"}, {"content", ""}}), nullptr, nullptr);
    }
    return out;
  }

 protected:
  std::string_view object_name() const override { return "chat.completion"; }
  std::string_view chunk_name() const override { return "chat.completion.chunk"; }

  std::string stream_event(std::uint32_t choice, const Event& event) override {
    std::string out;
    const bool shows_token = options().logprobs && event.has_logprob;
    if (!event.text.empty() || shows_token) {
      Json logprobs = shows_token ? logprobs_json(Json(Json::Array{token_json(event)})) : Json();
      out += delta(choice, Json::object({{"content", event.text}}), std::move(logprobs), nullptr);
    }
    if (event.finish != EventFinish::kNone) {
      out += delta(choice, Json::object(), nullptr, finish_reason(event.finish));
    }
    return out;
  }

  void add_event(std::uint32_t choice, const Event& event) override {
    Choice& mine = choices_[choice];
    mine.text += event.text;
    if (options().logprobs && event.has_logprob) mine.tokens.push_back(token_json(event));
    if (event.finish != EventFinish::kNone) mine.finish = event.finish;
  }

  Json choices_json() const override {
    Json out = Json::array();
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      const Choice& mine = choices_[i];
      out.push_back(Json::object(
          {{"index", static_cast<std::int64_t>(i)},
           {"message",
            Json::object({{"role", "assistant"}, {"content", mine.text}, {"refusal", nullptr}})},
           {"logprobs", options().logprobs ? logprobs_json(mine.tokens) : Json()},
           {"finish_reason", finish_reason(mine.finish)}}));
    }
    return out;
  }

 private:
  struct Choice {
    std::string text;
    Json tokens = Json::array();
    EventFinish finish = EventFinish::kNone;
  };

  std::string delta(std::uint32_t choice, Json content, Json logprobs, Json finish) const {
    return chunk(Json(Json::Array{Json::object({{"index", choice},
                                                {"delta", std::move(content)},
                                                {"logprobs", std::move(logprobs)},
                                                {"finish_reason", std::move(finish)}})}));
  }

  std::vector<Choice> choices_;
};

}  // namespace

std::unique_ptr<Answer> make_chat_answer(AnswerOptions options) {
  return std::make_unique<ChatAnswer>(std::move(options));
}

}  // namespace daemon_gateway
