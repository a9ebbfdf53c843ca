#include "daemon/audit/tlog/receipt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/audit/tlog/tree.h"
#include "hardening/base/canonical_json.h"
#include "hardening/base/hex.h"
#include "tests/daemon/audit/tlog/naive_tree.h"
#include "tests/daemon/audit/tlog/tlog_vector.h"

namespace daemon_audit {
namespace {

using ::testing::HasSubstr;

constexpr char kRequest[] = R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
constexpr char kFirst[] = "Hello.";
constexpr char kSecond[] = R"({"choices":[]})";  // a text that looks like an answer

Salt make_test_salt() {
  Salt salt;
  for (std::size_t i = 0; i < salt.size(); ++i) salt[i] = static_cast<std::byte>(i);
  return salt;
}

base::Json make_record(std::uint64_t index) {
  const Salt salt = make_test_salt();
  auto choice = [&](int number, std::string_view text) {
    return base::Json::object({{"index", number}, {"text_digest", digest_text(salt, text)}});
  };
  return base::Json::object(
      {{"index", index},
       {"type", "request.finished"},
       {"body", base::Json::object(
                    {{"request", "req-1"},
                     {"body", base::Json::object({{"digest", digest_body(salt, kRequest)}})},
                     {"choices", base::Json::Array{choice(0, kFirst), choice(1, kSecond)}}})}});
}

// A log of ten records, the receipt of the one at `index`, which says that it is at `said`.
struct Case {
  SignerKey key;
  Receipt receipt;
};

Case make_case(std::uint64_t index, std::uint64_t said) {
  SignerKey key = SignerKey::generate("redoubt/test").value();
  Receipt receipt;
  receipt.record = base::canonical_json(make_record(said)).value();
  auto leaves = make_leaves(10);
  leaves[index] = hash_leaf(receipt.record);
  TlogProof proof;
  proof.index = index;
  proof.path = naive_path(index, leaves);
  proof.checkpoint =
      sign_checkpoint({.origin = "redoubt/test", .size = 10, .root = naive_root(leaves)}, key)
          .value();
  receipt.proof = proof.serialize();
  receipt.salt = make_test_salt();
  return {std::move(key), std::move(receipt)};
}

TEST(Receipt, ReadsWhatItWrites) {
  Receipt receipt = make_case(3, 3).receipt;
  for (const bool salted : {true, false}) {
    if (!salted) receipt.salt.reset();
    const std::string text = receipt.serialize();
    EXPECT_THAT(text, HasSubstr(R"("format":"redoubt-receipt/1")"));
    const auto again = Receipt::parse(text).value();
    EXPECT_EQ(again.record, receipt.record);
    EXPECT_EQ(again.proof, receipt.proof);
    EXPECT_EQ(again.salt, receipt.salt);
  }
}

TEST(Receipt, IsFoundInTheAnswerItCameWith) {
  const Receipt receipt = make_case(3, 3).receipt;
  base::Json answer = base::Json::object({{"id", "req-1"}, {"choices", base::Json::array()}});
  answer.set("redoubt_receipt", receipt.json());
  EXPECT_EQ(Receipt::parse(answer.dump()).value().record, receipt.record);
}

TEST(Receipt, RefusesOtherShapes) {
  const base::Json good = make_case(3, 3).receipt.json();
  const auto with = [&](std::string_view name, const base::Json& value) {
    base::Json changed = base::Json::object();
    bool found = false;
    for (const auto& [key, old] : good.as_object()) {
      changed.set(key, key == name ? value : old);
      found = found || key == name;
    }
    if (!found) changed.set(std::string(name), value);
    return Receipt::from_json(changed).ok();
  };
  EXPECT_TRUE(with("salt", std::string(64, 'a')));
  EXPECT_FALSE(with("salt", std::string(62, 'a')));
  EXPECT_FALSE(with("salt", std::string(66, 'a')));
  EXPECT_FALSE(with("salt", std::string(64, 'A')));
  EXPECT_FALSE(with("salt", base::Json()));
  EXPECT_FALSE(with("format", "redoubt-receipt/2"));
  EXPECT_FALSE(with("format", 1));
  EXPECT_FALSE(with("record", ""));
  EXPECT_FALSE(with("record", base::Json::object()));
  EXPECT_FALSE(with("record", std::string(65'536, 'r')));
  EXPECT_TRUE(with("record", std::string(65'535, 'r')));
  EXPECT_FALSE(with("proof", std::string(65'537, 'p')));
  EXPECT_FALSE(with("more", 1));
  EXPECT_FALSE(Receipt::parse("[]").ok());
  EXPECT_FALSE(Receipt::parse("").ok());
  EXPECT_FALSE(Receipt::parse(R"({"redoubt_receipt":null})").ok());
}

TEST(Receipt, HoldsUnderTheKeyOfItsLogAlone) {
  const Case made = make_case(3, 3);
  const auto proven = check_record(made.receipt.record, made.receipt.proof, &made.key.verifier());
  ASSERT_TRUE(proven.ok()) << proven.error().message;
  EXPECT_EQ(proven.value().index, 3u);
  EXPECT_EQ(proven.value().checkpoint.size, 10u);
  const VerifierKey other = SignerKey::generate("redoubt/test").value().verifier();
  EXPECT_EQ(check_record(made.receipt.record, made.receipt.proof, &other).error().code,
            base::ErrorCode::kDenied);
  EXPECT_TRUE(check_record(made.receipt.record, made.receipt.proof, nullptr).ok());
}

TEST(Receipt, DoesNotHoldForAnotherRecordOrPlace) {
  const Case made = make_case(3, 3);
  std::string record = made.receipt.record;
  record[record.size() - 3] ^= 1;
  EXPECT_FALSE(check_record(record, made.receipt.proof, &made.key.verifier()).ok());
  EXPECT_FALSE(check_record(record, made.receipt.proof, nullptr).ok());
  const Case moved = make_case(3, 4);
  const auto refused =
      check_record(moved.receipt.record, moved.receipt.proof, &moved.key.verifier());
  EXPECT_THAT(refused.error().message, HasSubstr("another index"));
}

TEST(Receipt, WantsARecordAndNoOtherLeaf) {
  const VerifierKey key = VerifierKey::parse(kVectorLogKey).value();
  const auto refused = check_record("record 123", kVectorProof, &key);
  EXPECT_THAT(refused.error().message, HasSubstr("record"));
  EXPECT_EQ(refused.error().code, base::ErrorCode::kInvalidInput);
}

TEST(ReceiptTexts, KnowTheRequestThatWasSent) {
  const base::Json record = make_record(3);
  EXPECT_TRUE(check_request_body(record, make_test_salt(), kRequest).ok());
  EXPECT_EQ(check_request_body(record, make_test_salt(), std::string(kRequest) + " ").error().code,
            base::ErrorCode::kDenied);
  EXPECT_FALSE(check_request_body(record, Salt{}, kRequest).ok());
  EXPECT_EQ(check_request_body(base::Json::object(), make_test_salt(), kRequest).error().code,
            base::ErrorCode::kNotFound);
}

TEST(ReceiptTexts, KnowTheTextOfAChoice) {
  const base::Json record = make_record(3);
  EXPECT_TRUE(check_answer(record, make_test_salt(), kFirst).ok());
  EXPECT_TRUE(check_answer(record, make_test_salt(), kSecond).ok());
  EXPECT_FALSE(check_answer(record, make_test_salt(), "Hello").ok());
  EXPECT_FALSE(check_answer(record, make_test_salt(), "").ok());
  EXPECT_FALSE(check_answer(record, make_test_salt(), R"({"choices":1})").ok());
  EXPECT_EQ(check_answer(base::Json::object(), make_test_salt(), kFirst).error().code,
            base::ErrorCode::kNotFound);
}

std::string answer_of(std::vector<std::pair<int, std::string>> texts, bool chat) {
  base::Json choices = base::Json::array();
  for (auto& [index, text] : texts) {
    base::Json choice = base::Json::object({{"index", index}});
    if (chat) {
      choice.set("message", base::Json::object({{"role", "assistant"}, {"content", text}}));
    } else {
      choice.set("text", text);
    }
    choices.push_back(std::move(choice));
  }
  return base::Json::object({{"id", "req-1"}, {"choices", std::move(choices)}}).dump_pretty();
}

TEST(ReceiptTexts, KnowAWholeAnswer) {
  const base::Json record = make_record(3);
  const auto holds = [&](const std::string& answer) {
    return check_answer(record, make_test_salt(), answer).ok();
  };
  for (const bool chat : {true, false}) {
    EXPECT_TRUE(holds(answer_of({{0, kFirst}, {1, kSecond}}, chat)));
    EXPECT_TRUE(holds(answer_of({{1, kSecond}, {0, kFirst}}, chat)));
    EXPECT_FALSE(holds(answer_of({{0, kSecond}, {1, kFirst}}, chat)));
    EXPECT_FALSE(holds(answer_of({{0, kFirst}}, chat)));
    EXPECT_FALSE(holds(answer_of({{0, kFirst}, {0, kFirst}}, chat)));
    EXPECT_FALSE(holds(answer_of({{0, kFirst}, {1, kSecond}, {2, kFirst}}, chat)));
    EXPECT_FALSE(holds(answer_of({{0, kFirst}, {1, "changed"}}, chat)));
  }
}

}  // namespace
}  // namespace daemon_audit
