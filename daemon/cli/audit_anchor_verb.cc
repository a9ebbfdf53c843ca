// redoubt audit anchor: the newest published checkpoint, to be kept where the appliance cannot
// reach: on paper, in a photograph, on another machine. With it nobody can shorten or rewrite what
// it covers without being found out (redoubt audit verify --checkpoint).
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/cli/audit_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/qr_code.h"
#include "daemon/cli/report.h"
#include "hardening/base/file.h"

namespace daemon_cli {
namespace {

constexpr unsigned kCheckpointMode = 0644;
constexpr std::size_t kCheckpointBytesMax = 65'536;
constexpr std::size_t kKeyBytesMax = 4'096;

struct AnchorOptions {
  AuditSource source;
  bool text = false;
  std::string out;
};

struct Anchor {
  std::string note;
  std::string key;
};

// Only what the log's own key has signed is worth carrying away.
base::Result<Anchor> read_anchor(const AnchorOptions& options) {
  const base::Fd directory = TRY(options.source.open());
  Anchor anchor;
  anchor.key = TRY(daemon_audit::read_log_file(directory, "log.vkey", kKeyBytesMax));
  if (anchor.key.ends_with('\n')) anchor.key.pop_back();
  const auto key = TRY(daemon_audit::VerifierKey::parse(anchor.key).context("log.vkey"));
  anchor.note = TRY(daemon_audit::read_log_file(directory, "checkpoint", kCheckpointBytesMax));
  TRY(daemon_audit::open_checkpoint(anchor.note, key).context("checkpoint"));
  return anchor;
}

base::Status print_anchor(const AnchorOptions& options) {
  const Anchor anchor = TRY(read_anchor(options));
  if (!options.out.empty()) {
    TRY(base::replace_file(options.out, anchor.note, kCheckpointMode));
    fmt::print("{}\nkey {}\n", options.out, anchor.key);
    return {};
  }
  if (options.text) {
    fmt::print("{}", anchor.note);
    return {};
  }
  const QrPaper paper = ::isatty(STDOUT_FILENO) == 1 ? QrPaper::kTerminal : QrPaper::kPlain;
  const std::string code = TRY(draw_qr_code(anchor.note, paper).context("use --text"));
  fmt::print("{}\n{}\nkey {}\n", anchor.note, code, anchor.key);
  return {};
}

int run_anchor(const AnchorOptions& options) {
  const auto status = print_anchor(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace

void add_audit_anchor(Command& audit) {
  Command& verb = audit.add("anchor", "print the newest checkpoint, to be kept elsewhere");
  auto options = std::make_shared<AnchorOptions>();
  options->source.add_to(verb);
  verb.flag("--text", options->text, "the signed note alone, without the QR code");
  verb.option("-o,--out", options->out, "write the signed note to this file");
  verb.runs([options] { return run_anchor(*options); });
  add_audit_cosign(audit);
}

}  // namespace daemon_cli
