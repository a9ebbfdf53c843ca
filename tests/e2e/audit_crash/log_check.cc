#include "tests/e2e/audit_crash/log_check.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <map>

#include "daemon/audit/log/log_reader.h"
#include "daemon/audit/log/log_verifier.h"
#include "daemon/audit/records/record.h"
#include "hardening/base/canonical_json.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace audit_crash {
namespace {

using base::Status;

base::Result<base::Fd> open_directory(const std::string& directory) {
  return base::open_file(directory, O_RDONLY | O_DIRECTORY);
}

std::string identity(std::string_view type, std::string_view body) {
  return fmt::format("{} {}", type, body);
}

// Where each thing that a writer said is to be found; bodies are all different.
std::map<std::string, std::pair<const Writer*, std::uint64_t>> everything_said(
    const std::vector<const Writer*>& writers) {
  std::map<std::string, std::pair<const Writer*, std::uint64_t>> said;
  for (const Writer* writer : writers) {
    for (std::uint64_t number = 1; number <= writer->said().size(); ++number) {
      const Said& one = writer->said()[number - 1];
      const auto canonical = base::canonical_json(base::Json::parse(one.body).value()).value();
      said[identity(one.type, canonical)] = {writer, number};
    }
  }
  return said;
}

// What the next start puts right: a file that never came to have its name, the end of a journal cut
// within a write that nobody was told of.
bool is_of_a_death(std::string_view finding) {
  return finding.find("was never finished") != std::string_view::npos ||
         finding.find("a write that the power cut short") != std::string_view::npos;
}

// Where each request's admission stands, so far. An end names the one it belongs to, and it is the
// auditor that adds the name: taken out here, what the gateway said is left.
class Admissions {
 public:
  Status take(std::uint64_t index, daemon_audit::Record& record) {
    if (record.role != daemon_audit::Reporter::kGateway) return {};
    const base::Json* request = record.body.find("request");
    if (record.type == "request.admitted") admitted_[request->as_string()] = index;
    if (record.type != "request.finished") return {};
    const base::Json* named = record.body.find("admitted");
    const auto admitted = admitted_.find(request->as_string());
    if (named == nullptr || admitted == admitted_.end() ||
        *named != base::Json(static_cast<std::int64_t>(admitted->second)))
      return base::corrupt(fmt::format("entry {} does not name its admission", index));
    std::erase_if(record.body.as_object(),
                  [](const base::Json::Member& member) { return member.first == "admitted"; });
    return {};
  }

 private:
  std::map<std::string, std::uint64_t> admitted_;  // by request
};

base::Status compare(const daemon_audit::LogReader& log,
                     const std::vector<const Writer*>& writers) {
  const auto said = everything_said(writers);
  std::map<const Writer*, std::uint64_t> last;
  Admissions admissions;
  TRY(log.for_each(0, [&](std::uint64_t index, const std::string& text) -> base::Result<bool> {
    auto record = TRY(daemon_audit::Record::parse(text));
    for (const Writer* writer : writers) {
      const auto proven = writer->proven().find(index);
      if (proven != writer->proven().end() && proven->second != text)
        return base::corrupt(fmt::format("entry {} is not what was proven", index));
    }
    if (record.role == daemon_audit::Reporter::kAuditor) return true;
    TRY(admissions.take(index, record));
    const auto found = said.find(identity(record.type, TRY(base::canonical_json(record.body))));
    if (found == said.end()) return base::corrupt(fmt::format("entry {}: nobody said it", index));
    const auto& [writer, number] = found->second;
    if (number != last[writer] + 1) {
      return base::corrupt(fmt::format("entry {}: writer {}'s {} follows on its {}", index,
                                       writer->name(), number, last[writer]));
    }
    last[writer] = number;
    return true;
  }));
  for (const Writer* writer : writers) {
    if (last[writer] >= writer->acknowledged()) continue;
    return base::corrupt(fmt::format("writer {}: {} acknowledged, {} there", writer->name(),
                                     writer->acknowledged(), last[writer]));
  }
  return {};
}

}  // namespace

base::Result<CheckedLog> check_log(const std::string& directory,
                                   const std::vector<const Writer*>& writers,
                                   const std::vector<std::string>& earlier, bool finished) {
  daemon_audit::VerifyRequest request;
  request.checkpoints = earlier;
  const auto report =
      TRY(daemon_audit::verify_log(TRY(open_directory(directory)), request).context("verify"));
  for (const std::string& finding : report.findings) {
    if (finished || !is_of_a_death(finding)) return base::corrupt("verify: " + finding);
  }
  if (finished && report.live) return base::corrupt("a journal is left after a clean stop");
  const auto log =
      TRY(daemon_audit::LogReader::open(TRY(open_directory(directory))).context("read"));
  TRY(compare(log, writers));
  CheckedLog checked;
  checked.head = report.head;
  checked.records = report.size;
  return checked;
}

}  // namespace audit_crash
