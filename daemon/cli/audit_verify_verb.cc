// redoubt audit verify: whether the log is whole, by nothing but its bytes, and what that rests on.
#include <fcntl.h>
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "daemon/audit/log/log_verifier.h"
#include "daemon/audit/records/record.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/cli/audit_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/table.h"
#include "daemon/config/config.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace daemon_cli {
namespace {

using base::Json;
using daemon_audit::VerifierKey;
using daemon_audit::VerifyReport;

constexpr std::size_t kKeyFileBytesMax = 4'096;
constexpr std::size_t kCheckpointFileBytesMax = std::size_t{256} << 10;
constexpr std::string_view kCutOff =
    "What no log can show by itself is that its newest part was cut off: hold it against what was "
    "carried out (--checkpoint), witnesses and receipts.";

struct AuditVerifyOptions {
  AuditSource source;
  std::vector<std::string> checkpoints;
  std::vector<std::string> witnesses;
  std::string key;
  bool json = false;
};

// A verifier key as such, or a file with one.
base::Result<VerifierKey> read_key(const std::string& key_or_file) {
  auto key = VerifierKey::parse(key_or_file);
  if (key.ok()) return key;
  const std::string text = TRY(base::read_text_file(key_or_file, kKeyFileBytesMax));
  return VerifierKey::parse(text.substr(0, text.find('\n'))).context(key_or_file);
}

base::Result<daemon_audit::VerifyRequest> make_request(const AuditVerifyOptions& options) {
  daemon_audit::VerifyRequest request;
  if (!options.key.empty()) request.key = TRY(read_key(options.key));
  for (const std::string& file : options.checkpoints) {
    request.checkpoints.push_back(TRY(base::read_text_file(file, kCheckpointFileBytesMax)));
  }
  std::vector<std::string> witnesses = options.witnesses;
  if (options.source.log.empty()) {
    const auto config = TRY(daemon_config::read_config(options.source.config));
    witnesses.insert(witnesses.end(), config.audit.witnesses.begin(), config.audit.witnesses.end());
  }
  for (const std::string& witness : witnesses) {
    request.witnesses.push_back(TRY(read_key(witness)));
  }
  return request;
}

std::string describe_entries(const VerifyReport& report) {
  if (report.first == 0) return fmt::format("{}", report.size);
  return fmt::format("{}, of which the first {} were removed by retention and are there as hashes",
                     report.size, report.first);
}

std::string describe_state(const VerifyReport& report) {
  if (!report.live) return "closed cleanly";
  return fmt::format(
      "open: the appliance runs, or did not stop cleanly; published {}, open requests {}",
      report.published, report.open_requests);
}

std::string describe_cosignatures(const VerifyReport& report) {
  std::string text = fmt::format("{} verified", report.cosignatures);
  if (report.cosignatures_unchecked > 0) {
    text +=
        fmt::format(", {} of witnesses whose keys were not given", report.cosignatures_unchecked);
  }
  return text;
}

std::string describe_head(const VerifyReport& report, const VerifierKey& key) {
  const auto head = daemon_audit::open_checkpoint(report.head, key);
  if (!head.ok()) return "none";
  const std::string& text = head.value().serialize();
  const auto line = text.rfind('\n', text.size() - 2) + 1;
  return fmt::format("{} entries, root {}", head.value().size,
                     text.substr(line, text.size() - 1 - line));
}

void print_facts(const VerifyReport& report, std::size_t checkpoints) {
  Table table({"fact", ""});
  const auto key = VerifierKey::parse(report.key);
  table.add({"log", key.ok() ? key.value().name() : "unknown: it has no key"});
  table.add({"entries", describe_entries(report)});
  if (report.openings > 0) {
    table.add({"from, to", fmt::format("{}, {}", daemon_audit::format_time_us(report.first_time_us),
                                       daemon_audit::format_time_us(report.last_time_us))});
  }
  table.add({"state", describe_state(report)});
  table.add({"starts", fmt::format("{}", report.openings)});
  table.add({"requests", fmt::format("{}", report.requests)});
  table.add({"sealed texts",
             fmt::format("{}, removed by retention: {}", report.sealed, report.sealed_removed)});
  table.add({"cosignatures", describe_cosignatures(report)});
  table.add({"files", fmt::format("{}, {} bytes", report.files, report.bytes)});
  if (key.ok()) table.add({"newest checkpoint", describe_head(report, key.value())});
  table.add({"key", report.key});
  table.add({"trusted", report.key_given
                            ? "the key that was given"
                            : "the key that lies beside the log: whoever could replace both could "
                              "replace it (--key)"});
  table.add({"held against",
             checkpoints == 0 ? "nothing that was carried out"
                              : fmt::format("{} checkpoints that were carried out", checkpoints)});
  std::fputs(table.format().c_str(), stdout);
}

Json make_json(const VerifyReport& report, std::size_t checkpoints) {
  Json findings = Json::array();
  for (const std::string& finding : report.findings) findings.push_back(finding);
  return Json::object({{"whole", report.findings.empty()},
                       {"size", report.size},
                       {"first", report.first},
                       {"published", report.published},
                       {"live", report.live},
                       {"requests", report.requests},
                       {"open_requests", report.open_requests},
                       {"starts", report.openings},
                       {"sealed", report.sealed},
                       {"sealed_removed", report.sealed_removed},
                       {"cosignatures", report.cosignatures},
                       {"cosignatures_unchecked", report.cosignatures_unchecked},
                       {"files", report.files},
                       {"bytes", report.bytes},
                       {"key", report.key},
                       {"key_given", report.key_given},
                       {"checkpoints", static_cast<std::uint64_t>(checkpoints)},
                       {"head", report.head},
                       {"findings", findings}});
}

base::Result<VerifyReport> verify(const AuditVerifyOptions& options) {
  auto request = TRY(make_request(options));
  const base::Fd directory = TRY(options.source.open());
  ProgressBar bar("verifying");
  request.progress = bar.callback();
  return daemon_audit::verify_log(directory, request);
}

int run_verify(const AuditVerifyOptions& options) {
  const auto verified = verify(options);
  if (!verified.ok()) return report_failure(verified.error());
  const VerifyReport& report = verified.value();
  if (options.json) {
    fmt::print("{}\n", make_json(report, options.checkpoints.size()).dump_pretty());
  } else {
    print_facts(report, options.checkpoints.size());
    for (const std::string& finding : report.findings) fmt::print("!! {}\n", finding);
    fmt::print("{}\n{}\n", report.findings.empty() ? "whole" : "NOT WHOLE", kCutOff);
  }
  std::fflush(stdout);
  return report.findings.empty() ? kExitOk : kExitFailure;
}

}  // namespace

void add_audit_verify(Command& audit) {
  Command& verb =
      audit.add("verify", "check the whole log: every record, hash, signature and file");
  auto options = std::make_shared<AuditVerifyOptions>();
  options->source.add_to(verb);
  verb.option("--checkpoint", options->checkpoints,
              "a checkpoint that was carried out earlier, which the log must extend (repeatable)");
  verb.option("--key", options->key,
              "the log's verifier key, or a file with it; else the one beside the log is trusted");
  verb.option("--witness", options->witnesses,
              "a witness's verifier key, or a file with it (repeatable); else the configuration's");
  verb.flag("--json", options->json, "print the facts as JSON");
  verb.runs([options] { return run_verify(*options); });
}

}  // namespace daemon_cli
