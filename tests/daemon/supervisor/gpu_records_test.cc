#include "daemon/supervisor/gpu_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardening/base/file.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_supervisor {
namespace {

using daemon_health::GpuAction;
using testing::HasSubstr;

const std::string kBoot(32, 'a');

GpuRecords sample() {
  GpuRecords records;
  records.boot = kBoot;
  records.gpus = {{"GPU-1", "H100", GpuAction::kAskReset, "xid 64", "text", "next", 1'790'000'000},
                  {"GPU-2", "", GpuAction::kCallForRma, "row remap failed", "", "", 0}};
  return records;
}

std::string refusal(std::string_view text) {
  const auto parsed = GpuRecords::parse(text);
  return parsed.ok() ? "accepted" : parsed.error().message;
}

std::string one(std::string_view member, std::string_view value) {
  std::string text = GpuRecords{kBoot, {sample().gpus[0]}}.serialize();
  const std::string name = "\"" + std::string(member) + "\":";
  const std::size_t at = text.find(name) + name.size();
  const std::size_t end = text.find_first_of(",}", at);
  return text.replace(at, end - at, value);
}

TEST(GpuRecords, SurviveARoundTripThroughAFile) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/gpus.json";
  EXPECT_EQ(read_gpu_records(path).value(), GpuRecords());
  ASSERT_TRUE(write_gpu_records(path, sample()).ok());
  EXPECT_EQ(read_gpu_records(path).value(), sample());
}

TEST(GpuRecords, RefuseWhatTheyDoNotWrite) {
  EXPECT_THAT(refusal("[]"), HasSubstr("object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("boot and gpus"));
  EXPECT_THAT(refusal(R"({"boot":"x","gpus":[]})"), HasSubstr("boot"));
  EXPECT_THAT(refusal(R"({"boot":")" + kBoot + R"(","gpus":[],"more":1})"), HasSubstr("unknown"));
  EXPECT_THAT(refusal(one("action", "\"watch\"")), HasSubstr("action"));
  EXPECT_THAT(refusal(one("action", "7")), HasSubstr("action"));
  EXPECT_THAT(refusal(one("since", "-1")), HasSubstr("since"));
  EXPECT_THAT(refusal(one("since", "1e3")), HasSubstr("since"));
  EXPECT_THAT(refusal(one("uuid", "\"\"")), HasSubstr("uuid"));
  EXPECT_THAT(refusal(one("text", "\"" + std::string(kGpuTextBytesMax + 1, 'x') + "\"")),
              HasSubstr("text"));
  EXPECT_THAT(refusal(one("uuid", "\"" + std::string(kGpuNameBytesMax + 1, 'x') + "\"")),
              HasSubstr("uuid"));
}

TEST(GpuRecords, RefuseAGpuThatStandsThereTwiceAndTooMany) {
  GpuRecords twice = sample();
  twice.gpus.push_back(twice.gpus[0]);
  EXPECT_THAT(refusal(twice.serialize()), HasSubstr("twice"));
  GpuRecords many{kBoot, {}};
  for (std::size_t i = 0; i <= kGpuRecordsMax; ++i) {
    GpuRecord record = sample().gpus[0];
    record.uuid = "GPU-" + std::to_string(i);
    many.gpus.push_back(record);
  }
  EXPECT_THAT(refusal(many.serialize()), HasSubstr("at most 64"));
  many.gpus.pop_back();
  EXPECT_EQ(refusal(many.serialize()), "accepted");
}

}  // namespace
}  // namespace daemon_supervisor
