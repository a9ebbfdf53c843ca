// From a log that an AuditLog wrote, with texts that were sealed, to verdicts.
#include "daemon/replay/replay_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "daemon/audit/log/audit_log.h"
#include "daemon/replay/derived_request.h"
#include "daemon/replay/replay_run.h"
#include "hardening/base/clock.h"
#include "hardening/base/hex.h"
#include "provisioning/sha256.h"
#include "tests/daemon/replay/recorded_bodies.h"
#include "tests/provisioning/scratch_directory.h"
#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace daemon_replay {
namespace {

using base::Json;
using daemon_audit::OpeningKey;
using daemon_audit::SealingKey;
using testing::HasSubstr;
using Kind = Verdict::Kind;

base::Secret site_key() {
  return base::Secret::create(std::string(32, 's')).value();
}

class ReplaySessionTest : public testing::Test {
 protected:
  ReplaySessionTest()
      : decoder_({.vocabulary = 48,
                  .context_tokens_max = 128,
                  .block_tokens = 4,
                  .blocks = 64,
                  .rows_max = 32,
                  .logit_rows_max = 8}),
        engine_(
            runtime::Engine::create({.sequences_max = 4, .queue_max = 16, .step_tokens_max = 32},
                                    decoder_, tokenizer_)
                .value()),
        key_(OpeningKey::generate().value()) {
    keys_.opening = OpeningKey::parse_pem(key_.pem().value().expose_text()).value();
  }

  // What is answered to a body, as the service would.
  static TestRequest question(const std::string& id, const std::string& prompt) {
    TestRequest request;
    request.id = id;
    request.n = 2;
    request.body = R"({"model":"m","n":2,"max_tokens":8,"prompt":")" + prompt + "\"}";
    request.prompt_tokens = {static_cast<std::uint32_t>(prompt.size() + 1)};
    return request;
  }
  void answer(TestRequest& request) {
    RecordedRequest asked;
    asked.model_name = "m";
    asked.parameters = test_parameters(request);
    asked.seed = 7;
    for (const std::uint32_t tokens : request.prompt_tokens) {
      asked.prompts.push_back({tokens, request.tokens_max});
    }
    const auto prompts = derive_requests(asked, request.body, {tokenizer_, nullptr, 128}).value();
    const ReplaySource source{
        .count = 1,
        .make = [&](std::size_t) -> base::Result<std::vector<runtime::GenerationRequest>> {
          return prompts;
        },
        .refuse = {},
        .take =
            [&](std::size_t, const std::vector<ReplayedChoice>& choices) {
              for (const auto& choice : choices) {
                request.choices.push_back(
                    {choice.tokens,
                     choice.finish == runtime::FinishReason::kStop ? "stop" : "length"});
              }
            }};
    ASSERT_TRUE(run_replay(*engine_, 4, source).ok());
  }

  void report(std::string type, Json body, std::string sealed) {
    if (!sealed.empty()) {
      body.set("sealed", Json::object({{"bytes", static_cast<std::uint64_t>(sealed.size())},
                                       {"digest", base::to_hex(provisioning::sha256(sealed))}}));
    }
    daemon_audit::Report report;
    report.writer = 1;
    report.number = ++number_;
    report.reporter = daemon_audit::Reporter::kGateway;
    report.type = std::move(type);
    report.body = std::move(body);
    report.sealed = std::move(sealed);
    reports_.push_back(std::move(report));
  }

  std::string seal(const std::string& id, std::string_view text) const {
    if (!sealed_) return {};
    const auto to = SealingKey::parse_pem(key_.public_pem().value()).value();
    return daemon_audit::seal_text(to, id, text).value();
  }

  // Both records, as the gateway makes them. `first` is what comes before them in the log.
  void record(const TestRequest& request) {
    const auto salt = daemon_audit::make_salt(site_key(), request.id);
    Json admitted = test_admission(request);
    admitted.set("body", Json::object({{"bytes", static_cast<std::uint64_t>(request.body.size())},
                                       {"digest", daemon_audit::digest_body(salt, request.body)}}));
    report("request.admitted", std::move(admitted), seal(request.id, request.body));
    Json finished = test_completion(request);
    Json lists = Json::array();
    std::uint32_t index = 0;
    for (Json& choice : member(finished, "choices").as_array()) {
      const auto& tokens = request.choices[index].tokens;
      choice.set("tokens_digest", daemon_audit::digest_tokens(salt, index++, tokens));
      Json list = Json::array();
      for (const std::int32_t token : tokens) list.push_back(token);
      lists.push_back(std::move(list));
    }
    report("request.finished", std::move(finished),
           seal(request.id, Json::object({{"choices", std::move(lists)}}).dump()));
  }

