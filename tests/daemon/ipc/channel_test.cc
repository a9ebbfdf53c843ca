#include "daemon/ipc/channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/daemon/ipc/samples.h"

namespace daemon_ipc {
namespace {

using testing::HasSubstr;

struct Ends {
  Channel a;
  Channel b;
};

Ends make_ends() {
  auto pair = Channel::create_pair();
  EXPECT_TRUE(pair.ok());
  return {Channel(std::move(pair.value().first)), Channel(std::move(pair.value().second))};
}

// Sends raw bytes and descriptors, as a compromised peer could.
void send_raw(int socket, std::span<const std::byte> bytes, std::vector<int> fds) {
  iovec payload{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &payload;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size() * sizeof(int));
  }
  ASSERT_EQ(::sendmsg(socket, &header, 0), static_cast<ssize_t>(bytes.size()));
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 256; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1u : 0u;
  return count;
}

TEST(Channel, CarriesEveryMessageInOrder) {
  auto ends = make_ends();
  base::Fd passed = base::Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (const Message& message : samples()) {
    const bool with_fd = descriptors_of(message) == 1;
    ASSERT_TRUE(ends.a.send(message, with_fd ? &passed : nullptr).ok());
  }
  for (const Message& message : samples()) {
    auto received = ends.b.receive();
    ASSERT_TRUE(received.ok() && received.value().has_value());
    EXPECT_EQ(serialize(received.value()->message), serialize(message));
    EXPECT_EQ(received.value()->fd.is_open(), descriptors_of(message) == 1);
  }
}

TEST(Channel, SaysThatNothingIsWaiting) {
  auto ends = make_ends();
  const auto received = ends.a.receive();
  ASSERT_TRUE(received.ok());
  EXPECT_FALSE(received.value().has_value());
}

TEST(Channel, PassesADescriptorThatWorksAndClosesOnExec) {
  auto ends = make_ends();
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  base::Fd read_end(pipe_ends[0]);
  base::Fd write_end(pipe_ends[1]);
  ASSERT_TRUE(ends.a.send(PeerChannel{}, &write_end).ok());
  auto received = ends.b.receive();
  ASSERT_TRUE(received.ok() && received.value().has_value());
  const base::Fd& fd = received.value()->fd;
  EXPECT_EQ(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  ASSERT_EQ(::write(fd.get(), "x", 1), 1);
  char c = 0;
  EXPECT_EQ(::read(read_end.get(), &c, 1), 1);
  EXPECT_EQ(c, 'x');
}

TEST(Channel, ReportsThePeersEnd) {
  auto ends = make_ends();
  { Channel gone = std::move(ends.a); }
  const auto received = ends.b.receive();
  ASSERT_FALSE(received.ok());
  EXPECT_EQ(received.error().sys_errno, EPIPE);
  const auto sent = ends.b.send(Ping{});
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().sys_errno, EPIPE);
}

TEST(Channel, DeliversWhatWasSentBeforeTheEnd) {
  auto ends = make_ends();
  ASSERT_TRUE(ends.a.send(Drained{}).ok());
  { Channel gone = std::move(ends.a); }
  const auto received = ends.b.receive();
  ASSERT_TRUE(received.ok() && received.value().has_value());
  EXPECT_TRUE(std::holds_alternative<Drained>(received.value()->message));
  EXPECT_FALSE(ends.b.receive().ok());
}

TEST(Channel, NeverBlocksOnAPeerThatDoesNotRead) {
  auto ends = make_ends();
  const RequestBody body{1, std::vector<std::byte>(kBodyChunkBytesMax)};
  base::ErrorCode code = base::ErrorCode::kIo;
  std::size_t sent = 0;
  for (; sent < 1'000; ++sent) {
    const auto status = ends.a.send(body);
    if (status.ok()) continue;
    code = status.error().code;
    break;
  }
  EXPECT_EQ(code, base::ErrorCode::kUnavailable);
  EXPECT_GT(sent, 0u);
  // What was refused was not sent in part: the reader finds exactly the whole ones.
  for (std::size_t i = 0; i < sent; ++i) {
    auto received = ends.b.receive();
    ASSERT_TRUE(received.ok() && received.value().has_value());
  }
  EXPECT_FALSE(ends.b.receive().value().has_value());
  EXPECT_TRUE(ends.a.send(body).ok());
}

TEST(Channel, RefusesAPacketOverTheLimit) {
  auto ends = make_ends();
  send_raw(ends.a.fd(), std::vector<std::byte>(kMessageBytesMax + 1), {});
  const auto received = ends.b.receive();
  ASSERT_FALSE(received.ok());
  EXPECT_EQ(received.error().code, base::ErrorCode::kInvalidInput);
}

TEST(Channel, RefusesAMalformedMessage) {
  auto ends = make_ends();
  send_raw(ends.a.fd(), std::vector<std::byte>(3), {});
  EXPECT_EQ(ends.b.receive().error().code, base::ErrorCode::kInvalidInput);
}

TEST(Channel, RefusesAndClosesDescriptorsWhereNoneBelong) {
  auto ends = make_ends();
  const std::size_t before = open_descriptors();
  for (const std::size_t count : {1u, 2u, 4u, 16u}) {
    send_raw(ends.a.fd(), serialize(Ping{}), std::vector<int>(count, STDERR_FILENO));
    EXPECT_EQ(ends.b.receive().error().code, base::ErrorCode::kInvalidInput) << count;
  }
  send_raw(ends.a.fd(), serialize(PeerChannel{}), {STDERR_FILENO, STDERR_FILENO});
  EXPECT_THAT(ends.b.receive().error().message, HasSubstr("2 descriptors came along, 1 belong"));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Channel, RefusesAPeerChannelWithoutItsDescriptor) {
  auto ends = make_ends();
  send_raw(ends.a.fd(), serialize(PeerChannel{}), {});
  EXPECT_THAT(ends.b.receive().error().message, HasSubstr("0 descriptors came along, 1 belong"));
}

}  // namespace
}  // namespace daemon_ipc
