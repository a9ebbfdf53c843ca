// A snapshot of the health role is bounded before anything of it is believed; what is accepted has
// one text; and whatever it says, the state machine stays within its picture.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/health/gpu_care.h"
#include "daemon/health/gpu_facts.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const daemon_health::GpuVerdict& verdict) {
  require(verdict.from == verdict.to || daemon_health::is_drawn(verdict.from, verdict.to));
  require(!verdict.cause.empty() && !verdict.text.empty() && !verdict.next_step.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto snapshot = daemon_health::GpuSnapshot::parse_text(text);
  if (!snapshot.ok()) return 0;
  require(snapshot.value().text() == text);
  auto bounded = snapshot.value();
  bounded.bound();
  require(bounded == snapshot.value());

  daemon_health::GpuCare care;
  std::int64_t now = 1'000;
  for (int round = 0; round < 3; ++round) {
    for (const auto& verdict : care.observe(snapshot.value(), now)) check(verdict);
    for (const auto& verdict : care.tick(now += 15'000)) check(verdict);
  }
  require(care.gpus().size() <= daemon_health::kGpusMax);
  return 0;
}
