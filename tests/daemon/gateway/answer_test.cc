#include "daemon/gateway/answer.h"

#include <gtest/gtest.h>

#include <limits>

namespace daemon_gateway {
namespace {

using daemon_ipc::Event;
using daemon_ipc::EventFinish;

AnswerOptions options(bool logprobs = false, bool usage = false) {
  return {.id = "id-1",
          .created = 5,
          .model = "m",
          .prompts = 1,
          .choices = 1,
          .logprobs = logprobs,
          .include_usage = usage};
}

Event text(std::string piece) {
  Event event;
  event.token = 1;
  event.text = std::move(piece);
  return event;
}

Event finish(EventFinish how, std::uint32_t completion_tokens = 2) {
  Event event;
  event.finish = how;
  event.prompt_tokens = 7;
  event.completion_tokens = completion_tokens;
  event.cached_prompt_tokens = 4;
  return event;
}

Event scored(std::string piece, float logprob) {
  Event event = text(piece);
  event.has_logprob = true;
  event.logprob = {1, logprob, piece};
  event.top = {{1, logprob, piece}, {2, -9.5F, "z"}};
  return event;
}

constexpr char kChunkHead[] =
    R"(data: {"id":"id-1","object":"chat.completion.chunk","created":5,"model":"m","system_fingerprint":null,"choices":[)";

std::string chat_chunk(const std::string& choice) {
  return kChunkHead + choice + "]}\n\n";
}

TEST(ChatAnswer, StreamsRoleThenContentThenFinishThenDone) {
  const auto answer = make_chat_answer(options());
  EXPECT_EQ(
      answer->open_stream(),
      chat_chunk(
          R"({"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null})"));
  EXPECT_EQ(
      answer->stream(0, text("ab")),
      chat_chunk(R"({"index":0,"delta":{"content":"ab"},"logprobs":null,"finish_reason":null})"));
  EXPECT_EQ(answer->stream(0, text("")), "");
  EXPECT_EQ(answer->stream(0, finish(EventFinish::kLength)),
            chat_chunk(R"({"index":0,"delta":{},"logprobs":null,"finish_reason":"length"})"));
  EXPECT_EQ(answer->close_stream(), "data: [DONE]\n\n");
}

TEST(ChatAnswer, SplitsALastTextFromItsFinish) {
  const auto answer = make_chat_answer(options());
  Event last = finish(EventFinish::kStop);
  last.text = "z";
  EXPECT_EQ(
      answer->stream(0, last),
      chat_chunk(R"({"index":0,"delta":{"content":"z"},"logprobs":null,"finish_reason":null})") +
          chat_chunk(R"({"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"})"));
}

TEST(ChatAnswer, EndsWithTheUsageWhenAskedTo) {
  const auto answer = make_chat_answer(options(false, true));
  EXPECT_NE(answer->stream(0, text("a")).find(R"("finish_reason":null}],"usage":null})"),
            std::string::npos);
  answer->stream(0, finish(EventFinish::kStop));
  EXPECT_EQ(answer->close_stream(),
            std::string(kChunkHead) +
                R"(],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,)" +
                R"("prompt_tokens_details":{"cached_tokens":4}}})" + "\n\ndata: [DONE]\n\n");
}

TEST(ChatAnswer, AsAWholeJoinsWhatItStreams) {
  const auto answer = make_chat_answer(options());
  answer->add(0, text("ab"));
  answer->add(0, text("c"));
  answer->add(0, finish(EventFinish::kStop));
  EXPECT_EQ(
      answer->body().dump(),
      R"({"id":"id-1","object":"chat.completion","created":5,"model":"m","system_fingerprint":null,"choices":[)"
      R"({"index":0,"message":{"role":"assistant","content":"abc","refusal":null},"logprobs":null,)"
      R"("finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,)"
      R"("prompt_tokens_details":{"cached_tokens":4}}})");
}

TEST(ChatAnswer, ShowsLogprobsOfEveryTokenEvenWithoutText) {
  const auto answer = make_chat_answer(options(true));
  Event held = scored("\xc3", -0.5F);  // half a character: its text comes with the next token
  held.text.clear();
  const std::string chunk = answer->stream(0, held);
  EXPECT_NE(
      chunk.find(
          R"("delta":{"content":""},"logprobs":{"content":[{"token":"bytes:\\xc3","logprob":-0.5,"bytes":[195],)"
          R"("top_logprobs":[{"token":"bytes:\\xc3","logprob":-0.5,"bytes":[195]},)"
          R"({"token":"z","logprob":-9.5,"bytes":[122]}]}],"refusal":null})"),
      std::string::npos)
      << chunk;
  answer->add(0, scored("a", -1.0F));
  EXPECT_NE(answer->body().dump().find(R"("logprobs":{"content":[{"token":"a","logprob":-1.0)"),
            std::string::npos);
}

TEST(ChatAnswer, CountsThePromptOnceForAllChoices) {
  AnswerOptions two = options();
  two.choices = 2;
  const auto answer = make_chat_answer(two);
  answer->add(1, finish(EventFinish::kStop, 3));
  answer->add(0, finish(EventFinish::kLength, 5));
  EXPECT_EQ(answer->usage().prompt_tokens, 7u);
  EXPECT_EQ(answer->usage().completion_tokens, 8u);
  EXPECT_EQ(answer->usage().cached_tokens, 4u);
}

TEST(CompletionAnswer, StreamsTextAndFinishInOneShape) {
  const auto answer = make_completion_answer(options());
  EXPECT_EQ(answer->open_stream(), "");
  EXPECT_EQ(
      answer->stream(0, text("ab")),
      R"(data: {"id":"id-1","object":"text_completion","created":5,"model":"m","system_fingerprint":null,)"
      R"("choices":[{"text":"ab","index":0,"logprobs":null,"finish_reason":null}]})"
      "\n\n");
  EXPECT_EQ(answer->stream(0, text("")), "");
  EXPECT_NE(answer->stream(0, finish(EventFinish::kStop))
                .find(R"("text":"","index":0,"logprobs":null,"finish_reason":"stop")"),
            std::string::npos);
}

TEST(CompletionAnswer, ListsTokensWithOffsetsInCharacters) {
  const auto answer = make_completion_answer(options(true));
  Event first = text("h\xc3\xa9");  // of an echoed prompt: nothing before it to be likely after
  first.prompt = true;
  answer->add(0, first);
  answer->add(0, scored("a", -1.0F));
  answer->add(0, scored("b", -std::numeric_limits<float>::infinity()));
  answer->add(0, finish(EventFinish::kStop));
  const base::Json body = answer->body();
  const base::Json& choice = body.find("choices")->as_array()[0];
  EXPECT_EQ(choice.find("text")->as_string(),
            "h\xc3\xa9"
            "ab");
  EXPECT_EQ(
      choice.find("logprobs")->dump(),
      R"({"tokens":["hé","a","b"],"token_logprobs":[null,-1.0,-9999.0],)"
      R"("top_logprobs":[null,{"a":-1.0,"z":-9.5},{"b":-9999.0,"z":-9.5}],"text_offset":[0,2,3]})");
}

TEST(CompletionAnswer, CountsEachPromptOnce) {
  AnswerOptions many = options();
  many.prompts = 2;
  many.choices = 2;
  const auto answer = make_completion_answer(many);
  for (std::uint32_t choice = 0; choice < 4; ++choice)
    answer->add(choice, finish(EventFinish::kStop));
  EXPECT_EQ(answer->usage().prompt_tokens, 14u);
  EXPECT_EQ(answer->body().find("choices")->as_array().size(), 4u);
}

TEST(StreamError, IsTheErrorBodyAsAnEvent) {
  EXPECT_EQ(
      stream_error(server_error("x")),
      "data: "
      "{\"error\":{\"message\":\"x\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n");
}

}  // namespace
}  // namespace daemon_gateway
