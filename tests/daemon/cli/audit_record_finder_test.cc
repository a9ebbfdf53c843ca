#include "daemon/cli/audit_record_finder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/cli/written_log.h"

namespace daemon_cli {
namespace {

using ::testing::HasSubstr;

// A log of 300 records: admissions and completions of a few requests among others.
std::vector<std::string> make_records() {
  std::vector<std::string> records;
  for (int i = 0; i < 300; ++i) {
    records.push_back(fmt::format(R"({{"body":{{}},"index":{},"type":"health.changed"}})", i));
  }
  const auto put = [&](std::size_t index, std::string_view type, std::string_view body) {
    records[index] = fmt::format(R"({{"body":{},"index":{},"type":"{}"}})", body, index, type);
  };
  put(10, "request.admitted", R"({"request":"req-one"})");
  put(20, "request.finished", R"({"request":"req-one"})");
  put(30, "request.admitted", R"({"request":"req-two"})");
  put(40, "request.refused", R"({"request":"req-three"})");
  // What a client says of itself is not the request's id.
  put(50, "request.finished", R"({"request":"req-four","tag":"\"request\":\"req-one\""})");
  put(60, "request.finished", R"({"request":"req-five","x":{"request":"req-one"}})");
  put(280, "request.finished", R"({"request":"req-one"})");
  put(290, "request.lost", R"({"request":"req-two"})");
  return records;
}

class RecordFinder : public ::testing::Test {
 protected:
  base::Result<std::uint64_t> find(std::string_view text) {
    auto log = daemon_audit::LogReader::open(written_.open());
    if (!log.ok()) return log.error();
    return find_record(log.value(), text);
  }
  WrittenLog written_{make_records()};
};

TEST_F(RecordFinder, TakesDigitsForAnIndex) {
  EXPECT_EQ(find("0").value(), 0u);
  EXPECT_EQ(find("299").value(), 299u);
  EXPECT_EQ(find("300").error().code, base::ErrorCode::kNotFound);
  EXPECT_THAT(find("300").error().message, HasSubstr("300 records"));
  EXPECT_FALSE(find("007").ok());
  EXPECT_FALSE(find("99999999999999999999999").ok());
}

TEST_F(RecordFinder, FindsTheNewestCompletionOfARequest) {
  EXPECT_EQ(find("req-one").value(), 280u);
  EXPECT_EQ(find("req-four").value(), 50u);
}

TEST_F(RecordFinder, FindsTheAdmissionOfARequestWithoutCompletion) {
  EXPECT_EQ(find("req-two").value(), 30u);
}

TEST_F(RecordFinder, SaysWhatIsNotThere) {
  EXPECT_EQ(find("req-three").error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(find("req-").error().code, base::ErrorCode::kNotFound);
  for (const std::string& text : {std::string(), std::string("req one"), std::string("a\"b"),
                                  std::string("req-\n"), std::string(65, 'r')}) {
    EXPECT_EQ(find(text).error().code, base::ErrorCode::kInvalidInput) << text;
  }
}

TEST_F(RecordFinder, ProvesWhatItFinds) {
  auto log = daemon_audit::LogReader::open(written_.open());
  ASSERT_TRUE(log.ok()) << log.error().message;
  for (const std::uint64_t index : {0u, 255u, 256u, 280u, 299u}) {
    daemon_audit::TlogProof proof;
    proof.index = index;
    proof.path =
        daemon_audit::prove_inclusion(index, log.value().size(), log.value().hashes()).value();
    proof.checkpoint = log.value().checkpoint_note();
    const std::string record = log.value().entry(index).value();
    EXPECT_TRUE(daemon_audit::check_proof(proof, record, written_.key).ok()) << index;
  }
}

}  // namespace
}  // namespace daemon_cli
