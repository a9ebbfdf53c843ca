// What comes to a log from outside, and what leaves it when it is old.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "daemon/audit/log/audit_log.h"
#include "daemon/audit/log/log_reader.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "hardening/base/hex.h"
#include "provisioning/base64.h"
#include "provisioning/sha256.h"
#include "tests/daemon/audit/log/log_folder.h"

namespace {

using audit_test::HandClock;
using audit_test::LogFolder;
using audit_test::open_log;
using audit_test::read_whole;
using audit_test::refused;
using daemon_audit::Report;

constexpr std::int64_t kDayUs = std::int64_t{86'400} * 1'000'000;

void tidy_up(daemon_audit::AuditLog& log) {
  for (int i = 0; i < 10'000 && log.tidy(); ++i) continue;
}

// An admission with a sealed text of its own.
Report sealed(std::uint64_t number) {
  const std::string id = "req-" + std::to_string(number);
  Report report = audit_test::admitted(7, number, id);
  report.sealed = "redoubt-sealed-1\n" + id;
  const auto digest = base::to_hex(provisioning::sha256(report.sealed));
  report.body.set("sealed", base::Json::object({{"digest", digest},
                                                {"bytes", std::uint64_t{report.sealed.size()}}}));
  return report;
}

std::size_t count_below(const LogFolder& folder, std::string_view prefix) {
  const auto files = folder.files();
  return static_cast<std::size_t>(std::ranges::count_if(
      files, [prefix](const std::string& file) { return file.starts_with(prefix); }));
}

TEST(LogKeeping, RemovesWhatIsOldAndSaysSoFirst) {
  const LogFolder folder;
  HandClock clock;
  auto with = audit_test::options();
  with.retention_days = 200;
  with.sealed_days = 30;
  auto log = open_log(folder, clock, with);
  std::uint64_t number = 0;
  const auto a_day = [&](std::uint64_t records, bool with_text) {
    std::vector<Report> batch;
    for (std::uint64_t i = 0; i < records; ++i) {
      ++number;
      batch.push_back(with_text && i % 50 == 0 ? sealed(number) : refused(7, number));
    }
    ASSERT_TRUE(log->append(batch).ok());
    ASSERT_TRUE(log->publish().ok());
    tidy_up(*log);
    clock.pass(kDayUs);
  };
  for (int day = 0; day < 5; ++day) a_day(200, true);  // to day 5: 20 texts
  EXPECT_EQ(count_below(folder, "sealed/"), 20U);
  clock.pass(28 * kDayUs);  // day 33: those of days 0 to 2 are older
  a_day(1, false);
  EXPECT_EQ(count_below(folder, "sealed/"), 8U);
  clock.pass(30 * kDayUs);
  a_day(1, false);
  EXPECT_EQ(count_below(folder, "sealed/"), 0U);
  read_whole(folder);
  EXPECT_EQ(count_below(folder, "tile/entries/"), 4U);  // 0 to 2, 3.p
  log.reset();

  clock.pass(180 * kDayUs);
  log = open_log(folder, clock, with);
  a_day(10, false);
  clock.pass(kDayUs);
  a_day(10, false);
  const auto records = read_whole(folder);
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records.front().index % 256, 0U);
  EXPECT_GT(records.front().index, 0U);
  const auto pruned = std::ranges::find(records, "log.pruned", &daemon_audit::Record::type);
  ASSERT_NE(pruned, records.end());
  EXPECT_EQ(pruned->body.find("first")->as_int(), static_cast<std::int64_t>(records.front().index));
  const auto reader = daemon_audit::LogReader::open(folder.fd());
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader.value().first(), records.front().index);
  EXPECT_EQ(reader.value().entry(0).error().code, base::ErrorCode::kNotFound);
  ASSERT_TRUE(log->close().ok());
  log = open_log(folder, clock, with);
  read_whole(folder);
}

// A witness of C2SP tlog-cosignature, made by OpenSSL alone.
class Witness {
 public:
  Witness() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {}
  ~Witness() { EVP_PKEY_free(key_); }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  daemon_audit::VerifierKey verifier() const {
    std::string raw(32, '\0');
    std::size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(key_, reinterpret_cast<unsigned char*>(raw.data()), &size);
    return daemon_audit::VerifierKey::create("witness.example/one",
                                             daemon_audit::NoteKeyType::kCosignatureEd25519, raw)
        .value();
  }
  std::string line(const std::string& note_text) const {
    const std::string time(7, '\0');
    const std::string message = "cosignature/v1\ntime 42\n" + note_text;
    std::string signature(64, '\0');
    std::size_t size = signature.size();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_);
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                   reinterpret_cast<const unsigned char*>(message.data()), message.size());
    EVP_MD_CTX_free(context);
    const std::uint32_t id = verifier().id();
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(id >> shift);
    bytes += time + '\x2a' + signature;
    return "\u2014 witness.example/one " +
           provisioning::to_base64(std::as_bytes(std::span(bytes))) + "\n";
  }

 private:
  EVP_PKEY* key_;
};

TEST(LogKeeping, TakesWhatAWitnessHasSigned) {
  const LogFolder folder;
  HandClock clock;
  const Witness witness;
  auto with = audit_test::options();
  with.witnesses = {witness.verifier()};
  auto log = open_log(folder, clock, with);
  std::vector<Report> batch;
  for (std::uint64_t number = 1; number <= 299; ++number) batch.push_back(refused(7, number));
  ASSERT_TRUE(log->append(batch).ok());
  ASSERT_TRUE(log->publish().ok());
  const std::string note = folder.read("checkpoint");
  const std::string text = note.substr(0, note.find("\n\n") + 1);
  EXPECT_FALSE(log->cosign(note).ok());  // nobody else's signature
  ASSERT_TRUE(log->append(std::vector{refused(7, 300)}).ok());

  const auto taken = log->cosign(note + witness.line(text));
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  EXPECT_THAT(taken.value(), ::testing::HasSubstr("witness.example/one"));
  EXPECT_TRUE(folder.files().contains("witness/00000000000000000300"));
  EXPECT_EQ(log->size(), 302U);
  EXPECT_TRUE(log->cosign(note + witness.line(text)).ok());
  EXPECT_EQ(log->size(), 302U);  // said once
  const auto records = read_whole(folder);
  EXPECT_EQ(records.back().type, "log.cosigned");
  EXPECT_EQ(records.back().body.find("size")->as_int(), 300);

  const std::string other = witness.line(text + "x\n");
  EXPECT_FALSE(log->cosign(note + other).ok());
}

TEST(LogKeeping, RefusesTheCheckpointOfAnotherLog) {
  const LogFolder folder, other;
  HandClock clock;
  const Witness witness;
  auto with = audit_test::options();
  with.witnesses = {witness.verifier()};
  const auto log = open_log(folder, clock, with);
  // The same key, and another history.
  other.become_copy_of(folder);
  const auto fork = open_log(other, clock, with);
  ASSERT_TRUE(fork->append(std::vector{refused(7, 1)}).ok());
  ASSERT_TRUE(fork->publish().ok());
  ASSERT_TRUE(log->append(std::vector{refused(7, 2), refused(7, 3), refused(7, 4)}).ok());
  const std::string note = other.read("checkpoint");
  const auto taken = log->cosign(note + witness.line(note.substr(0, note.find("\n\n") + 1)));
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, base::ErrorCode::kDenied);
}

}  // namespace
