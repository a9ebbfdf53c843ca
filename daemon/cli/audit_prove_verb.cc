// redoubt audit prove: hands out a proof that one record is in the log.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "daemon/audit/log/log_reader.h"
#include "daemon/audit/seal/salt.h"
#include "daemon/audit/tlog/receipt.h"
#include "daemon/cli/audit_record_finder.h"
#include "daemon/cli/audit_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"

namespace daemon_cli {
namespace {

constexpr unsigned kProofMode = 0644;
constexpr std::size_t kSaltFileBytesMax = 256;

struct ProveOptions {
  AuditSource source;
  std::string record;
  std::string out;
  bool receipt = false;
  bool salt = false;
};

base::Result<daemon_audit::Salt> read_salt(const ProveOptions& options, const base::Json& record) {
  const base::Json* const body = record.find("body");
  const base::Json* const id =
      body != nullptr && body->is_object() ? body->find("request") : nullptr;
  if (id == nullptr || !id->is_string()) {
    return base::not_found("the record is not of a request: there is no salt");
  }
  const daemon_supervisor::StatePaths paths(TRY(daemon_config::read_config(options.source.config)));
  std::string hex = TRY(base::read_text_file(paths.audit_salt, kSaltFileBytesMax));
  if (hex.ends_with('\n')) hex.pop_back();
  const auto key = TRY(base::from_hex(hex).context(paths.audit_salt));
  if (key.size() != daemon_audit::kSiteKeyBytes) {
    return base::corrupt(paths.audit_salt + ": not a site key");
  }
  return daemon_audit::make_salt(
      std::string_view(reinterpret_cast<const char*>(key.data()), key.size()), id->as_string());
}

base::Status write_out(const ProveOptions& options, const daemon_audit::Receipt& receipt) {
  const std::string text = options.receipt ? receipt.serialize() : receipt.proof;
  if (options.out.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return {};
  }
  // The record first: a proof without it is of no use.
  if (!options.receipt) {
    TRY(base::replace_file(options.out + ".record", receipt.record, kProofMode));
  }
  return base::replace_file(options.out, text, kProofMode);
}

base::Status prove(const ProveOptions& options) {
  const auto log = TRY(daemon_audit::LogReader::open(TRY(options.source.open())));
  daemon_audit::TlogProof proof;
  proof.index = TRY(find_record(log, options.record));
  proof.path = TRY(daemon_audit::prove_inclusion(proof.index, log.size(), log.hashes()));
  proof.checkpoint = log.checkpoint_note();
  daemon_audit::Receipt receipt;
  receipt.record = TRY(log.entry(proof.index));
  receipt.proof = proof.serialize();
  // What does not hold is not handed out.
  const auto proven = TRY(
      daemon_audit::check_record(receipt.record, receipt.proof, &log.key())
          .context("the log is damaged (redoubt audit verify says where): its own proof fails"));
  if (options.salt) receipt.salt = TRY(read_salt(options, proven.record));
  TRY(write_out(options, receipt));
  if (!options.out.empty()) {
    fmt::print("record {} of {} is in {}\nkey {}\n", proof.index, log.size(), options.out,
               log.key().text());
  }
  return {};
}

int run_prove(const ProveOptions& options) {
  if (options.salt && !options.receipt) {
    fmt::print(stderr, "redoubt: --salt goes with --receipt: a proof has no place for it\n");
    return kExitUsage;
  }
  const auto status = prove(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace

void add_audit_prove(Command& audit) {
  Command& verb = audit.add("prove", "hand out a proof that one record is in the log");
  auto options = std::make_shared<ProveOptions>();
  verb.argument("ID", options->record, "the index of a record, or the id of a request");
  options->source.add_to(verb);
  verb.option("-o,--out", options->out,
              "write the proof to this file, and the record to FILE.record beside it");
  verb.flag("--receipt", options->receipt, "proof and record in one JSON file");
  verb.flag("--salt", options->salt,
            "with --receipt: the request's salt too, so that its holder can compare texts");
  verb.runs([options] { return run_prove(*options); });
  add_audit_check(audit);
}

}  // namespace daemon_cli