  void write_log() {
    const base::SystemClock clock;
    daemon_audit::AuditLogOptions options;
    options.host = "test";
    options.boot = std::string(32, '0');
    auto log = daemon_audit::AuditLog::open(directory_.open(), options, clock);
    ASSERT_TRUE(log.ok()) << log.error().message;
    ASSERT_EQ(log.value()->size(), 1U) << "log.opened";
    const auto appended = log.value()->append(reports_);
    ASSERT_TRUE(appended.ok()) << appended.error().message;
    ASSERT_TRUE(log.value()->close().ok());
  }

  std::map<std::string, Verdict> replay(const std::string& model = kTestModel,
                                        std::string_view kernels = kTestKernels) {
    std::map<std::string, Verdict> verdicts;
    const auto reader = daemon_audit::LogReader::open(directory_.open());
    EXPECT_TRUE(reader.ok()) << (reader.ok() ? "" : reader.error().message);
    if (!reader.ok()) return verdicts;
    const RecordedLog log(reader.value());
    const RecordedTexts texts(reader.value(), keys_);
    const auto selected = log.select({});
    EXPECT_TRUE(selected.ok());
    const ReplayEngine engine{*engine_, 8, {tokenizer_, nullptr, 128}, model, kernels};
    EXPECT_TRUE(
        replay_requests(engine, log, texts, selected.value(), [&](const Replayed& replayed) {
          verdicts[replayed.id] = replayed.verdict;
        }).ok());
    return verdicts;
  }

  // One request, recorded as `change` leaves it, and what becomes of it.
  Verdict one(const std::function<void(TestRequest&)>& change = {}) {
    TestRequest request = question("req-1", "ab");
    answer(request);
    if (change) change(request);
    record(request);
    write_log();
    return replay()["req-1"];
  }

  ScratchDirectory directory_;
  runtime::SmallTokenizer tokenizer_;
  runtime::HashDecoder decoder_;
  std::unique_ptr<runtime::Engine> engine_;
  OpeningKey key_;
  TextKeys keys_;
  bool sealed_ = true;
  std::vector<daemon_audit::Report> reports_;
  std::uint64_t number_ = 0;
};

TEST_F(ReplaySessionTest, FindsManyAnswersIdentical) {
  for (int i = 0; i < 20; ++i) {
    TestRequest request =
        question("req-" + std::to_string(i),
                 std::string(static_cast<std::size_t>(1 + i % 5), static_cast<char>('a' + i)));
    answer(request);
    record(request);
  }
  write_log();
  const auto verdicts = replay();
  EXPECT_EQ(verdicts.size(), 20U);
  for (const auto& [id, verdict] : verdicts) {
    EXPECT_EQ(verdict.kind, Kind::kIdentical) << id << " " << verdict.why;
    EXPECT_GT(verdict.tokens, 0U);
  }
}

TEST_F(ReplaySessionTest, FindsTheTokenThatWasChanged) {
  const Verdict verdict = one([](TestRequest& r) { r.choices[1].tokens[2] ^= 1; });
  EXPECT_EQ(verdict.kind, Kind::kDiffers);
  EXPECT_EQ(verdict.difference.choice, 1U);
  EXPECT_EQ(verdict.difference.at, 2U);
}

TEST_F(ReplaySessionTest, ComparesWhatACancelledRequestHad) {
  const Verdict verdict = one([](TestRequest& r) {
    r.outcome = "cancelled";
    r.choices[0].tokens.resize(3);
    r.choices[1].tokens.clear();
    for (auto& choice : r.choices) choice.finish.clear();
  });
  EXPECT_EQ(verdict.kind, Kind::kIdentical) << verdict.why;
  EXPECT_TRUE(verdict.partial);
  EXPECT_EQ(verdict.tokens, 3U);
}

TEST_F(ReplaySessionTest, RefusesAnotherSeedModelAndKernelSet) {
  EXPECT_EQ(one([](TestRequest& r) { r.seed = "8"; }).kind, Kind::kDiffers)
      << "one that the gateway drew";
  const auto model = replay(std::string(64, 'b'))["req-1"];
  EXPECT_EQ(model.kind, Kind::kRefused);
  EXPECT_THAT(model.why, HasSubstr(kTestModel));
  EXPECT_THAT(model.why, HasSubstr(std::string(64, 'b')));
  const auto kernels = replay(kTestModel, "other")["req-1"];
  EXPECT_EQ(kernels.kind, Kind::kRefused);
  EXPECT_THAT(kernels.why, HasSubstr("the kernel set test, this is other"));
}

