// redoubt audit check: does a proof or a receipt hold? For the machine of whoever has been given
// one: it needs no configuration, no network and no log.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/audit/records/safe_text.h"
#include "daemon/audit/tlog/receipt.h"
#include "daemon/audit/tlog/tile.h"
#include "daemon/cli/audit_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "hardening/base/file.h"

namespace daemon_cli {
namespace {

using daemon_audit::Receipt;
using daemon_audit::VerifierKey;

constexpr std::size_t kKeyFileBytesMax = 4'096;

struct CheckOptions {
  std::vector<std::string> files;
  std::string key;
  bool no_key = false;
  std::vector<std::string> witnesses;
  std::string record;
  std::string request;
  std::string answer;
};

// Whom the reader trusts; parsed before any file is.
struct Trusted {
  std::optional<VerifierKey> log;
  std::vector<VerifierKey> witnesses;
};

// A key as it stands on the command line, or the file that has it (log.vkey).
base::Result<VerifierKey> read_key(const std::string& text) {
  if (auto key = VerifierKey::parse(text); key.ok()) return key;
  std::string line = TRY(base::read_text_file(text, kKeyFileBytesMax)
                             .context("--key: neither a verifier key nor the file of one"));
  if (line.ends_with('\n')) line.pop_back();
  return VerifierKey::parse(line).context(text);
}

base::Result<Trusted> read_trusted(const CheckOptions& options) {
  Trusted trusted;
  if (!options.key.empty()) {
    trusted.log = TRY(read_key(options.key));
    if (trusted.log->type() != daemon_audit::NoteKeyType::kEd25519) {
      return base::invalid_input("--key: the key of a witness, not of a log");
    }
  }
  for (const auto& text : options.witnesses) {
    VerifierKey witness = TRY(read_key(text));
    if (witness.type() == daemon_audit::NoteKeyType::kEd25519) {
      return base::invalid_input("--witness: the key of a log, not of a witness");
    }
    trusted.witnesses.push_back(std::move(witness));
  }
  return trusted;
}

// A proof with its record beside it is a receipt without a salt.
base::Result<Receipt> read_receipt(const CheckOptions& options, const std::string& file) {
  std::string text = TRY(base::read_text_file(file, daemon_audit::kAnswerBytesMax));
  if (text.find_first_not_of(" \t\r\n") == text.find('{')) return Receipt::parse(text);
  if (!text.starts_with("c2sp.org/tlog-proof")) {
    return base::invalid_input("neither a tlog-proof nor a receipt");
  }
  Receipt receipt;
  receipt.proof = std::move(text);
  receipt.record =
      TRY(base::read_text_file(options.record.empty() ? file + ".record" : options.record,
                               daemon_audit::kEntryBytesMax + 1)
              .context("the record (--record FILE)"));
  // Canonical JSON has no newline: one at the end is an editor's.
  if (receipt.record.ends_with('\n')) receipt.record.pop_back();
  return receipt;
}

std::string text_of(const base::Json& record, std::string_view name) {
  const base::Json* const member = record.find(name);
  return member == nullptr || !member->is_string() ? "?"
                                                   : daemon_audit::safe_text(member->as_string());
}

// Each check says what holds, a line each.
base::Result<std::string> check_witnesses(const Receipt& receipt,
                                          const std::vector<VerifierKey>& witnesses) {
  std::string lines;
  const auto proof = TRY(daemon_audit::TlogProof::parse(receipt.proof));
  const auto note = TRY(daemon_audit::Note::parse(proof.checkpoint));
  for (const VerifierKey& witness : witnesses) {
    const auto known =
        TRY(daemon_audit::check_note(note, std::span(&witness, 1)).context(witness.name()));
    lines += fmt::format("    witness {} saw this checkpoint at unix time {}\n", witness.name(),
                         known.front().time);
  }
  return lines;
}

base::Result<std::string> check_texts(const CheckOptions& options, const Receipt& receipt,
                                      const base::Json& record) {
  std::string lines;
  if (options.request.empty() && options.answer.empty()) return lines;
  if (!receipt.salt) {
    return base::not_found(
        "it has no salt, so nothing can be compared with its digests (redoubt audit prove ID "
        "--receipt --salt)");
  }
  if (!options.request.empty()) {
    const auto body = TRY(base::read_text_file(options.request, daemon_audit::kAnswerBytesMax));
    TRY(daemon_audit::check_request_body(record, *receipt.salt, body));
    lines += fmt::format("    the request in {} is the one that was recorded\n", options.request);
  }
  if (!options.answer.empty()) {
    const auto answer = TRY(base::read_text_file(options.answer, daemon_audit::kAnswerBytesMax));
    TRY(daemon_audit::check_answer(record, *receipt.salt, answer));
    lines += fmt::format("    the answer in {} is the one that was recorded\n", options.answer);
  }
  return lines;
}

base::Status check_file(const CheckOptions& options, const Trusted& trusted,
                        const std::string& file) {
  const Receipt receipt = TRY(read_receipt(options, file));
  const VerifierKey* const log = trusted.log ? &*trusted.log : nullptr;
  const auto proven = TRY(daemon_audit::check_record(receipt.record, receipt.proof, log));
  const std::string witnessed = TRY(check_witnesses(receipt, trusted.witnesses));
  const std::string compared = TRY(check_texts(options, receipt, proven.record));
  // Nothing is said to be right before everything is.
  fmt::print("{}  {}: record {} of {} in {}: {} at {}\n{}{}", log == nullptr ? "??" : "ok", file,
             proven.index, proven.checkpoint.size,
             daemon_audit::safe_text(proven.checkpoint.origin), text_of(proven.record, "type"),
             text_of(proven.record, "time"), witnessed, compared);
  return {};
}

int run_check(const CheckOptions& options) {
  if (options.files.size() > 1 &&
      !(options.record.empty() && options.request.empty() && options.answer.empty())) {
    fmt::print(stderr, "redoubt: --record, --request and --answer belong to one FILE\n");
    return kExitUsage;
  }
  if (options.no_key && !options.key.empty()) {
    fmt::print(stderr, "redoubt: --key or --no-key, not both\n");
    return kExitUsage;
  }
  const auto trusted = read_trusted(options);
  if (!trusted.ok()) return report_failure(trusted.error());
  int exit_code = kExitOk;
  for (const auto& file : options.files) {
    const auto status = check_file(options, trusted.value(), file).context(file);
    std::fflush(stdout);  // before standard error, where both are one file
    if (!status.ok()) exit_code = report_failure(status.error());
  }
  if (options.key.empty() && exit_code == kExitOk) {
    fmt::print(
        "Self-consistent, and no more: without the log's key anybody can make such a file.\n");
    std::fflush(stdout);
    if (!options.no_key) {
      return report_failure(base::denied("not verified: no signature was checked"),
                            "Give --key with the log's key from a source you trust, or --no-key.");
    }
  }
  return exit_code;
}

}  // namespace

void add_audit_check(Command& audit) {
  Command& verb = audit.add("check", "check a proof or a receipt, on any machine");
  auto options = std::make_shared<CheckOptions>();
  verb.arguments("FILE", options->files,
                 "a .tlog-proof, a receipt, or an answer with its receipt in it");
  verb.option("--key", options->key, "the log's verifier key, or the file of it (log.vkey)");
  verb.flag("--no-key", options->no_key, "be content with a file that fits itself");
  verb.option("--witness", options->witnesses,
              "the verifier key of a witness that must have signed too (repeatable)");
  verb.option("--record", options->record, "the record of a .tlog-proof (else FILE.record)");
  verb.option("--request", options->request, "compare the body of the request, byte by byte");
  verb.option("--answer", options->answer, "compare the answer: its JSON, or a choice's text");
  verb.runs([options] { return run_check(*options); });
}

}  // namespace daemon_cli
