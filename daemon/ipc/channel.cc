#include "daemon/ipc/channel.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace daemon_ipc {
namespace {

// Room for a burst of events while the peer is busy; the kernel caps it at net.core.wmem_max.
constexpr int kSendBufferBytes = 1 << 20;

// A well-behaved peer passes one; room for a few more, so that a surplus is seen and closed rather
// than truncated.
constexpr std::size_t kPassedFdsMax = 4;

struct alignas(cmsghdr) ControlBuffer {
  std::byte bytes[CMSG_SPACE(sizeof(int) * kPassedFdsMax)];
};

msghdr make_header(iovec& payload, ControlBuffer& control, std::size_t control_bytes) {
  msghdr header{};
  header.msg_iov = &payload;
  header.msg_iovlen = 1;
  header.msg_control = control_bytes > 0 ? control.bytes : nullptr;
  header.msg_controllen = control_bytes;
  return header;
}

// Takes ownership of every descriptor that came along.
std::vector<base::Fd> take_fds(msghdr& header) {
  std::vector<base::Fd> fds;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

base::Error end_of_stream() {
  return base::io_error(EPIPE, "receive: the peer is gone");
}

}  // namespace

base::Result<std::pair<base::Fd, base::Fd>> Channel::create_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return base::io_error(errno, "socketpair");
  }
  std::pair<base::Fd, base::Fd> pair{base::Fd(ends[0]), base::Fd(ends[1])};
  for (const int end : ends) {
    // A smaller buffer than asked for still works: senders cope with a full channel.
    (void)::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  }
  return pair;
}

base::Status Channel::send(const Message& message, const base::Fd* fd_to_pass) {
  auto bytes = serialize(message);
  iovec payload{bytes.data(), bytes.size()};
  ControlBuffer control{};
  msghdr header =
      make_header(payload, control, fd_to_pass != nullptr ? CMSG_SPACE(sizeof(int)) : 0);
  if (fd_to_pass != nullptr) {
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = fd_to_pass->get();
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  for (;;) {
    // A packet is sent whole or not at all.
    if (::sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return {};
    if (errno == EINTR) continue;
    // For want of memory, too, nothing was sent.
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
      return base::unavailable("send: the channel is full");
    return base::io_error(errno, fmt::format("send {}", message_name(message_type(message))));
  }
}

base::Result<std::optional<Received>> Channel::receive() {
  buffer_.resize(kMessageBytesMax);
  iovec payload{buffer_.data(), buffer_.size()};
  ControlBuffer control{};
  msghdr header = make_header(payload, control, sizeof control.bytes);
  ssize_t got = -1;
  do {
    got = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    // For want of memory the message stays where it is.
    if (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS) return std::optional<Received>();
    if (errno == ECONNRESET) return end_of_stream();
    return base::io_error(errno, "receive");
  }
  auto fds = take_fds(header);
  // An empty packet looks the same as the end, and ends the connection as any malformed one would.
  if (got == 0) return end_of_stream();
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    return base::invalid_input(fmt::format("message: longer than {} bytes", kMessageBytesMax));
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0)
    return base::invalid_input("message: too many descriptors");

  Received received{TRY(parse(std::span(buffer_).first(static_cast<std::size_t>(got)))),
                    base::Fd()};
  const std::size_t fds_due = descriptors_of(received.message);
  if (fds.size() != fds_due) {
    return base::invalid_input(fmt::format("{}: {} descriptors came along, {} belong",
                                           message_name(message_type(received.message)), fds.size(),
                                           fds_due));
  }
  if (fds_due == 1) received.fd = std::move(fds.front());
  return std::optional<Received>(std::move(received));
}

}  // namespace daemon_ipc
