#include "daemon/supervisor/kept_weights.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace daemon_supervisor {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
constexpr int kWriteSeals = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;  // either

}  // namespace

base::Result<KeptWeights> KeptWeights::adopt(base::Fd fd, std::string key) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return base::io_error(errno, "weights");
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);  // fails for whatever is no memfd
  if (!S_ISREG(info.st_mode) || seals < 0) return base::invalid_input("weights: not a memfd");
  if ((seals & kSeals) != kSeals || (seals & kWriteSeals) == 0)
    return base::invalid_input("weights: not sealed against every change");
  if (info.st_size <= 0) return base::invalid_input("weights: empty");
  return KeptWeights{std::move(fd), static_cast<std::uint64_t>(info.st_size), std::move(key)};
}

}  // namespace daemon_supervisor
