// Answers the event loop gives itself, without a worker: errors found before a request was
// complete.
#ifndef DAEMON_GATEWAY_HTTP_RESPONSE_H_
#define DAEMON_GATEWAY_HTTP_RESPONSE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/gateway/api_error.h"

namespace daemon_gateway {

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string_view reason_phrase(int status);

// "Sat, 21 Nov 2026 09:19:21 GMT" (RFC 9110 section 5.6.7), worked out here: the C library would
// open the time zone file, which the gateway cannot.
std::string http_date(std::int64_t unix_seconds);

// "req-" and 128 random bits.
std::string make_request_id();

// What every answer carries: date, request id, no caching.
Headers common_headers(std::string_view request_id, std::int64_t unix_seconds);

// What an error adds to that: Retry-After, Allow, WWW-Authenticate.
Headers error_headers(const ApiError& error);

// A whole HTTP/1.1 message that ends the connection. No byte of the request is in its header block.
std::string serialize_error(const ApiError& error, std::string_view request_id,
                            std::int64_t unix_seconds);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_HTTP_RESPONSE_H_
