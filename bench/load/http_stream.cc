#include "bench/load/http_stream.h"

#include <fmt/format.h>
#include <httplib.h>

namespace bench {
namespace {

constexpr time_t kConnectSeconds = 10;
constexpr time_t kReadSeconds = 600;
constexpr std::size_t kErrorBytesMax = 400;

}  // namespace

struct HttpStream::Connection {
  explicit Connection(const HttpTarget& target) : client(target.url) {
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    client.set_connection_timeout(kConnectSeconds);
    client.set_read_timeout(kReadSeconds);
    if (target.ca_file.empty()) {
      client.enable_server_certificate_verification(false);
    } else {
      client.set_ca_cert_path(target.ca_file);
    }
    if (!target.api_key.empty()) client.set_bearer_token_auth(target.api_key);
  }
  httplib::Client client;
};

HttpStream::HttpStream(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
HttpStream::HttpStream(HttpStream&&) noexcept = default;
HttpStream& HttpStream::operator=(HttpStream&&) noexcept = default;
HttpStream::~HttpStream() = default;

base::Result<HttpStream> HttpStream::create(const HttpTarget& target) {
  auto connection = std::make_unique<Connection>(target);
  if (!connection->client.is_valid())
    return base::invalid_input("no address of a server: " + target.url);
  return HttpStream(std::move(connection));
}

base::Status HttpStream::post(const std::string& path, const std::string& json, const Sink& sink) {
  return send("POST", path, json, sink);
}

base::Status HttpStream::get(const std::string& path) {
  return send("GET", path, "", [](std::string_view) {});
}

base::Status HttpStream::send(const char* method, const std::string& path, const std::string& json,
                              const Sink& sink) {
  httplib::Request request;
  request.method = method;
  request.path = path;
  if (!json.empty()) {
    request.set_header("Content-Type", "application/json");
    request.body = json;
  }
  int status = 0;
  std::string refusal;
  request.response_handler = [&status](const httplib::Response& head) {
    status = head.status;
    return true;
  };
  request.content_receiver = [&](const char* bytes, std::size_t count, std::uint64_t,
                                 std::uint64_t) {
    if (status == 200) {
      sink({bytes, count});
    } else if (refusal.size() < kErrorBytesMax) {
      refusal.append(bytes, std::min(count, kErrorBytesMax - refusal.size()));
    }
    return true;
  };
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  if (!connection_->client.send(request, response, error)) {
    return base::unavailable(fmt::format("{} {}: {}", method, path, httplib::to_string(error)));
  }
  if (response.status == 200) return {};
  return base::unavailable(
      fmt::format("{} {}: status {} {}", method, path, response.status, refusal));
}

}  // namespace bench
