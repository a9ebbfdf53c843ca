// One end of a SOCK_SEQPACKET socketpair: whole messages in, whole messages out, descriptors beside
// them.
#ifndef DAEMON_IPC_CHANNEL_H_
#define DAEMON_IPC_CHANNEL_H_

#include <optional>
#include <utility>

#include "daemon/ipc/messages.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_ipc {

struct Received {
  Message message;
  base::Fd fd;  // open when a descriptor came along
};

// Not thread-safe, except that one thread may send while another receives.
class Channel {
 public:
  explicit Channel(base::Fd socket) : socket_(std::move(socket)) {}

  // Two connected ends, non-blocking, CLOEXEC.
  static base::Result<std::pair<base::Fd, base::Fd>> create_pair();

  int fd() const { return socket_.get(); }  // to poll

  // Sends without blocking. kUnavailable: the channel is full, nothing was sent; kIo with EPIPE or
  // ECONNRESET: the peer is gone.
  base::Status send(const Message& message, const base::Fd* fd_to_pass = nullptr);

  // The next message, or nothing when none is waiting. kIo with EPIPE at the end of the stream;
  // kInvalidInput for a malformed message, one longer than kMessageBytesMax, or a descriptor where
  // none belongs.
  base::Result<std::optional<Received>> receive();

 private:
  base::Fd socket_;
  std::vector<std::byte> buffer_;
};

}  // namespace daemon_ipc

#endif  // DAEMON_IPC_CHANNEL_H_
