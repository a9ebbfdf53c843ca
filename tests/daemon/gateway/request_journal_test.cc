#include "daemon/gateway/request_journal.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace daemon_gateway {
namespace {

using daemon_ipc::Event;
using daemon_ipc::EventFinish;
using daemon_ipc::Events;
using daemon_ipc::RequestBegin;
using daemon_ipc::RequestBody;
using daemon_ipc::RequestResume;

constexpr std::uint32_t kContext = 1'000;

RequestJournal make(std::uint32_t choices, std::string body = "{}", std::uint32_t tokens_max = 0) {
  Submission submission;
  submission.begin.id = 7;
  submission.begin.choices = choices;
  submission.begin.tokens_max = tokens_max;
  submission.begin.body_bytes = static_cast<std::uint32_t>(body.size());
  submission.body = std::move(body);
  return {std::move(submission), kContext};
}

Event token(std::uint32_t choice, std::int32_t id) {
  Event event;
  event.choice = choice;
  event.token = id;
  event.text = std::to_string(id) + " ";
  return event;
}

Event closing(std::uint32_t choice, EventFinish finish = EventFinish::kStop) {
  Event event;
  event.choice = choice;
  event.finish = finish;
  return event;
}

Event prompt(std::uint32_t choice, std::string text) {
  Event event;
  event.choice = choice;
  event.prompt = true;
  event.text = std::move(text);
  return event;
}

// The messages an engine would be sent.
std::vector<daemon_ipc::Message> asked(RequestJournal& journal) {
  std::vector<daemon_ipc::Message> messages;
  while (auto message = journal.next_message()) messages.push_back(std::move(*message));
  return messages;
}

// What is left of the events for the client; fails the test on a breach.
std::vector<Event> heard(RequestJournal& journal, std::vector<Event> events) {
  Events message{7, std::move(events)};
  EXPECT_TRUE(journal.record(message).ok());
  return message.events;
}

bool breach(RequestJournal& journal, Event event) {
  Events message{7, {std::move(event)}};
  return !journal.record(message).ok();
}

TEST(RequestJournal, AsksInPiecesThatFitAMessage) {
  const std::string body(100'000, 'x');
  RequestJournal journal = make(1, body);
  const auto messages = asked(journal);
  ASSERT_EQ(messages.size(), 5U);
  EXPECT_EQ(std::get<RequestBegin>(messages[0]).body_bytes, 100'000U);
  std::size_t bytes = 0;
  for (std::size_t i = 1; i < 5; ++i) bytes += std::get<RequestBody>(messages[i]).bytes.size();
  EXPECT_EQ(bytes, body.size());
  journal.rewind();
  EXPECT_EQ(asked(journal).size(), 5U);
}

TEST(RequestJournal, TellsTheNextEngineWhatEachChoiceHasEmitted) {
  RequestJournal journal = make(2);
  EXPECT_TRUE(journal.record(daemon_ipc::Admitted{7, 3, kContext}).value());
  std::vector<Event> events;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(heard(journal, {token(1, i)}).size(), 1U);
  EXPECT_TRUE(journal.admitted());
  journal.rewind();
  EXPECT_FALSE(journal.admitted_now());
  const auto messages = asked(journal);
  ASSERT_EQ(messages.size(), 3U);
  const auto& resume = std::get<RequestResume>(messages[1]);
  EXPECT_EQ(resume.choice, 1U);
  ASSERT_EQ(resume.tokens.size(), 50U);
  EXPECT_EQ(resume.tokens[49], 49);
  EXPECT_FALSE(journal.record(daemon_ipc::Admitted{7, 3, kContext}).value())
      << "the client knows that it is admitted";
}

TEST(RequestJournal, SplitsManyTokensOverMessages) {
  constexpr std::uint32_t kMany = 20'000;
  RequestJournal journal = make(1, "{}", kMany);
  ASSERT_TRUE(journal.record(daemon_ipc::Admitted{7, 3, kMany}).ok());
  for (std::uint32_t i = 0; i < kMany; ++i) heard(journal, {token(0, 5)});
  journal.rewind();
  const auto messages = asked(journal);
  ASSERT_EQ(messages.size(), 5U);
  for (const auto& message : messages)
    EXPECT_LE(daemon_ipc::serialize(message).size(), daemon_ipc::kMessageBytesMax);
  EXPECT_EQ(std::get<RequestResume>(messages[3]).tokens.size(), kMany - 2 * 8'192U);
}

TEST(RequestJournal, KeepsFromTheClientWhatItHasHad) {
  RequestJournal journal = make(3);
  ASSERT_TRUE(journal.record(daemon_ipc::Admitted{7, 3, kContext}).ok());
  heard(journal, {prompt(0, "a"), prompt(0, "b"), prompt(1, "a"), prompt(1, "b"), prompt(2, "a"),
                  token(0, 1), closing(0)});
  EXPECT_FALSE(journal.over());
  journal.rewind();
  ASSERT_TRUE(journal.record(daemon_ipc::Admitted{7, 3, kContext}).ok());
  // Choice 0 is finished, 1 has had its prompt, 2 half of it.
  const auto news = heard(journal, {closing(0), prompt(1, "a"), prompt(1, "b"), prompt(2, "a"),
                                    prompt(2, "b"), token(1, 1), token(2, 1)});
  ASSERT_EQ(news.size(), 3U);
  EXPECT_EQ(news[0].text, "b");
  EXPECT_EQ(news[0].choice, 2U);
  EXPECT_EQ(news[1].token, 1);
  EXPECT_FALSE(journal.over());
  EXPECT_EQ(heard(journal, {closing(1), closing(2)}).size(), 2U);
  EXPECT_TRUE(journal.over());
}

TEST(RequestJournal, DropsWhatComesOfAChoiceThatWasBrokenOff) {
  RequestJournal journal = make(2);
  ASSERT_TRUE(journal.record(daemon_ipc::Admitted{7, 3, kContext}).ok());
  EXPECT_EQ(heard(journal, {closing(0, EventFinish::kError)}).size(), 1U);
  journal.rewind();
  ASSERT_TRUE(journal.record(daemon_ipc::Admitted{7, 3, kContext}).ok());
  EXPECT_EQ(heard(journal, {token(0, 4), closing(0, EventFinish::kCancelled)}).size(), 0U);
}

TEST(RequestJournal, HoldsTheEngineToTheProtocol) {
  RequestJournal journal = make(1, "{}", 2);
  EXPECT_TRUE(breach(journal, token(0, 1))) << "before admitted";
  ASSERT_TRUE(journal.record(daemon_ipc::Admitted{7, 3, 2}).ok());
  EXPECT_FALSE(journal.record(daemon_ipc::Admitted{7, 3, 2}).ok()) << "twice";
  EXPECT_TRUE(breach(journal, token(1, 1))) << "no such choice";
  EXPECT_TRUE(breach(journal, Event{})) << "says nothing";
  heard(journal, {token(0, 1), token(0, 2)});
  EXPECT_TRUE(breach(journal, prompt(0, "a"))) << "the prompt after a token";
  EXPECT_TRUE(breach(journal, token(0, 3))) << "more tokens than admitted";
  heard(journal, {closing(0)});
  EXPECT_TRUE(breach(journal, closing(0))) << "closed twice";
  journal.rewind();
  ASSERT_TRUE(journal.record(daemon_ipc::Admitted{7, 3, 2}).ok());
  EXPECT_TRUE(breach(journal, token(0, 3))) << "a token of a choice that is finished";
}

TEST(RequestJournal, HasOneDigestForWhatWouldKillAlike) {
  const auto digest = [](auto change) {
    Submission submission;
    submission.body = R"({"prompt":"x"})";
    change(submission);
    return RequestJournal(std::move(submission), kContext).digest();
  };
  const auto plain = digest([](Submission&) {});
  EXPECT_EQ(plain, digest([](Submission& s) {
              s.begin.id = 9;
              s.begin.tenant = 8;
              s.begin.seed = 7;
              s.begin.time = 6;
            }));
  EXPECT_NE(plain, digest([](Submission& s) { s.body += ' '; }));
  EXPECT_NE(plain, digest([](Submission& s) { s.begin.temperature = 0; }));
}

TEST(RequestJournal, SaysWhatItMayComeToHold) {
  EXPECT_GE(make(4, "{}", 500).bytes_max(), 4 * 500 * sizeof(std::int32_t));
  EXPECT_GE(make(4).bytes_max(), 4 * kContext * sizeof(std::int32_t));
  EXPECT_GE(make(1, std::string(70'000, 'x')).bytes_max(), 70'000U);
}

}  // namespace
}  // namespace daemon_gateway
