#include "daemon/gateway/http_border.h"

#include <httplib.h>

#include <cstring>
#include <functional>
#include <string>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

constexpr socket_t kNoSocket =
    0;  // any number but INVALID_SOCKET, which would mean "shutting down"

// What the library reads is a text of ours, what it writes goes into the exchange.
class ExchangeStream final : public httplib::Stream {
 public:
  ExchangeStream(Exchange& exchange, std::string request)
      : exchange_(exchange), request_(std::move(request)) {}

  bool is_readable() const override { return position_ < request_.size(); }
  bool is_writable() const override { return !failed_; }

  ssize_t read(char* out, std::size_t size) override {
    const std::size_t count = std::min(size, request_.size() - position_);
    std::memcpy(out, request_.data() + position_, count);
    position_ += count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* bytes, std::size_t size) override {
    if (failed_ || !exchange_.write({bytes, size})) {
      failed_ = true;
      return -1;
    }
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override { no_address(ip, port); }
  void get_local_ip_and_port(std::string& ip, int& port) const override { no_address(ip, port); }
  socket_t socket() const override { return kNoSocket; }
  // Later releases ask for this too.
  virtual time_t duration() const { return 0; }  // NOLINT(modernize-use-override): absent in 0.11

  bool failed() const { return failed_; }

 private:
  static void no_address(std::string& ip, int& port) {
    ip.clear();
    port = 0;
  }

  Exchange& exchange_;
  std::string request_;
  std::size_t position_ = 0;
  bool failed_ = false;
};

}  // namespace

class HttpBorder::Server final : private httplib::Server {
 public:
  explicit Server(const ApiHandler& handler) : handler_(handler) {
    svr_sock_ = kNoSocket;
    set_keep_alive_max_count(kRequestsPerConnectionMax);
    set_keep_alive_timeout(kIdleTimeoutSeconds);
    set_payload_max_length(0);
    set_pre_routing_handler([this](const httplib::Request&, httplib::Response& response) {
      respond(response);
      return HandlerResponse::Handled;
    });
    set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
          response.status = 500;
          response.set_content(error_json(server_error("The request could not be served.")).dump(),
                               "application/json");
        });
  }

  void serve(Exchange& exchange) {
    exchange_ = &exchange;
    reply_ = {};
    complete_ = false;
    const bool http_1_0 = exchange.request().head.http_1_0;
    const bool keep_alive = exchange.request().keep_alive && !http_1_0;
    // HEAD has no route, so the method is GET or POST, and either way the library would wait for no
    // body.
    ExchangeStream stream(
        exchange, http_1_0 ? "GET / HTTP/1.0\r\n\r\n" : "GET / HTTP/1.1\r\nHost: redoubt\r\n\r\n");
    const bool written = process(stream, !keep_alive);
    abandon();
    exchange.finish(written && complete_ && !stream.failed() && keep_alive);
  }

  // The reply's stream borrows the exchange, and may have a last word to report.
  void abandon() {
    reply_ = {};
    exchange_ = nullptr;
  }

 private:
  // 0.11 takes four arguments; 0.18 also wants the addresses, which neither needs. Chosen by what
  // compiles: the version is a string, which the preprocessor cannot compare.
  template <typename AnyStream>
  bool process(AnyStream& stream, bool close) {
    bool closed = false;
    const std::function<void(httplib::Request&)> no_setup;
    if constexpr (requires { this->process_request(stream, close, closed, no_setup); }) {
      return this->process_request(stream, close, closed, no_setup);
    } else {
      return this->process_request(stream, std::string(), 0, std::string(), 0, close, closed,
                                   no_setup);
    }
  }

  void respond(httplib::Response& response) {
    reply_ = handler_.handle(*exchange_);
    response.status = reply_.status;
    for (const auto& [name, value] : reply_.headers) response.set_header(name, value);
    if (reply_.stream == nullptr) {
      complete_ = true;
      return response.set_content(reply_.body, reply_.content_type);
    }
    const auto provide = [this](std::size_t, httplib::DataSink& sink) {
      return provide_piece(sink);
    };
    if (exchange_->request().head.http_1_0)
      return response.set_content_provider("text/event-stream", provide);
    response.set_chunked_content_provider("text/event-stream", provide);
  }

  bool provide_piece(httplib::DataSink& sink) {
    using Step = ReplyStream::Step;
    std::string piece;
    const Step step = reply_.stream->next(piece);
    if (step == Step::kAbort) return false;
    if (!piece.empty()) sink.write(piece.data(), piece.size());
    if (step == Step::kMore) return true;
    complete_ = step == Step::kEnd;
    sink.done();
    return true;
  }

  const ApiHandler& handler_;
  Exchange* exchange_ = nullptr;  // while serving
  Reply reply_;
  bool complete_ = false;  // the answer ended as it should
};

HttpBorder::HttpBorder(const ApiHandler& handler) : server_(std::make_unique<Server>(handler)) {}
HttpBorder::~HttpBorder() = default;

void HttpBorder::serve(Exchange& exchange) {
  try {
    server_->serve(exchange);
  } catch (...) {
    server_->abandon();
    exchange.finish(false);
  }
}

}  // namespace daemon_gateway
