#include "daemon/supervisor/control_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_supervisor {
namespace {

class ControlSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = directory_.path() + "/control.sock";
    auto created = ControlSocket::create(path_);
    ASSERT_TRUE(created.ok()) << created.error().message;
    socket_.emplace(std::move(created).value());
  }

  base::Fd connect() const {
    base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  void serve(std::int64_t now = 0) {
    socket_->serve(now, [](std::string_view request, std::uint64_t&, std::uint32_t) {
      return "[\"" + std::string(request) + "\"]";
    });
  }

  static std::string read_all(const base::Fd& fd) {
    std::string text;
    char bytes[65'536];
    ssize_t got = 0;
    while ((got = ::recv(fd.get(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
      text.append(bytes, static_cast<std::size_t>(got));
    return got == 0 ? text : text + "(open)";
  }

  TemporaryDirectory directory_;
  std::string path_;
  std::optional<ControlSocket> socket_;
};

TEST_F(ControlSocketTest, AnswersOneLineAndHangsUp) {
  const base::Fd client = connect();
  ASSERT_EQ(::send(client.get(), "status\n", 7, 0), 7);
  serve();
  EXPECT_EQ(read_all(client), "[\"status\"]\n");
}

TEST_F(ControlSocketTest, TakesALineInPieces) {
  const base::Fd client = connect();
  for (const char c : std::string("status")) {
    ASSERT_EQ(::send(client.get(), &c, 1, 0), 1);
    serve();
    EXPECT_EQ(read_all(client), "(open)");
  }
  ASSERT_EQ(::send(client.get(), "\n", 1, 0), 1);
  serve();
  EXPECT_EQ(read_all(client), "[\"status\"]\n");
}

TEST_F(ControlSocketTest, HangsUpOnALineThatIsTooLong) {
  const base::Fd client = connect();
  const std::string line(ControlSocket::kRequestBytesMax, 'x');
  ASSERT_EQ(::send(client.get(), line.data(), line.size(), 0), static_cast<ssize_t>(line.size()));
  serve();
  EXPECT_EQ(read_all(client), "");
}

TEST_F(ControlSocketTest, HangsUpOnASilentClientInTime) {
  const base::Fd client = connect();
  serve(0);
  EXPECT_EQ(socket_->next_deadline(), ControlSocket::kClientTimeMs);
  EXPECT_EQ(read_all(client), "(open)");
  serve(ControlSocket::kClientTimeMs);
  EXPECT_EQ(read_all(client), "");
}

TEST_F(ControlSocketTest, SilentClientsDoNotKeepOthersOutForLong) {
  std::vector<base::Fd> silent;
  for (std::size_t i = 0; i < ControlSocket::kClientsMax; ++i) silent.push_back(connect());
  const base::Fd client = connect();
  ASSERT_EQ(::send(client.get(), "status\n", 7, 0), 7);
  serve(0);
  EXPECT_EQ(read_all(client), "(open)");
  serve(ControlSocket::kClientTimeMs);  // drops the silent ones
  serve(ControlSocket::kClientTimeMs);
  EXPECT_EQ(read_all(client), "[\"status\"]\n");
}

TEST_F(ControlSocketTest, GivesALongAnswerToASlowReader) {
  const base::Fd client = connect();
  ASSERT_EQ(::send(client.get(), "status\n", 7, 0), 7);
  const std::string answer(900'000, 'x');
  std::string text;
  for (int i = 0; i < 1'000 && text.size() <= answer.size(); ++i) {
    socket_->serve(0, [&](std::string_view, std::uint64_t&, std::uint32_t) { return answer; });
    char bytes[10'000];
    const ssize_t got = ::recv(client.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0) text.append(bytes, static_cast<std::size_t>(got));
  }
  EXPECT_EQ(text, answer + "\n");
}

TEST_F(ControlSocketTest, AnAnswerMayTakeAWhile) {
  const base::Fd client = connect();
  ASSERT_EQ(::send(client.get(), "reload\n", 7, 0), 7);
  int asked = 0;
  const auto answer = [&](std::string_view, std::uint64_t& ticket, std::uint32_t) {
    EXPECT_EQ(ticket, asked == 0 ? 0u : 5u);  // what was left there comes back
    ticket = 5;
    return ++asked < 3 ? std::nullopt : std::optional<std::string>("[]");
  };
  for (int i = 0; i < 2; ++i) {
    socket_->serve(i, answer);
    EXPECT_EQ(read_all(client), "(open)");
  }
  socket_->serve(2, answer);
  EXPECT_EQ(read_all(client), "[]\n");
}

TEST_F(ControlSocketTest, DoesNotWaitForAnAnswerForEver) {
  const base::Fd client = connect();
  ASSERT_EQ(::send(client.get(), "reload\n", 7, 0), 7);
  const auto never = [](std::string_view, std::uint64_t&, std::uint32_t) {
    return std::optional<std::string>();
  };
  socket_->serve(0, never);
  EXPECT_EQ(socket_->next_deadline(), ControlSocket::kAnswerTimeMs);
  socket_->serve(ControlSocket::kAnswerTimeMs, never);
  EXPECT_EQ(read_all(client), "");
}

TEST_F(ControlSocketTest, IsForItsOwnerAndGroup) {
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0660u);
}

TEST_F(ControlSocketTest, ReplacesASocketThatWasLeftBehind) {
  EXPECT_TRUE(ControlSocket::create(path_).ok());
}

TEST_F(ControlSocketTest, TheClientSideGetsTheWholeAnswer) {
  std::atomic<bool> done{false};
  std::thread server([&] {
    while (!done) serve();
  });
  const auto answer = ask_control_socket(path_, "status", 2'000);
  done = true;
  server.join();
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer.value(), "[\"status\"]\n");
}

TEST(AskControlSocket, SaysThatTheServiceMayNotRun) {
  const auto answer = ask_control_socket("/nonexistent/control.sock", "status", 100);
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.error().message.find("is the service running?"), std::string::npos);
  EXPECT_EQ(ask_control_socket("/" + std::string(200, 'x'), "status", 100).error().code,
            base::ErrorCode::kInvalidInput);
}

}  // namespace
}  // namespace daemon_supervisor
