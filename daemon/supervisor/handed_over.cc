#include "daemon/supervisor/handed_over.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace daemon_supervisor {
namespace {

constexpr int kDescriptorsMax = 32;

using Named = std::pair<std::string, base::Fd>;

base::Result<std::vector<Named>> take_all() {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &names);
  if (count < 0) return base::io_error(-count, "sd_listen_fds");
  std::vector<Named> taken;
  for (int i = 0; i < count; ++i) {
    // CLOEXEC is set. Without LISTEN_FDNAMES every name is "unknown".
    taken.emplace_back(names[i], base::Fd(SD_LISTEN_FDS_START + i));
    std::free(names[i]);
  }
  std::free(names);
  if (count > kDescriptorsMax) {
    return base::invalid_input(
        fmt::format("systemd handed over {} descriptors, limit {}", count, kDescriptorsMax));
  }
  return taken;
}

}  // namespace

base::Result<HandedOver> take_handed_over(const base::Logger& log) {
  HandedOver handed_over;
  for (auto& [name, fd] : TRY(take_all())) {
    if (name != kWeightsName && ::sd_is_socket(fd.get(), AF_UNSPEC, 0, -1) > 0) {
      handed_over.sockets.push_back(std::move(fd));
      continue;
    }
    std::string why = "nothing this service knows";
    if (name == kWeightsName && !handed_over.weights) {
      auto weights = KeptWeights::adopt(std::move(fd), "");
      if (weights.ok()) {
        handed_over.weights = std::move(weights).value();
        continue;
      }
      why = weights.error().message;
    }
    log.warning("closing a descriptor that systemd handed over", {{"name", name}, {"why", why}});
    handed_over.useless.push_back(name);
  }
  return handed_over;
}

}  // namespace daemon_supervisor
