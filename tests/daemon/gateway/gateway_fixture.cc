#include "tests/daemon/gateway/gateway_fixture.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>

#include "daemon/supervisor/sealed_memfd.h"

namespace daemon_gateway {
namespace {

constexpr int kPatienceMs = 10'000;
constexpr std::uint64_t kWriter = 7;

const TestIdentity& identity() {
  static const TestIdentity made = make_identity();
  return made;
}

}  // namespace

GatewayFixture::GatewayFixture() {
  std::signal(SIGPIPE, SIG_IGN);
  config_.tls_certificate_pem = identity().certificate_pem;
  config_.tls_private_key_pem = identity().private_key_pem;
  config_.requests_max = 8;
  config_.body_bytes_max = 1u << 20;
  config_.audit_salt = std::string(64, 'a');
  key_ = std::string(config_.api_keys.create("test", 1).value().key.expose_text());

  listener_ = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener_.get(), 4'096), 0);
  EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
}

GatewayFixture::~GatewayFixture() {
  supervisor_.reset();
  if (thread_.joinable()) thread_.join();
  gateway_.reset();
}

void GatewayFixture::start(bool with_engine, int token_delay_ms) {
  start_unintroduced();
  tell(daemon_ipc::EngineState{daemon_ipc::EngineCondition::kStarting, ""});
  if (with_engine) connect_engine(token_delay_ms);
}

void GatewayFixture::start_unintroduced() {
  auto ends = daemon_ipc::Channel::create_pair().value();
  supervisor_.emplace(std::move(ends.first));
  std::vector<base::Fd> listeners;
  listeners.push_back(std::move(listener_));
  // As it travels: through its JSON.
  auto config = GatewayConfig::parse(config_.serialize());
  ASSERT_TRUE(config.ok()) << config.error().message;
  auto gateway = Gateway::create({.config = std::move(config).value(),
                                  .control = std::move(ends.second),
                                  .listeners = std::move(listeners)},
                                 clock_, logger_);
  ASSERT_TRUE(gateway.ok()) << gateway.error().message;
  gateway_ = std::move(gateway).value();
  thread_ = std::thread([this] {
    const auto status = gateway_->run(base::Json::object());
    EXPECT_TRUE(status.ok()) << status.error().message;
  });
  const auto ready = hear();
  ASSERT_TRUE(ready && std::holds_alternative<daemon_ipc::Ready>(*ready));
  if (with_auditor_) connect_auditor();
}

void GatewayFixture::connect_auditor() {
  auto ends = daemon_ipc::Channel::create_pair().value();
  tell_audit_channel(ends.first);
  auditor_ = std::make_unique<FakeAuditor>(std::move(ends.second), log_);
}

void GatewayFixture::connect_engine(int token_delay_ms) {
  auto ends = daemon_ipc::Channel::create_pair().value();
  tell_channel(ends.first);
  engine_ = std::make_unique<FakeEngine>(std::move(ends.second), token_delay_ms);
  ASSERT_TRUE(eventually([this] { return ask(get("/ready")).status == 200; }));
}

void GatewayFixture::tell(const daemon_ipc::Message& message) {
  ASSERT_TRUE(supervisor_->send(message).ok());
}

void GatewayFixture::tell_channel(const base::Fd& engine_channel, std::uint64_t engine) {
  ASSERT_TRUE(supervisor_->send(daemon_ipc::PeerChannel{engine}, &engine_channel).ok());
}

void GatewayFixture::tell_config(const GatewayConfig& config) {
  const auto memfd =
      daemon_supervisor::create_sealed_memfd("config", config.serialize().dump()).value();
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Reload{}, &memfd).ok());
}

void GatewayFixture::tell_audit_channel(const base::Fd& auditor_channel) {
  ASSERT_TRUE(supervisor_->send(daemon_ipc::AuditChannel{kWriter}, &auditor_channel).ok());
}

std::optional<daemon_ipc::Message> GatewayFixture::hear() {
  for (;;) {
    pollfd ready{supervisor_->fd(), POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMs) != 1) return std::nullopt;
    auto received = supervisor_->receive();
    if (!received.ok() || !received.value()) return std::nullopt;
    if (std::holds_alternative<daemon_ipc::PeerLost>(received.value()->message)) {
      ++wishes_;
    } else {
      return std::move(received.value()->message);
    }
  }
}

base::Json GatewayFixture::stats() {
  tell(daemon_ipc::Ping{});
  auto heard = hear();
  while (heard && !std::holds_alternative<daemon_ipc::Alive>(*heard)) heard = hear();
  return base::Json::parse(std::get<daemon_ipc::Alive>(heard.value()).stats).value();
}

std::string GatewayFixture::get(const std::string& path) const {
  return "GET " + path + " HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer " + key_ + "\r\n\r\n";
}

std::string GatewayFixture::post(const std::string& path, const std::string& body,
                                 const std::string& fields) const {
  return "POST " + path + " HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer " + key_ +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + fields + "\r\n" + body;
}

std::string GatewayFixture::chat(const std::string& prompt, const std::string& members) const {
  std::string body = R"({"model":"fake/model","messages":[{"role":"user","content":)";
  base::append_json_string(body, prompt);
  return post("/v1/chat/completions", body + "}]" + members + "}");
}

HttpAnswer GatewayFixture::ask(const std::string& request) const {
  TlsClient client(port_);
  if (!client.connected() || !client.send(request)) return {};
  return client.receive();
}

bool GatewayFixture::eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

ErrorFields error_of(const HttpAnswer& answer) {
  const auto json = base::Json::parse(answer.body);
  if (!json.ok() || json.value().find("error") == nullptr)
    return {"not an error body: " + answer.body, "", ""};
  const base::Json& error = *json.value().find("error");
  const auto text = [&error](std::string_view name) {
    const base::Json* const value = error.find(name);
    if (value == nullptr) return std::string("absent");
    return value->is_null() ? "null" : value->as_string();
  };
  return {text("type"), text("param"), text("code")};
}

std::string content_of(const HttpAnswer& answer) {
  const auto json = base::Json::parse(answer.body);
  if (answer.status != 200 || !json.ok())
    return "status " + std::to_string(answer.status) + ": " + answer.body;
  const base::Json& choice = json.value().find("choices")->as_array()[0];
  const base::Json* const message = choice.find("message");
  return (message != nullptr ? message->find("content") : choice.find("text"))->as_string();
}

std::string streamed_content(const std::string& body) {
  std::string content;
  std::size_t at = 0;
  while ((at = body.find("data: {", at)) != std::string::npos) {
    const std::size_t end = body.find("\n\n", at);
    const auto json = base::Json::parse(body.substr(at + 6, end - at - 6));
    EXPECT_TRUE(json.ok()) << body.substr(at, end - at);
    at = end;
    const base::Json* const choices = json.value().find("choices");
    if (choices == nullptr || choices->as_array().empty()) continue;
    const base::Json* const delta = choices->as_array()[0].find("delta");
    if (const base::Json* const text = delta->find("content"); text != nullptr)
      content += text->as_string();
  }
  return content;
}

}  // namespace daemon_gateway
