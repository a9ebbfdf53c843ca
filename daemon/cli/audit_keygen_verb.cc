// redoubt audit keygen: the pair of keys that texts are sealed with. Only its public half belongs
// on an appliance.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <span>
#include <string>

#include "daemon/audit/seal/sealed_text.h"
#include "daemon/cli/audit_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "hardening/base/file.h"

namespace daemon_cli {
namespace {

using base::Status;

// Never over an existing file: texts that were sealed to a key that is gone are gone with it.
Status write_new(const std::string& path, std::string_view text, unsigned mode) {
  base::Fd file = TRY(base::open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  Status written = base::write_all(file, std::as_bytes(std::span(text)));
  if (written.ok() && ::fsync(file.get()) != 0) written = base::io_error(errno, "fsync");
  if (written.ok()) written = file.close();
  if (!written.ok()) ::unlink(path.c_str());
  return std::move(written).context(path);
}

Status generate(const std::string& path) {
  const auto key = TRY(daemon_audit::OpeningKey::generate());
  const base::Secret pem = TRY(key.pem());
  const std::string public_path = path + ".pub";
  TRY(write_new(path, pem.expose_text(), 0600));
  const Status second = write_new(public_path, TRY(key.public_pem()), 0644);
  if (!second.ok()) {
    ::unlink(path.c_str());
    return second;
  }
  fmt::print(
      "private key  {0}      (the auditor's: take it off this machine, keep it where the log is "
      "read)\n"
      "public key   {1}  (the appliance's: audit.sealed_to = its absolute path, with audit.text = "
      "\"sealed\")\n"
      "Whoever has the private key can read every prompt and answer that was sealed to it; without "
      "it\n"
      "nobody can, not the appliance either.\n",
      path, public_path);
  return {};
}

}  // namespace

void add_audit_keygen(Command& audit) {
  Command& verb = audit.add("keygen", "make the keys that prompts and answers are sealed with");
  auto output = std::make_shared<std::string>();
  verb.required_option("-o,--output", *output,
                       "where the private key goes; the public one beside it, with .pub");
  verb.runs([output] {
    const Status status = generate(*output);
    return status.ok() ? kExitOk : report_failure(status.error());
  });
}

}  // namespace daemon_cli
