#include "daemon/auditor/waiting_reports.h"

#include <algorithm>
#include <utility>

#include "daemon/auditor/limits.h"

namespace daemon_auditor {

using daemon_audit::Report;
using daemon_audit::Reporter;

void WaitingReports::add(Report report, std::size_t body_bytes) {
  const std::size_t charge = body_bytes + kReportOverheadBytes;
  (report.reporter == Reporter::kSupervisor ? supervisor_bytes_ : bytes_) += charge;
  sealed_bytes_ += report.sealed.size();
  reports_.push_back(std::move(report));
  charges_.push_back(charge);
}

std::span<const Report> WaitingReports::batch() const {
  std::size_t count = 0;
  std::size_t sealed = 0;
  while (count < reports_.size() && count < kBatchReportsMax) {
    sealed += reports_[count].sealed.size();
    // One that is as large as it may be is a batch of its own.
    if (count > 0 && sealed > daemon_audit::kSealedBytesMax) break;
    ++count;
  }
  return std::span(reports_).first(count);
}

void WaitingReports::remove_batch() {
  const auto count = static_cast<std::ptrdiff_t>(batch().size());
  for (std::ptrdiff_t i = 0; i < count; ++i) forget_bytes(static_cast<std::size_t>(i));
  reports_.erase(reports_.begin(), reports_.begin() + count);
  charges_.erase(charges_.begin(), charges_.begin() + count);
}

void WaitingReports::drop(std::uint64_t writer) {
  std::vector<Report> kept;
  std::vector<std::size_t> charges;
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    if (reports_[i].writer == writer) {
      forget_bytes(i);
    } else {
      kept.push_back(std::move(reports_[i]));
      charges.push_back(charges_[i]);
    }
  }
  reports_ = std::move(kept);
  charges_ = std::move(charges);
}

bool WaitingReports::holds(std::uint64_t writer) const {
  return std::any_of(reports_.begin(), reports_.end(),
                     [&](const Report& report) { return report.writer == writer; });
}

void WaitingReports::forget_bytes(std::size_t place) {
  const Report& report = reports_[place];
  (report.reporter == Reporter::kSupervisor ? supervisor_bytes_ : bytes_) -= charges_[place];
  sealed_bytes_ -= report.sealed.size();
}

}  // namespace daemon_auditor
