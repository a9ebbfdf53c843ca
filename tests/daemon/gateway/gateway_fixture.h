// A whole gateway in this process: its event loop on a thread, the supervisor played by the test,
// the engine by FakeEngine, the auditor by FakeAuditor, the client by TlsClient.
#ifndef TESTS_DAEMON_GATEWAY_GATEWAY_FIXTURE_H_
#define TESTS_DAEMON_GATEWAY_GATEWAY_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "daemon/gateway/gateway.h"
#include "tests/daemon/gateway/fake_auditor.h"
#include "tests/daemon/gateway/fake_engine.h"
#include "tests/daemon/gateway/tls_client.h"

namespace daemon_gateway {

class GatewayFixture : public testing::Test {
 protected:
  GatewayFixture();
  ~GatewayFixture() override;

  // Changes to config() count until then.
  void start(bool with_engine = true, int token_delay_ms = 0);
  void start_unintroduced();  // the supervisor has said nothing of the engine
  void without_auditor() { with_auditor_ = false; }  // before start()
  GatewayConfig& config() { return config_; }

  void connect_engine(int token_delay_ms = 0);
  void disconnect_engine() { engine_.reset(); }
  FakeEngine& engine() { return *engine_; }

  // A channel between the gateway and what has been recorded so far.
  void connect_auditor();
  void tell_audit_channel(const base::Fd& auditor_channel);
  AuditorLog& log() { return log_; }
  FakeAuditor& auditor() { return *auditor_; }
  void disconnect_auditor() { auditor_.reset(); }
  bool with_auditor() const { return auditor_ != nullptr; }

  void tell(const daemon_ipc::Message& message);
  void tell_channel(const base::Fd& engine_channel, std::uint64_t engine = 0);
  void tell_config(const GatewayConfig& config);  // reload
  // The next message of the gateway to its supervisor, within a few seconds; wishes to be
  // introduced to the engine anew are counted and passed over.
  std::optional<daemon_ipc::Message> hear();
  base::Json stats();  // of `alive`

  int wishes() const { return wishes_; }
  std::uint16_t port() const { return port_; }
  const std::string& key() const { return key_; }

  std::string get(const std::string& path) const;
  std::string post(const std::string& path, const std::string& body,
                   const std::string& fields = "") const;
  std::string chat(const std::string& prompt, const std::string& members = "") const;

  // One request on a connection of its own.
  HttpAnswer ask(const std::string& request) const;
  // Whether `condition` comes true within a few seconds.
  static bool eventually(const std::function<bool()>& condition);

 private:
  int wishes_ = 0;
  GatewayConfig config_;
  std::string key_;
  std::uint16_t port_ = 0;
  base::Fd listener_;
  base::SystemClock clock_;
  base::Logger logger_{"gateway", base::LogLevel::kError};
  AuditorLog log_;
  bool with_auditor_ = true;
  std::optional<daemon_ipc::Channel> supervisor_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<FakeEngine> engine_;
  std::unique_ptr<FakeAuditor> auditor_;
  std::thread thread_;
};

// The "error" object of a body.
struct ErrorFields {
  std::string type;
  std::string param;  // "null" for null
  std::string code;
  friend bool operator==(const ErrorFields&, const ErrorFields&) = default;
};
ErrorFields error_of(const HttpAnswer& answer);
// choices[0].message.content or .text of a whole answer.
std::string content_of(const HttpAnswer& answer);
// All deltas of a chat stream joined; every event must parse.
std::string streamed_content(const std::string& body);

}  // namespace daemon_gateway

#endif  // TESTS_DAEMON_GATEWAY_GATEWAY_FIXTURE_H_
