// The reader over a library that does what a script says: every field, every refusal, and what no
// GPU should say.
#include "daemon/health/nvml_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "daemon/health/reading_fields.h"
#include "tests/daemon/health/fake_script.h"

namespace daemon_health {
namespace {

using testing::HasSubstr;

class Hands final : public base::Clock {
 public:
  std::int64_t monotonic_ns() const override { return ms * 1'000'000; }
  std::int64_t unix_seconds() const override { return 0; }
  std::int64_t ms = 1'000;
};

class NvmlReaderTest : public testing::Test {
 protected:
  void open(const std::string& lines = "", const std::string& path = kFakeNvml) {
    reader_.reset();
    library_.reset();
    script_.write(lines);
    auto library = NvmlLibrary::open(path);
    ASSERT_TRUE(library.ok()) << library.error().message;
    library_ = std::move(library).value();
    reader_.emplace(*library_, clock_);
  }
  GpuSnapshot read() { return reader_->read(); }
  GpuReading read_one() {
    const GpuSnapshot snapshot = read();
    EXPECT_EQ(snapshot.gpus.size(), 1u);
    return snapshot.gpus.empty() ? GpuReading{} : snapshot.gpus[0];
  }
  GpuReading read_with(const std::string& lines) {
    open(lines);
    return read_one();
  }

