// redoubt audit cosign: brings a checkpoint that a witness has signed back to the running service,
// whose auditor checks and keeps it.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "daemon/audit/records/safe_text.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/note.h"
#include "daemon/audit/tlog/text_fields.h"
#include "daemon/cli/ask_service.h"
#include "daemon/cli/audit_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace daemon_cli {
namespace {

constexpr int kTimeoutMs = 10'000;
constexpr std::size_t kCosignedBytesMax = 16'384;  // daemon/PROTOCOL.md section 9, `cosign`

struct CosignOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
  std::string file;
};

// What cannot be a checkpoint is said here, before the service is asked.
base::Result<std::string> read_note(const std::string& file) {
  std::string bytes = TRY(base::read_text_file(file, kCosignedBytesMax));
  const auto note = TRY(daemon_audit::Note::parse(bytes).context(file));
  TRY(daemon_audit::Checkpoint::parse(note.text).context(file));
  return bytes;
}

base::Result<std::string> cosign(const CosignOptions& options) {
  const std::string note = TRY(read_note(options.file));
  const daemon_supervisor::StatePaths paths(TRY(daemon_config::read_config(options.config)));
  const auto answer = TRY(
      ask_service(paths.control_socket, "cosign " + daemon_audit::encode_base64(note), kTimeoutMs));
  if (!answer.is_object()) return base::unavailable("the service's answer is not an object");
  if (const base::Json* const error = answer.find("error");
      error != nullptr && error->is_string()) {
    return base::unavailable("not asked: " + daemon_audit::safe_text(error->as_string(), 256));
  }
  const base::Json* const accepted = answer.find("accepted");
  const base::Json* const said = answer.find("text");
  if (accepted == nullptr || !accepted->is_bool() || said == nullptr || !said->is_string()) {
    return base::unavailable("the service's answer does not say whether it was accepted");
  }
  const std::string why = daemon_audit::safe_text(said->as_string(), 256);
  if (!accepted->as_bool()) return base::denied("not accepted: " + why);
  return why;
}

int run_cosign(const CosignOptions& options) {
  const auto outcome = cosign(options);
  if (!outcome.ok()) return report_failure(outcome.error());
  fmt::print("accepted: {}\n", outcome.value());
  return kExitOk;
}

}  // namespace

void add_audit_cosign(Command& audit) {
  Command& verb = audit.add("cosign", "give the log a checkpoint that a witness has signed");
  auto options = std::make_shared<CosignOptions>();
  verb.argument("FILE", options->file, "the checkpoint with the witness's signature under it");
  verb.option("--config", options->config, "the configuration file of the service");
  verb.runs([options] { return run_cosign(*options); });
}

}  // namespace daemon_cli