TEST_F(ReplaySessionTest, RefusesAnotherKey) {
  one();
  keys_.opening = OpeningKey::generate().value();
  const auto verdict = replay()["req-1"];
  EXPECT_EQ(verdict.kind, Kind::kRefused);
  EXPECT_THAT(verdict.why, HasSubstr("sealed to another key"));
}

TEST_F(ReplaySessionTest, RefusesSealedTextsThatWereChanged) {
  one();
  std::size_t changed = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / "sealed")) {
    if (!entry.is_regular_file()) continue;
    std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(60);
    file.put('\x55');
    ++changed;
  }
  EXPECT_EQ(changed, 2U);
  EXPECT_EQ(replay()["req-1"].kind, Kind::kRefused);
}

TEST_F(ReplaySessionTest, SkipsWhatCannotBeKnownWithoutAKey) {
  one();
  keys_.opening.reset();
  const auto verdict = replay()["req-1"];
  EXPECT_EQ(verdict.kind, Kind::kSkipped);
  EXPECT_THAT(verdict.why, HasSubstr("--key"));
}

TEST_F(ReplaySessionTest, TakesAClientsOwnBodyByItsDigest) {
  sealed_ = false;
  TestRequest request = question("req-1", "ab");
  answer(request);
  record(request);
  write_log();
  keys_.opening.reset();
  EXPECT_EQ(replay()["req-1"].kind, Kind::kSkipped);
  keys_.body = request.body;
  EXPECT_EQ(replay()["req-1"].kind, Kind::kSkipped) << "without a salt it could be any";
  keys_.salt = daemon_audit::make_salt(site_key(), "req-1");
  EXPECT_EQ(replay()["req-1"].kind, Kind::kIdentical);
  keys_.body->append(" ");
  EXPECT_EQ(replay()["req-1"].kind, Kind::kRefused);
}

TEST_F(ReplaySessionTest, FindsADifferenceByDigestAlone) {
  sealed_ = false;
  keys_.opening.reset();
  keys_.site_key = site_key();
  keys_.body = question("req-1", "ab").body;
  const Verdict verdict = one([](TestRequest& r) { r.choices[0].tokens[0] ^= 1; });
  EXPECT_EQ(verdict.kind, Kind::kDiffers);
  EXPECT_FALSE(verdict.difference.at);
}

TEST_F(ReplaySessionTest, SelectsByTheRecordsThatEndRequests) {
  // log.opened, then admissions and ends: 1 2, 3 4, 5 6.
  for (const char* id : {"req-1", "req-2", "req-3"}) {
    TestRequest request = question(id, "ab");
    answer(request);
    record(request);
  }
  write_log();
  const auto reader = daemon_audit::LogReader::open(directory_.open());
  ASSERT_TRUE(reader.ok());
  const RecordedLog log(reader.value());
  const auto ends = [&log](std::string_view what) {
    std::vector<std::uint64_t> found;
    const auto selected = log.select(Selection::parse(what).value());
    if (!selected.ok()) return found;
    for (const auto& request : selected.value()) {
      EXPECT_EQ(request.admitted, request.finished - 1);
      found.push_back(request.finished);
    }
    return found;
  };
  using Ends = std::vector<std::uint64_t>;
  EXPECT_EQ(ends("req-2"), Ends{4});
  EXPECT_EQ(ends("0-99"), (Ends{2, 4, 6}));
  EXPECT_EQ(ends("3-4"), Ends{4});
  EXPECT_EQ(ends("4"), Ends{4}) << "though its admission lies before";
  EXPECT_EQ(ends("5"), Ends{});
  EXPECT_EQ(ends("req-4"), Ends{});
}

TEST(SelectionTest, IsAnIdOrARangeOfRecords) {
  EXPECT_EQ(Selection::parse("req-ab12").value().request, "req-ab12");
  EXPECT_EQ(Selection::parse("17").value().to, 17U);
  EXPECT_EQ(Selection::parse("17-99").value().from, 17U);
  EXPECT_EQ(Selection::parse("17-99").value().to, 99U);
  for (const char* bad : {"", "99-17", "17-", "17-x", "18446744073709551616-1"}) {
    const auto parsed = Selection::parse(bad);
    EXPECT_TRUE(!parsed.ok() || !parsed.value().request.empty()) << bad;
  }
  EXPECT_FALSE(Selection::parse("17-x").ok());
  EXPECT_FALSE(Selection::parse(std::string(65, 'a')).ok());
}

}  // namespace
}  // namespace daemon_replay