  FakeScript script_;
  Hands clock_;
  std::unique_ptr<NvmlLibrary> library_;
  std::optional<NvmlReader> reader_;
};

TEST_F(NvmlReaderTest, ReadsAGpuThatIsWell) {
  open();
  const GpuSnapshot snapshot = read();
  EXPECT_EQ(snapshot.status, NvmlStatus::kOk);
  EXPECT_EQ(snapshot.driver_version, "580.65.06");
  EXPECT_EQ(snapshot.nvml_version, "13.580.65.06");
  EXPECT_EQ(snapshot.round, 1u);
  ASSERT_EQ(snapshot.gpus.size(), 1u);
  const GpuReading& gpu = snapshot.gpus[0];
  EXPECT_EQ(gpu.uuid, "GPU-fake-0000");
  EXPECT_EQ(gpu.name, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(gpu.pci_bus_id, "00000000:01:00.0");
  EXPECT_EQ(gpu.status, NvmlStatus::kOk);
  EXPECT_EQ(gpu.recovery, RecoveryAction::kNone);
  EXPECT_EQ(gpu.temperature_c, 40);
  EXPECT_EQ(gpu.memory_total_bytes, 80ull << 30);
  EXPECT_EQ(gpu.power_mw, 120'000u);
  EXPECT_EQ(gpu.persistence, true);
  EXPECT_EQ(gpu.mig_enabled, false);
  EXPECT_EQ(gpu.inforom_valid, true);
  EXPECT_EQ(gpu.retired_pages_dbe, std::nullopt) << "not since Ampere";
  EXPECT_EQ(gpu.nvlinks_down, std::nullopt) << "it has none";
  EXPECT_TRUE(gpu.processes.empty());
  EXPECT_TRUE(GpuSnapshot::parse_text(snapshot.text()).ok());
}

// One line of the script for every member that a reading may have.
struct Line {
  std::string_view member;
  std::string line;
  std::int64_t value;
};
const Line kLines[] = {
    {"ecc_corrected_volatile", "0.field.3 = 11", 11},
    {"ecc_enabled", "0.ecc_enabled = 0", 0},
    {"ecc_uncorrected_aggregate", "0.field.6 = 13", 13},
    {"ecc_uncorrected_volatile", "0.field.4 = 12", 12},
    {"inforom_valid", "0.inforom_valid = 0", 0},
    {"margin_c", "0.margin_c = -3", -3},
    {"memory_clock_mhz", "0.memory_clock_mhz = 2620", 2'620},
    {"memory_temperature_c", "0.field.82 = 61\n0.field.82.type = 1", 61},
    {"memory_total_bytes", "0.memory_total_bytes = 1000", 1'000},
    {"memory_used_bytes", "0.memory_used_bytes = 999", 999},
    {"memory_utilisation_percent", "0.memory_utilisation_percent = 77", 77},
    {"mig_enabled", "0.mig_enabled = 1", 1},
    {"nvlink_crc_errors", "0.field.38 = 3\n0.field.45 = 4", 7},
    {"nvlink_recovery_errors", "0.field.91 = 2\n0.field.162.0 = 5\n0.field.162.1 = 6", 11},
    {"nvlink_replay_errors", "0.field.52 = 8", 8},
    {"nvlinks_down", "0.field.91 = 18\n0.links_down = 3 17", 2},
    {"pcie_generation", "0.pcie_generation = 4", 4},
    {"pcie_generation_max", "0.pcie_generation_max = 4", 4},
    {"pcie_replays", "0.field.94 = 21", 21},
    {"pcie_width", "0.pcie_width = 8", 8},
    {"pcie_width_max", "0.pcie_width_max = 8", 8},
    {"persistence", "0.persistence = 0", 0},
    {"power_limit_mw", "0.field.190 = 650000", 650'000},
    {"power_mw", "0.field.186 = 99.9\n0.field.186.type = 0", 99},
    {"remap_failed", "0.field.145 = 1", 1},
    {"remap_pending", "0.field.144 = 1", 1},
    {"remapped_correctable", "0.field.142 = 31", 31},
    {"remapped_uncorrectable", "0.field.143 = 32", 32},
    {"retired_pages_dbe", "0.field.30 = 41", 41},
    {"retired_pages_sbe", "0.field.29 = 42", 42},
    {"retirement_pending", "0.field.31 = 1", 1},
    {"shutdown_c", "0.shutdown_c = 99", 99},
    {"slowdown_c", "0.slowdown_c = 88", 88},
    {"sm_clock_mhz", "0.sm_clock_mhz = 1500", 1'500},
    {"sram_threshold_exceeded", "0.sram_threshold_exceeded = 1", 1},
    {"temperature_c", "0.temperature_c = -7", -7},
    {"throttle_reasons", "0.throttle_reasons = 0x48", 0x48},
    {"utilisation_percent", "0.utilisation_percent = 100", 100},
};

std::optional<std::int64_t> value_of(const GpuReading& reading, const ReadingField& field) {
  return std::visit(
      [&](const auto member) -> std::optional<std::int64_t> {
        if (!(reading.*member)) return std::nullopt;
        return static_cast<std::int64_t>(*(reading.*member));
      },
      field.member);
}

TEST_F(NvmlReaderTest, ReadsEveryFieldOfAReading) {
  ASSERT_EQ(std::size(kLines), kReadingFields.size());
  for (std::size_t i = 0; i < std::size(kLines); ++i) {
    ASSERT_EQ(kLines[i].member, kReadingFields[i].key);
    EXPECT_EQ(value_of(read_with(kLines[i].line), kReadingFields[i]), kLines[i].value)
        << kLines[i].member;
  }
}

TEST_F(NvmlReaderTest, ReadsTheRecoveryAction) {
  for (int action = 0; action <= 7; ++action)
    EXPECT_EQ(read_with(fmt::format("0.field.230 = {}", action)).recovery,
              static_cast<RecoveryAction>(action));
  EXPECT_EQ(read_with("0.field.230 = 8").recovery, RecoveryAction::kUnknown);
  EXPECT_EQ(read_with("0.field.230 = none").recovery, std::nullopt);
}

TEST_F(NvmlReaderTest, FallsBackToOlderFunctions) {
  const GpuReading gpu = read_with(
      "without = nvmlDeviceGetFieldValues\nwithout = nvmlDeviceGetTemperatureV\n"
      "without = nvmlDeviceGetCurrentClocksEventReasons\n0.temperature_c = 51\n0.throttle_reasons "
      "= 8\n"
      "0.ecc_corrected_volatile = 1\n0.ecc_uncorrected_volatile = 2\n0.ecc_uncorrected_aggregate = "
      "3\n"
      "0.remapped_correctable = 4\n0.remapped_uncorrectable = 5\n0.remap_pending = "
      "1\n0.remap_failed = 1\n"
      "0.pcie_replays = 6\n0.power_mw = 7\n0.power_limit_mw = 8");
  EXPECT_EQ(gpu.status, NvmlStatus::kOk);
  EXPECT_EQ(gpu.recovery, std::nullopt);
  EXPECT_EQ(gpu.temperature_c, 51);
  EXPECT_EQ(gpu.throttle_reasons, 8u);
  EXPECT_EQ(gpu.ecc_corrected_volatile, 1u);
  EXPECT_EQ(gpu.ecc_uncorrected_volatile, 2u);
  EXPECT_EQ(gpu.ecc_uncorrected_aggregate, 3u);
  EXPECT_EQ(gpu.remapped_correctable, 4u);
  EXPECT_EQ(gpu.remapped_uncorrectable, 5u);
  EXPECT_EQ(gpu.remap_pending, true);
  EXPECT_EQ(gpu.remap_failed, true);
  EXPECT_EQ(gpu.pcie_replays, 6u);
  EXPECT_EQ(gpu.power_mw, 7u);
  EXPECT_EQ(gpu.power_limit_mw, 8u);
}

TEST_F(NvmlReaderTest, GetsAlongWithWhatEveryVersionHas) {
  open("", kFakeNvmlMinimal);
  const GpuReading gpu = read_one();
  EXPECT_EQ(gpu.uuid, "GPU-fake-0000");
  EXPECT_EQ(gpu.status, NvmlStatus::kOk);
  for (const ReadingField& field : kReadingFields)
    EXPECT_EQ(value_of(gpu, field), std::nullopt) << field.key;
  EXPECT_EQ(reader_->wait(0), NvmlReader::Waited::kCannot);
}

TEST_F(NvmlReaderTest, LeavesOutWhatIsNotSupportedOrNotPermitted) {
  const GpuReading gpu = read_with(
      "0.power_mw = none\n0.field.186 = none\n0.temperature_c = error 4\n0.utilisation_percent = "
      "error 999");
  EXPECT_EQ(gpu.power_mw, std::nullopt);
  EXPECT_EQ(gpu.temperature_c, std::nullopt);
  EXPECT_EQ(gpu.utilisation_percent, std::nullopt);
  EXPECT_EQ(gpu.status, NvmlStatus::kOk) << "a GPU may lack what others have";
  EXPECT_EQ(gpu.pcie_width, 16u) << "and is asked on";
}

TEST_F(NvmlReaderTest, TellsTheWorstCodeOfTheRound) {
  EXPECT_EQ(read_with("0.power_limit_mw = 1\n0.pcie_width = error 15").status,
            NvmlStatus::kGpuIsLost);
  EXPECT_EQ(read_with("0.pcie_width = error 16").status, NvmlStatus::kResetRequired);
  EXPECT_EQ(read_with("0.pcie_width = error 10").status, NvmlStatus::kTimeout);
  EXPECT_EQ(read_with("0.memory_used_bytes = error 999").status, NvmlStatus::kError);
  EXPECT_EQ(read_with("0.field.142 = error 15").status, NvmlStatus::kGpuIsLost) << "of a field";
  EXPECT_EQ(read_with("0.inforom_valid = error 16").status, NvmlStatus::kResetRequired);
}

TEST_F(NvmlReaderTest, AsksALostGpuNoMoreInARound) {
  const GpuReading gpu = read_with("0.temperature_c = error 15");
  EXPECT_EQ(gpu.status, NvmlStatus::kGpuIsLost);
  EXPECT_EQ(gpu.recovery, RecoveryAction::kNone) << "asked before";
  EXPECT_EQ(gpu.pcie_width, std::nullopt) << "asked after";
  EXPECT_EQ(gpu.memory_total_bytes, std::nullopt);
}

TEST_F(NvmlReaderTest, KnowsALostGpuByItsFormerName) {
  open("gpus = 2");
  EXPECT_EQ(read().gpus.size(), 2u);
  for (const std::string lines :
       {"gpus = 2\n1.status = gpu_is_lost", "gpus = 2\n1.handle = gpu_is_lost"}) {
    script_.write(lines);
    const GpuSnapshot snapshot = read();
    ASSERT_EQ(snapshot.gpus.size(), 2u) << lines;
    EXPECT_EQ(snapshot.gpus[0].status, NvmlStatus::kOk);
    EXPECT_EQ(snapshot.gpus[1].uuid, "GPU-fake-0001");
    EXPECT_EQ(snapshot.gpus[1].status, NvmlStatus::kGpuIsLost);
  }
  script_.write("gpus = 2");
  EXPECT_EQ(read().gpus[1].status, NvmlStatus::kOk) << "it is back";
  script_.write("gpus = 1");
  EXPECT_EQ(read().gpus.size(), 1u) << "gone";
}

TEST_F(NvmlReaderTest, BoundsWhatNoGpuShouldSay) {
  const GpuReading gpu = read_with(
      "0.uuid = GPU-\"\x01\xff\n0.temperature_c = 2147483647\n0.utilisation_percent = "
      "255\n0.pcie_width = 4294967295\n"
      "0.field.142 = -1\n0.field.142.type = 4\n0.field.6 = -1\n0.field.6.type = 4\n0.field.94 = "
      "18446744073709551615\n0.field.144 = 7\n"
      "0.field.3 = 5\n0.field.3.type = 77\n0.field.4 = nan\n0.field.4.type = 0\n0.field.91 = "
      "4000000000\n"
      "0.sram_threshold_exceeded = 3\n0.power_mw = 4294967295\n0.processes = 0 5 4294967295");
  EXPECT_EQ(gpu.uuid, "GPU-\"??");
  EXPECT_EQ(gpu.temperature_c, std::nullopt);
  EXPECT_EQ(gpu.utilisation_percent, std::nullopt);
  EXPECT_EQ(gpu.pcie_width, std::nullopt);
  EXPECT_EQ(gpu.remapped_correctable, 0u) << "the older function answers instead";
  EXPECT_EQ(gpu.remap_pending, false);
  EXPECT_EQ(gpu.ecc_uncorrected_aggregate, 0u) << "likewise";
  EXPECT_EQ(gpu.ecc_corrected_volatile, 0u);
  EXPECT_EQ(gpu.ecc_uncorrected_volatile, 0u);
  EXPECT_EQ(gpu.nvlinks_down, 0u) << "36 links at most are asked";
  EXPECT_EQ(gpu.sram_threshold_exceeded, std::nullopt);
  EXPECT_EQ(gpu.processes, std::vector<std::uint32_t>{5});
  EXPECT_TRUE(GpuSnapshot::parse_text(read().text()).ok());
}

TEST_F(NvmlReaderTest, WatchesSixteenOfMore) {
  open("gpus = 16");
  EXPECT_EQ(read().gpus.size(), 16u);
  EXPECT_EQ(read().error, "");
  script_.write("gpus = 40");
  const GpuSnapshot snapshot = read();
  EXPECT_EQ(snapshot.gpus.size(), kGpusMax);
  EXPECT_EQ(snapshot.error, "24 GPUs beyond the first 16 are not watched");
}

TEST_F(NvmlReaderTest, TellsTwoGpusOfOneNameOnce) {
  open("gpus = 2\n0.uuid = GPU-same\n1.uuid = GPU-same");
  EXPECT_EQ(read().gpus.size(), 1u);
}

TEST_F(NvmlReaderTest, ListsProcesses) {
  EXPECT_EQ(read_with("0.processes = 4711 4712").processes,
            (std::vector<std::uint32_t>{4711, 4712}));
  std::string many = "0.processes =";
  for (int pid = 1; pid <= 100; ++pid) many += fmt::format(" {}", pid);
  EXPECT_EQ(read_with(many).processes.size(), kProcessesMax);
  for (int pid = 101; pid <= 300; ++pid) many += fmt::format(" {}", pid);
  EXPECT_TRUE(read_with(many).processes.empty()) << "more than there was room to ask for";
}

TEST_F(NvmlReaderTest, SaysWhenGpusCannotBeCounted) {
  open("count = unknown");
  GpuSnapshot snapshot = read();
  EXPECT_EQ(snapshot.status, NvmlStatus::kError);
  EXPECT_EQ(snapshot.error, "nvmlDeviceGetCount: UNKNOWN (999)");
  script_.write("count = gpu_is_lost");
  EXPECT_EQ(read().status, NvmlStatus::kGpuIsLost);
}

TEST_F(NvmlReaderTest, VerifiesTheInforomNowAndThen) {
  open();
  EXPECT_EQ(read_one().inforom_valid, true);
  script_.write("0.inforom_valid = 0");
  EXPECT_EQ(read_one().inforom_valid, true) << "it takes reading the card's flash";
  clock_.ms += 600'000;
  EXPECT_EQ(read_one().inforom_valid, false);
}

// ---- events

TEST_F(NvmlReaderTest, HandsEventsOverOnce) {
  open("gpus = 2\nevent = 0 8 13");
  (void)read();
  EXPECT_EQ(reader_->wait(0), NvmlReader::Waited::kNothing) << "what was before is over";
  script_.append("event = 1 8 79\nevent = 1 2 5\nevent = 0 1 0");
  EXPECT_EQ(reader_->wait(1'000), NvmlReader::Waited::kEvent);
  clock_.ms += 30;
  const GpuSnapshot snapshot = read();
  EXPECT_TRUE(snapshot.gpus[0].events.empty()) << "single corrected errors are not asked for";
  EXPECT_EQ(snapshot.gpus[1].events, (std::vector<GpuEvent>{{8, 79, 30}, {2, 0, 30}}));
  EXPECT_TRUE(read().gpus[1].events.empty());
  EXPECT_EQ(reader_->wait(0), NvmlReader::Waited::kNothing);
}

TEST_F(NvmlReaderTest, CountsEventsThatAreTooMany) {
  open();
  (void)read();
  std::string events;
  for (std::size_t i = 0; i < kEventsMax + 10; ++i) events += "event = 0 8 31\n";
  script_.append(events);
  EXPECT_EQ(reader_->wait(0), NvmlReader::Waited::kEvent);
  EXPECT_EQ(reader_->wait(0), NvmlReader::Waited::kEvent);
  const GpuReading gpu = read_one();
  EXPECT_EQ(gpu.events.size(), kEventsMax);
  EXPECT_EQ(gpu.events_lost, 10u);
  EXPECT_EQ(read_one().events_lost, 0u);
}

TEST_F(NvmlReaderTest, RegistersForWhatIsSupported) {
  open("0.events_supported = 8");
  (void)read();
  script_.append("event = 0 4000 0\nevent = 0 8 48");
  EXPECT_EQ(reader_->wait(0), NvmlReader::Waited::kEvent);
  EXPECT_EQ(read_one().events, (std::vector<GpuEvent>{{8, 48, 0}}));
  open("0.events_supported = 0");
  (void)read();
  EXPECT_EQ(reader_->wait(0), NvmlReader::Waited::kCannot);
}

TEST_F(NvmlReaderTest, DoesNotSpinWhereWaitingFails) {
  open();
  (void)read();
  script_.write("wait = gpu_is_lost");
  EXPECT_EQ(reader_->wait(1'000), NvmlReader::Waited::kCannot);
}

TEST_F(NvmlReaderTest, TellsOfEventsOfAGpuThatItDoesNotKnow) {
  open();
  (void)read();
  script_.append("event = 64 8 79");
  EXPECT_EQ(reader_->wait(0), NvmlReader::Waited::kEvent);
  EXPECT_EQ(read_one().events_lost, 1u);
}

// ---- the library

TEST_F(NvmlReaderTest, SaysWhyThereIsNoLibrary) {
  const auto missing = NvmlLibrary::open("/nowhere/libnvidia-ml.so.1");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, base::ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("/nowhere/libnvidia-ml.so.1"));

  const auto other = NvmlLibrary::open("libm.so.6");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, base::ErrorCode::kUnsupported);

  script_.write("init = driver_not_loaded");
  const auto driverless = NvmlLibrary::open(kFakeNvml);
  ASSERT_FALSE(driverless.ok());
  EXPECT_EQ(driverless.error().code, base::ErrorCode::kUnavailable);
  EXPECT_THAT(driverless.error().message, HasSubstr("DRIVER_NOT_LOADED (9)"));

  script_.write("init = 18");
  const auto mismatched = NvmlLibrary::open(kFakeNvml);
  ASSERT_FALSE(mismatched.ok());
  EXPECT_EQ(mismatched.error().code, base::ErrorCode::kDevice);
  EXPECT_THAT(mismatched.error().message, HasSubstr("LIB_RM_VERSION_MISMATCH"));
}

}  // namespace
}  // namespace daemon_health
