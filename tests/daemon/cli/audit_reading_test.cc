// redoubt audit show, audit export and usage over logs that a real AuditLog has written.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "daemon/audit/log/audit_log.h"
#include "daemon/audit/log/log_reader.h"
#include "daemon/audit/records/ocsf.h"
#include "daemon/cli/command.h"
#include "daemon/cli/exit_codes.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "tests/daemon/audit/records/sample_records.h"

namespace daemon_cli {
namespace {

using base::Json;
using daemon_audit::Report;
using Lines = std::vector<std::string>;

// Both hands go at the same pace: no step of the clock.
class Hands final : public base::Clock {
 public:
  std::int64_t monotonic_ns() const override { return seconds_ * 1'000'000'000; }
  std::int64_t unix_seconds() const override { return 1'795'219'200 + seconds_; }
  void advance(std::int64_t seconds) { seconds_ += seconds; }

 private:
  std::int64_t seconds_ = 1;
};

void set(Json& body, std::string_view name, Json value) {
  for (auto& member : body.as_object()) {
    if (member.first == name) member.second = std::move(value);
  }
}

class AuditReading : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "audit-reading-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    write_log();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // Three days of requests: admitted and finished, some refused, some never finished.
  void write_log() {
    daemon_audit::AuditLogOptions options;
    options.origin = "example.org/log";
    options.host = "appliance";
    options.boot = std::string(32, 'b');
    auto opened = daemon_audit::AuditLog::open(
        base::open_file(directory_, O_RDONLY | O_DIRECTORY).value(), options, hands_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    auto& log = *opened.value();
    for (int batch = 0; batch < 24; ++batch) {
      const auto reports = batch_of(batch);
      const auto appended = log.append(reports);
      ASSERT_TRUE(appended.ok()) << appended.error().message;
      hands_.advance(3 * 3'600);
    }
    ASSERT_TRUE(log.forget_writer(1).ok());
    ASSERT_TRUE(log.close().ok());
  }

  std::vector<Report> batch_of(int batch) {
    std::vector<Report> reports;
    for (int i = 0; i < 20; ++i) {
      const std::string id = "req-" + std::to_string(batch) + "-" + std::to_string(i);
      report(reports, "request.admitted", id);
      if (random_() % 7 == 0) report(reports, "request.refused", id + "x");
      if (random_() % 11 != 0) report(reports, "request.finished", id);
    }
    return reports;
  }

  void report(std::vector<Report>& reports, const std::string& type, const std::string& id) {
    constexpr std::array<std::string_view, 4> kOutcomes = {"ok", "ok", "cancelled", "timeout"};
    Json body = daemon_audit::sample_record(type, "hostile\r\n\x1b[2J").body;
    std::erase_if(body.as_object(),
                  [](const Json::Member& member) { return member.first == "sealed"; });
    set(body, "request", id);
    set(body, "key", "key-" + std::to_string(random_() % 3));
    if (type == "request.finished") {
      set(body, "outcome", kOutcomes[random_() % kOutcomes.size()]);
      for (const char* name :
           {"prompt_tokens", "cached_tokens", "completion_tokens", "device_us"}) {
        set(body, name, static_cast<std::int64_t>(random_() % 1'000'003));
      }
    }
    reports.push_back({.writer = 1,
                       .number = ++number_,
                       .reporter = daemon_audit::Reporter::kGateway,
                       .type = type,
                       .body = std::move(body),
                       .prove = false,
                       .sealed = {}});
  }

  Lines entries() {
    Lines entries;
    auto reader =
        daemon_audit::LogReader::open(base::open_file(directory_, O_RDONLY | O_DIRECTORY).value());
    EXPECT_TRUE(reader.ok()) << reader.error().message;
    if (!reader.ok()) return entries;
    const auto read = reader.value().for_each(
        0, [&](std::uint64_t, const std::string& text) -> base::Result<bool> {
          entries.push_back(text);
          return true;
        });
    EXPECT_TRUE(read.ok());
    return entries;
  }

  // The verb's exit code; what it prints is in printed().
  int run(Lines arguments) {
    arguments.insert(arguments.begin(), "redoubt");
    arguments.insert(arguments.end(), {"--log", directory_});
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run_command_line(static_cast<int>(argv.size()), argv.data());
    printed_ = testing::internal::GetCapturedStdout();
    complaint_ = testing::internal::GetCapturedStderr();
    return code;
  }

  const std::string& printed() const { return printed_; }
  const std::string& complaint() const { return complaint_; }
  Lines printed_lines() const {
    Lines lines;
    std::string line;
    for (const char c : printed_) {
      if (c == '\n')
        lines.push_back(std::exchange(line, ""));
      else
        line += c;
    }
    EXPECT_EQ(line, "");
    return lines;
  }

  // One byte of a file, turned.
  void damage(const std::string& file, std::size_t at) {
    const std::string path = directory_ + "/" + file;
    std::string bytes = base::read_text_file(path, std::size_t{1} << 24).value();
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    ASSERT_TRUE(base::replace_file(path, bytes, 0640).ok());
  }

  std::string directory_;

 private:
  Hands hands_;
  std::mt19937_64 random_{11};
  std::uint64_t number_ = 0;
  std::string printed_;
  std::string complaint_;
};

TEST_F(AuditReading, UsageAddsUpToTheLogExactly) {
  std::map<std::string, std::map<std::string, std::int64_t>> sums;
  for (const std::string& entry : entries()) {
    const Json record = Json::parse(entry).value();
    const std::string day = record.find("time")->as_string().substr(0, 10);
    const Json& body = *record.find("body");
    if (record.find("type")->as_string() == "request.lost") ++sums[day + " "]["lost"];
    if (record.find("type")->as_string() != "request.finished") continue;
    auto& sum = sums[day + " " + body.find("key")->as_string()];
    ++sum["finished"];
    const std::string outcome = body.find("outcome")->as_string();
    ++sum[outcome == "ok" || outcome == "cancelled" ? outcome : "failed"];
    for (const char* name : {"prompt_tokens", "cached_tokens", "completion_tokens", "device_us"}) {
      sum[name] += body.find(name)->as_int();
    }
  }
  ASSERT_EQ(run({"usage", "--json"}), kExitOk) << complaint();
  const Json usage = Json::parse(printed()).value();
  ASSERT_EQ(usage.find("lines")->as_array().size(), sums.size());
  std::map<std::string, std::int64_t> total;
  for (const Json& line : usage.find("lines")->as_array()) {
    auto& sum = sums[line.find("day")->as_string() + " " + line.find("key")->as_string()];
    for (const auto& [name, value] : line.as_object()) {
      if (!value.is_int()) continue;
      EXPECT_EQ(value.as_int(), sum[name]) << name;
      total[name] += sum[name];
    }
  }
  for (const auto& [name, value] : usage.find("total")->as_object()) {
    EXPECT_EQ(value.as_int(), total[name]) << name;
  }
  EXPECT_GT(total["lost"], 0);
  EXPECT_GE(sums.size(), 9U);  // three keys on three days
}

TEST_F(AuditReading, ShowsAndExportsTheRecordsAsTheyAre) {
  const Lines all = entries();
  ASSERT_GT(all.size(), 800U);
  ASSERT_EQ(run({"audit", "export", "--format", "records"}), kExitOk) << complaint();
  EXPECT_EQ(printed_lines(), all);
  ASSERT_EQ(run({"audit", "show", "--json", "--type", "*"}), kExitOk) << complaint();
  EXPECT_EQ(printed_lines(), all);
  ASSERT_EQ(run({"audit", "show", "--json", "--last", "7"}), kExitOk);
  EXPECT_EQ(printed_lines(), Lines(all.end() - 7, all.end()));
  ASSERT_EQ(run({"audit", "show", "--json"}), kExitOk);
  EXPECT_EQ(printed_lines(), Lines(all.end() - 50, all.end()));
  ASSERT_EQ(run({"audit", "show", "300", "--json"}), kExitOk);
  EXPECT_EQ(printed_lines(), Lines{all[300]});
}

TEST_F(AuditReading, ShowsARequestFromItsAdmissionToItsEnd) {
  ASSERT_EQ(run({"audit", "show", "req-3-1", "--json"}), kExitOk) << complaint();
  ASSERT_EQ(printed_lines().size(), 2U);
  EXPECT_NE(printed().find("request.admitted"), std::string::npos);
  ASSERT_EQ(run({"audit", "show", "req-3-1"}), kExitOk);
  EXPECT_NE(printed().find("\"request\": \"req-3-1\""), std::string::npos);
  EXPECT_EQ(printed().find('\x1b'), std::string::npos);
}

TEST_F(AuditReading, ShowsALineForEachRecordAndNothingThatSteers) {
  ASSERT_EQ(run({"audit", "show", "--last", "100000"}), kExitOk) << complaint();
  EXPECT_EQ(printed_lines().size(), entries().size());
  EXPECT_EQ(printed().find_first_of("\r\x1b"), std::string::npos);
  EXPECT_NE(complaint().find("example.org/log"), std::string::npos);
}

TEST_F(AuditReading, ExportsAnEventForEachRecord) {
  const Lines all = entries();
  const std::string file = directory_ + "-export";
  ASSERT_EQ(run({"audit", "export", "-o", file}), kExitOk) << complaint();
  const std::string written = base::read_text_file(file, std::size_t{1} << 26).value();
  std::size_t index = 0;
  for (std::size_t begin = 0; begin < written.size(); ++index) {
    const auto end = written.find('\n', begin);
    const auto event = Json::parse(std::string_view(written).substr(begin, end - begin));
    ASSERT_TRUE(event.ok());
    ASSERT_LT(index, all.size());
    EXPECT_EQ(event.value().find("raw_data")->as_string(), all[index]);
    EXPECT_EQ(event.value().find("unmapped")->find("leaf_hash")->as_string(),
              base::to_hex(daemon_audit::hash_leaf(all[index])));
    begin = end + 1;
  }
  EXPECT_EQ(index, all.size());
  EXPECT_EQ(run({"audit", "export", "-o", file}), kExitFailure);  // what is there stays
  EXPECT_EQ(base::read_text_file(file, std::size_t{1} << 26).value(), written);
  std::filesystem::remove(file);
}

TEST_F(AuditReading, RefusesALogThatIsNotWhatWasSigned) {
  damage("tile/entries/001", 5'000);
  const std::string file = directory_ + "-export";
  EXPECT_EQ(run({"audit", "export", "-o", file}), kExitFailure);
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_EQ(run({"usage"}), kExitFailure);
  EXPECT_EQ(run({"audit", "show", "--type", "*"}), kExitFailure);
  damage("tile/entries/001", 5'000);
  ASSERT_EQ(run({"usage"}), kExitOk) << complaint();
  damage("tile/0/001", 40);
  EXPECT_EQ(run({"usage"}), kExitFailure);
}

TEST_F(AuditReading, RefusesWhatItCannotUnderstand) {
  EXPECT_EQ(run({"audit", "show", "--type", "requests"}), kExitFailure);
  EXPECT_EQ(run({"audit", "show", "--from", "yesterday"}), kExitFailure);
  EXPECT_EQ(run({"audit", "show", "--salt"}), kExitFailure);
  EXPECT_EQ(run({"audit", "show", "100000"}), kExitFailure);
  EXPECT_EQ(run({"audit", "export", "--format", "cef"}), kExitFailure);
  EXPECT_EQ(run({"usage", "--by", "user"}), kExitFailure);
  EXPECT_EQ(run({"usage", "--csv", "--json"}), kExitUsage);
}

}  // namespace
}  // namespace daemon_cli
