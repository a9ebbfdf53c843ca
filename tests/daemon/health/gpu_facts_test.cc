// Hostile input is normal input: the health role is not trusted more than any other.
#include "daemon/health/gpu_facts.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "hardening/base/canonical_json.h"
#include "tests/daemon/health/full_reading.h"

namespace daemon_health {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto parsed = GpuSnapshot::parse_text(text);
  return parsed.ok() ? "accepted" : parsed.error().message;
}

GpuSnapshot fullest_snapshot() {
  GpuSnapshot snapshot;
  snapshot.status = NvmlStatus::kNotSupported;
  snapshot.error = std::string(kErrorBytesMax, '\\');
  snapshot.driver_version = snapshot.nvml_version = std::string(kVersionBytesMax, '\\');
  snapshot.round = kCounterMax;
  snapshot.round_ms = static_cast<std::int64_t>(kCounterMax);
  for (std::size_t i = 0; i < kGpusMax; ++i) snapshot.gpus.push_back(fullest(i));
  for (std::size_t i = 0; i < kEventsMax; ++i)
    snapshot.gpus[i % kGpusMax].events.push_back({kEventTypeMax, kCounterMax, 86'400'000});
  return snapshot;
}

// With one member's text in the place of another's.
std::string changed(const std::string& from, const std::string& to) {
  GpuSnapshot snapshot = snapshot_of({well()});
  snapshot.gpus[0].events = {xid_event(79)};
  snapshot.gpus[0].processes = {4711};
  std::string text = snapshot.text();
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

TEST(GpuFacts, AreWhatTheyWereAfterTheJourney) {
  for (const GpuSnapshot& snapshot : {GpuSnapshot{}, snapshot_of({well()}), fullest_snapshot()}) {
    const auto parsed = GpuSnapshot::parse_text(snapshot.text());
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(parsed.value(), snapshot);
    EXPECT_EQ(parsed.value().text(), snapshot.text());
  }
}

TEST(GpuFacts, FitIntoOneMessageAtTheirFullest) {
  const std::size_t bytes = fullest_snapshot().text().size();
  EXPECT_LE(bytes, kSnapshotBytesMax);
  EXPECT_GT(bytes, kSnapshotBytesMax / 2) << "the bound is not far off";
}

TEST(GpuFacts, CarryEveryFieldOfTheTable) {
  for (const ReadingField& field : kReadingFields) {
    GpuReading reading;
    reading.uuid = "GPU-a";
    const GpuReading all = fullest(0);
    std::visit([&](const auto member) { reading.*member = all.*member; }, field.member);
    const std::string text = snapshot_of({reading}).text();
    EXPECT_THAT(text, HasSubstr(fmt::format("\"{}\":", field.key)));
    const auto parsed = GpuSnapshot::parse_text(text);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(parsed.value().gpus[0], reading) << field.key;
  }
}

TEST(GpuFacts, RefuseEveryFieldOutOfItsBounds) {
  for (const ReadingField& field : kReadingFields) {
    if (std::holds_alternative<ReadingField::Flag>(field.member)) continue;
    for (const std::int64_t wrong : {field.min - 1, field.max + 1}) {
      GpuReading reading;
      reading.uuid = "GPU-a";
      base::Json json = snapshot_of({reading}).serialize();
      for (auto& [key, value] : json.as_object()) {
        if (key == "gpus") value.as_array()[0].set(std::string(field.key), wrong);
      }
      const auto parsed = GpuSnapshot::parse(json);
      ASSERT_FALSE(parsed.ok()) << field.key << " " << wrong;
      EXPECT_THAT(parsed.error().message,
                  HasSubstr(fmt::format("gpu facts.gpus[0].{}", field.key)));
    }
  }
}

TEST(GpuFacts, SortTheirTable) {
  EXPECT_TRUE(std::is_sorted(kReadingFields.begin(), kReadingFields.end(),
                             [](const auto& a, const auto& b) { return a.key < b.key; }));
}

TEST(GpuFacts, NameTheMemberThatIsWrong) {
  EXPECT_THAT(error_of("nonsense"), HasSubstr("gpu facts"));
  EXPECT_THAT(error_of("[]"), HasSubstr("gpu facts: not an object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("gpu facts.status: missing"));
  EXPECT_THAT(error_of(changed("\"round\":0", "\"round\":-1")), HasSubstr("gpu facts.round: -1"));
  EXPECT_THAT(error_of(changed("\"round\":0", "\"round\":\"0\"")), HasSubstr("gpu facts.round"));
  EXPECT_THAT(error_of(changed("\"round\":0", "\"round\":0.5")), HasSubstr("gpu facts.round"));
  EXPECT_THAT(error_of(changed("\"uuid\":\"GPU-a\"", "\"uuid\":\"\"")),
              HasSubstr("gpus[0].uuid: 0 bytes"));
  EXPECT_THAT(error_of(changed("GPU-a", "GPU-\\u0007")), HasSubstr("gpus[0].uuid: not printable"));
  EXPECT_THAT(error_of(changed("\"xid\":79", "\"xid\":\"79\"")), HasSubstr("events[0].xid"));
  EXPECT_THAT(error_of(changed("\"type\":8", "\"type\":0")), HasSubstr("events[0].type"));
  EXPECT_THAT(error_of(changed("[4711]", "[0]")), HasSubstr("gpus[0].processes"));
  EXPECT_THAT(error_of(changed("[4711]", "[]")), HasSubstr("gpus[0].processes: 0 items"));
  EXPECT_THAT(error_of(changed("\"recovery\":\"none\"", "\"recovery\":\"pray\"")),
              HasSubstr("gpus[0].recovery"));
  EXPECT_THAT(error_of(changed("\"remap_failed\":false", "\"remap_failed\":0")),
              HasSubstr("gpus[0].remap_failed"));
  EXPECT_THAT(error_of(changed("\"slowdown_c\":90", "\"slowdown_d\":90")),
              HasSubstr("gpus[0]: has a member"));
  EXPECT_THAT(error_of(changed("\"nvml_version\":\"\"", "\"nvml_vers\":\"\"")),
              HasSubstr("gpu facts.nvml_version: missing"));
}

TEST(GpuFacts, RefuseWhatIsNotCanonical) {
  const std::string text = GpuSnapshot{}.text();
  EXPECT_EQ(error_of(text), "accepted");
  EXPECT_NE(error_of(text + " "), "accepted");
  EXPECT_NE(error_of("{ " + text.substr(1)), "accepted");
}

TEST(GpuFacts, RefuseTooMany) {
  std::vector<GpuReading> many;
  for (std::size_t i = 0; i <= kGpusMax; ++i) many.push_back(well(fmt::format("GPU-{}", i)));
  EXPECT_THAT(error_of(snapshot_of(many).text()),
              HasSubstr("gpu facts.gpus: 17 items, from 1 to 16 allowed"));
  EXPECT_THAT(error_of(snapshot_of({well(), well()}).text()),
              HasSubstr("gpus[1].uuid: named twice"));

  GpuSnapshot events = snapshot_of({well("GPU-a"), well("GPU-b")});
  events.gpus[0].events.assign(kEventsMax, xid_event(13));
  EXPECT_EQ(error_of(events.text()), "accepted");
  events.gpus[1].events = {xid_event(13)};
  EXPECT_THAT(error_of(events.text()), HasSubstr("65 events, at most 64 allowed"));

  GpuSnapshot processes = snapshot_of({well()});
  processes.gpus[0].processes.assign(kProcessesMax + 1, 1);
  EXPECT_THAT(error_of(processes.text()), HasSubstr("processes: 65 items"));
}

TEST(GpuFacts, BoundWhatALibrarySaid) {
  GpuSnapshot snapshot;
  snapshot.error = std::string(1'000, 'e');
  snapshot.driver_version = "5\n8\xff";
  for (std::size_t i = 0; i < kGpusMax + 3; ++i)
    snapshot.gpus.push_back(well(fmt::format("GPU-{:02}", i)));
  snapshot.gpus.push_back(well("GPU-00"));
  GpuReading& odd = snapshot.gpus[1];
  odd.name = std::string(500, '\1');
  odd.index = 1u << 31;
  odd.temperature_c = 2'147'483'647;
  odd.margin_c = -2'000'000;
  odd.utilisation_percent = 4'294'967'295;
  odd.pcie_replays = ~std::uint64_t{0};
  odd.power_mw = ~std::uint64_t{0};
  odd.processes = {0, 1, ~0u, 2};
  odd.events.assign(kEventsMax + 6, {0x8, ~std::uint64_t{0}, -5});
  odd.events[0].type = 0;
  snapshot.bound();

  ASSERT_EQ(snapshot.gpus.size(), kGpusMax);
  EXPECT_EQ(snapshot.error, "3 GPUs beyond the first 16 are not watched");
  EXPECT_EQ(snapshot.driver_version, "5?8?");
  const GpuReading& bounded = snapshot.gpus[1];
  EXPECT_EQ(bounded.name, std::string(kNameBytesMax, '?'));
  EXPECT_EQ(bounded.temperature_c, std::nullopt) << "no GPU is so hot";
  EXPECT_EQ(bounded.margin_c, std::nullopt);
  EXPECT_EQ(bounded.utilisation_percent, std::nullopt);
  EXPECT_EQ(bounded.pcie_replays, kCounterMax) << "a counter stays where it ends";
  EXPECT_EQ(bounded.power_mw, std::nullopt);
  EXPECT_EQ(bounded.processes, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(bounded.events.size(), kEventsMax);
  EXPECT_EQ(bounded.events_lost, 5u);
  EXPECT_EQ(bounded.events[0].xid, kCounterMax);
  EXPECT_EQ(error_of(snapshot.text()), "accepted");
}

TEST(GpuFacts, NameStatesAndActions) {
  EXPECT_EQ(nvml_status_name(NvmlStatus::kOk), "ok");
  EXPECT_EQ(nvml_status_name(NvmlStatus::kGpuIsLost), "gpu_is_lost");
  EXPECT_EQ(nvml_status_name(NvmlStatus::kNoDriver), "no_driver");
  EXPECT_EQ(recovery_action_name(RecoveryAction::kNodeReboot), "node_reboot");
  EXPECT_EQ(recovery_action_name(RecoveryAction::kSystemReboot), "system_reboot");
  EXPECT_EQ(recovery_action_name(RecoveryAction::kUnknown), "unknown");
}

}  // namespace
}  // namespace daemon_health
