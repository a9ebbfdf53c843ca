#include "daemon/importer/importer_role.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "daemon/importer/importer_config.h"
#include "daemon/importer/staged_import.h"
#include "hardening/base/file.h"
#include "hardening/base/log.h"
#include "provisioning/container/stored_bytes.h"

namespace daemon_importer {
namespace {

using base::Status;

base::Result<std::uint64_t> free_bytes(const base::Fd& directory) {
  struct statfs facts {};
  if (::fstatfs(directory.get(), &facts) != 0)
    return base::io_error(errno, "ask how much space is free");
  return static_cast<std::uint64_t>(facts.f_bavail) * static_cast<std::uint64_t>(facts.f_bsize);
}

// Whether there is anything of that name: what it is, the one who reads it finds out.
bool holds(const base::Fd& directory, const char* name) {
  struct stat info {};
  return ::fstatat(directory.get(), name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

ImportResult refusal(const base::Error& error) {
  ImportResult result;
  result.verdict = error.code == base::ErrorCode::kIo ? Verdict::kMedium : Verdict::kRefused;
  result.error = error.message;
  return result;
}

Status run(daemon_supervisor::RoleContext& context) {
  const std::string text =
      TRY(base::read_text(context.config, kConfigBytesMax).context("importer configuration"));
  const ImporterConfig config = TRY(ImporterConfig::parse(text));
  if (context.resources.size() != 3)
    return base::invalid_input("an importer wants a medium, a staging directory and the objects");
  const base::Fd& staging = context.resources[1];
  const std::uint64_t space = TRY(free_bytes(staging));
  // It lasts as long as the process: a thread that ends would ask the kernel for more than is
  // permitted below.
  auto& hash = *new provisioning::HashThreads;
  // The times in certificates are UTC, and no file is to be asked about that.
  (void)::setenv("TZ", "UTC0", 1);
  auto medium = open_medium(std::move(context.resources[0]));
  TRY(context.sandbox.lock_down());
  TRY(send(context.control, Progress{0, 0, "reading"}));
  if (!medium.ok()) return send(context.control, refusal(medium.error()));
  StagedImport import(config, {context.control, staging, std::move(context.resources[2])}, space,
                      hash);
  return send(context.control, import.run(std::move(medium).value()));
}

}  // namespace

base::Result<Medium> open_medium(base::Fd fd) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return base::io_error(errno, "look at the medium");
  Medium medium;
  if (S_ISDIR(info.st_mode) && !holds(fd, "release.dsse") && holds(fd, "model.sig")) {
    medium.bare = std::move(fd);
  } else {
    medium.bundle = TRY(provisioning::open_bundle(std::move(fd)));
  }
  return medium;
}

int run_importer_role(daemon_supervisor::RoleContext context) {
  const base::Logger log("importer");
  const Status status = run(context);
  if (status.ok()) return 0;
  log.error(status.error().message, {{"kind", base::error_code_name(status.error().code)}});
  return 1;
}

}  // namespace daemon_importer
