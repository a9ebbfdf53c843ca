#include "daemon/doctor/finding.h"

#include <fmt/format.h>

#include <algorithm>

namespace daemon_doctor {
namespace {

std::uint64_t count(const Findings& findings, Level level) {
  return static_cast<std::uint64_t>(
      std::count_if(findings.begin(), findings.end(),
                    [level](const Finding& finding) { return finding.level == level; }));
}

// What others have written (a device's name, a file's contents) cannot move the cursor.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string plural(std::uint64_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

}  // namespace

std::string_view level_name(Level level) {
  constexpr std::string_view kNames[] = {"ok", "note", "warning", "fault"};
  return kNames[static_cast<std::size_t>(level)];
}

bool any_fault(const Findings& findings) {
  return count(findings, Level::kFault) > 0;
}

std::string format_findings(const Findings& findings) {
  std::size_t width = 0;
  for (const Finding& finding : findings) width = std::max(width, finding.check.size());
  std::string text;
  for (const Finding& finding : findings) {
    const bool loud = finding.level == Level::kFault;
    text += fmt::format("{:<8} {:<{}}  {}\n", loud ? "FAULT" : level_name(finding.level),
                        finding.check, width, printable(finding.what));
    if (!finding.mend.empty())
      text += fmt::format("{:<8} {:<{}}  -> {}\n", "", "", width, printable(finding.mend));
  }
  const std::uint64_t faults = count(findings, Level::kFault);
  const std::uint64_t warnings = count(findings, Level::kWarning);
  if (faults == 0 && warnings == 0) return text + "\nnothing wrong\n";
  return text + fmt::format("\n{}, {}\n", plural(faults, "fault"), plural(warnings, "warning"));
}

base::Json findings_json(const Findings& findings) {
  base::Json list = base::Json::array();
  for (const Finding& finding : findings) {
    base::Json entry = base::Json::object(
        {{"check", finding.check}, {"level", level_name(finding.level)}, {"what", finding.what}});
    if (!finding.mend.empty()) entry.set("mend", finding.mend);
    list.push_back(std::move(entry));
  }
  return base::Json::object({{"findings", std::move(list)},
                             {"faults", count(findings, Level::kFault)},
                             {"warnings", count(findings, Level::kWarning)}});
}

}  // namespace daemon_doctor
