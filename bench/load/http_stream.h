// One connection to an HTTP server, with TLS or without, that is used again for the next request.
// The one place of bench where cpp-httplib is used.
#ifndef BENCH_LOAD_HTTP_STREAM_H_
#define BENCH_LOAD_HTTP_STREAM_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace bench {

struct HttpTarget {
  std::string url;      // "https://127.0.0.1:8443", "http://127.0.0.1:8000"
  std::string ca_file;  // PEM the server's certificate is checked with; empty: none is looked at
  std::string api_key;  // empty: none is sent
};

class HttpStream {
 public:
  static base::Result<HttpStream> create(const HttpTarget& target);
  HttpStream(HttpStream&&) noexcept;
  HttpStream& operator=(HttpStream&&) noexcept;
  ~HttpStream();

  using Sink = std::function<void(std::string_view bytes)>;

  // Sends and calls `sink` with each piece of the body as it arrives. Fails, with what the server
  // said, unless the status is 200.
  base::Status post(const std::string& path, const std::string& json, const Sink& sink);
  base::Status get(const std::string& path);

 private:
  struct Connection;
  explicit HttpStream(std::unique_ptr<Connection> connection);
  base::Status send(const char* method, const std::string& path, const std::string& json,
                    const Sink& sink);

  std::unique_ptr<Connection> connection_;
};

}  // namespace bench

#endif  // BENCH_LOAD_HTTP_STREAM_H_
