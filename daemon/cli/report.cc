#include "daemon/cli/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "daemon/cli/exit_codes.h"
#include "hardening/base/clock.h"

namespace daemon_cli {
namespace {

constexpr std::int64_t kRedrawNs = 100'000'000;
constexpr std::uint64_t kBarCells = 24;

std::string draw_bar(std::string_view what, std::uint64_t done, std::uint64_t total, double seconds) {
  const std::uint64_t filled = total == 0 ? kBarCells : done * kBarCells / total;
  std::string cells(filled, '#');
  cells.resize(kBarCells, '.');
  const double mib = static_cast<double>(done) / (1 << 20);
  const double rate = seconds > 0 ? mib / seconds : 0;
  const double left = static_cast<double>(total - done) / (1 << 20);
  const double to_go = rate > 0 ? left / rate : 0;
  return fmt::format("\r{} [{}] {:3}%  {:.0f} MiB  {:.0f} MiB/s  {:.0f} s to go ", what, cells,
                     total == 0 ? 100 : done * 100 / total, mib, rate, to_go);
}

}  // namespace

int report_failure(const base::Error& error, std::string_view advice) {
  fmt::print(stderr, "redoubt: {}\n", error.message);
  if (!advice.empty()) fmt::print(stderr, "{}\n", advice);
  return kExitFailure;
}

ProgressBar::ProgressBar(std::string_view what)
    : what_(what), terminal_(::isatty(STDERR_FILENO) == 1), started_ns_(base::SystemClock().monotonic_ns()) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::update(std::uint64_t done_bytes, std::uint64_t total_bytes) {
  if (!terminal_ || done_bytes > total_bytes) return;
  const std::int64_t now_ns = base::SystemClock().monotonic_ns();
  if (drawn_ && now_ns - drawn_ns_ < kRedrawNs) return;
  drawn_ns_ = now_ns;
  drawn_ = true;
  fmt::print(stderr, "{}", draw_bar(what_, done_bytes, total_bytes, static_cast<double>(now_ns - started_ns_) / 1e9));
}

std::function<void(std::uint64_t, std::uint64_t)> ProgressBar::callback() {
  return [this](std::uint64_t done, std::uint64_t total) { update(done, total); };
}

}  // namespace daemon_cli
