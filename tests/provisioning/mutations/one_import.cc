#include "tests/provisioning/mutations/one_import.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include "daemon/importer/staged_import.h"
#include "hardening/base/file.h"
#include "provisioning/container/bundle_source.h"

namespace mutations {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStagedBytesMax = 1u << 20;
constexpr std::uint64_t kFreeBytes = std::uint64_t{1} << 30;

base::Result<base::Fd> in_memory(std::string_view bytes) {
  base::Fd file(::memfd_create("bundle", MFD_CLOEXEC));
  if (!file.is_open()) return base::io_error(errno, "memfd_create");
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0) return base::io_error(errno, "write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return file;
}

}  // namespace

Importer::Importer(daemon_importer::ImporterConfig config, std::string directory)
    : config_(std::move(config)),
      directory_(std::move(directory)),
      hash_(std::make_unique<provisioning::HashThreads>()) {}

base::Result<Importer> Importer::create(const SmallSite& site, std::string directory) {
  daemon_importer::ImporterConfig config;
  config.trust_root = site.root_text;
  config.floors = provisioning::Floors().serialize();
  config.site.product_version = "0.1.0";
  config.site.backends = {"cpu"};
  config.site.now = 1'795'100'000;
  for (const char* const name : {"/staging", "/objects"}) {
    std::error_code error;
    fs::create_directories(directory + name, error);
    if (error) return base::io_error(error.value(), "create " + directory + name);
  }
  return Importer(std::move(config), std::move(directory));
}

base::Result<daemon_importer::ImportResult> Importer::run(std::string_view archive) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0) {
    return base::io_error(errno, "socketpair");
  }
  const base::Fd channel(pair[0]);
  const base::Fd reader(pair[1]);
  const base::Fd staging = TRY(base::open_file(directory_ + "/staging", O_RDONLY | O_DIRECTORY));
  base::Fd objects = TRY(base::open_file(directory_ + "/objects", O_PATH | O_DIRECTORY));
  auto medium = daemon_importer::open_medium(TRY(in_memory(archive)));
  if (!medium.ok()) {
    daemon_importer::ImportResult refused;
    refused.error = medium.error().message;
    return refused;
  }
  daemon_importer::StagedImport import(config_, {channel, staging, std::move(objects)}, kFreeBytes,
                                       *hash_);
  return import.run(std::move(medium).value());
}

std::map<std::string, std::string> Importer::staged() const {
  std::map<std::string, std::string> found;
  std::error_code error;
  const fs::path top = directory_ + "/staging";
  for (const auto& entry : fs::recursive_directory_iterator(top, error)) {
    if (!entry.is_regular_file()) continue;
    const auto text = base::read_text_file(entry.path(), kStagedBytesMax);
    found[fs::relative(entry.path(), top, error).string()] =
        text.ok() ? text.value() : text.error().message;
  }
  return found;
}

void Importer::clear() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_ + "/staging", error))
    fs::remove_all(entry.path(), error);
}

}  // namespace mutations
