// The local socket of `redoubt status`: one request line in, one JSON document out, then the
// connection ends. Who may connect is a matter of the socket's file mode (0660).
#ifndef DAEMON_SUPERVISOR_CONTROL_SOCKET_H_
#define DAEMON_SUPERVISOR_CONTROL_SOCKET_H_

#include <poll.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// Never blocks; a slow or silent client costs a place for a few seconds and nothing else.
class ControlSocket {
 public:
  static constexpr std::size_t kClientsMax = 8;
  static constexpr std::size_t kRequestBytesMax = 32'768;  // a signed note in Base64 is the longest
  static constexpr std::int64_t kClientTimeMs = 5'000;

  static constexpr std::int64_t kAnswerTimeMs =
      15'000;  // from the request to its answer's last byte

  // The answer to a request line (without its newline): one line of JSON, or nothing yet, and it is
  // asked for again at the next turn. `ticket` is 0 at first; what is left there comes back with
  // the same request. `uid` is who asks, by the kernel's word.
  using Answer = std::function<std::optional<std::string>(
      std::string_view request, std::uint64_t& ticket, std::uint32_t uid)>;

  // Replaces a socket file that is there. The caller makes sure that no other supervisor runs.
  static base::Result<ControlSocket> create(const std::string& path);

  void add_to(std::vector<pollfd>& waits) const;
  // Accepts, reads, answers and closes, as far as goes without waiting.
  void serve(std::int64_t now, const Answer& answer);
  std::int64_t next_deadline() const;

 private:
  struct Client {
    base::Fd socket;
    std::int64_t deadline = 0;
    std::string request;
    std::string response;  // what is left of it
    std::uint32_t uid = 0;
    std::uint64_t ticket = 0;
    enum class Phase : std::uint8_t { kReading, kWaiting, kAnswering } phase = Phase::kReading;
  };

  explicit ControlSocket(base::Fd listener) : listener_(std::move(listener)) {}
  void accept_clients(std::int64_t now);
  // False: done with it.
  static bool read_request(Client& client, std::int64_t now);
  static bool write_answer(Client& client);
  static bool advance(Client& client, std::int64_t now, const Answer& answer);

  base::Fd listener_;
  std::vector<Client> clients_;
};

// The client's side: sends the line, waits up to `timeout_ms` for the whole answer.
base::Result<std::string> ask_control_socket(const std::string& path, std::string_view request,
                                             int timeout_ms);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_CONTROL_SOCKET_H_
