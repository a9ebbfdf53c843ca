#include "daemon/gateway/http_response.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "hardening/base/hex.h"
#include "hardening/base/secret.h"

namespace daemon_gateway {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

std::string http_date(std::int64_t unix_seconds) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  using std::chrono::days;
  const std::chrono::sys_seconds moment{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
      time.seconds().count());
}

std::string make_request_id() {
  std::array<std::byte, 16> random;
  base::fill_random(random);
  return "req-" + base::to_hex(random);
}

Headers common_headers(std::string_view request_id, std::int64_t unix_seconds) {
  return {{"Date", http_date(unix_seconds)},
          {"Cache-Control", "no-store"},
          {"X-Content-Type-Options", "nosniff"},
          {"x-request-id", std::string(request_id)}};
}

Headers error_headers(const ApiError& error) {
  Headers headers;
  if (error.retry_after_s > 0)
    headers.emplace_back("Retry-After", std::to_string(error.retry_after_s));
  if (!error.allow.empty()) headers.emplace_back("Allow", std::string(error.allow));
  if (error.status == 401) headers.emplace_back("WWW-Authenticate", "Bearer");
  return headers;
}

std::string serialize_error(const ApiError& error, std::string_view request_id,
                            std::int64_t unix_seconds) {
  const std::string body = error_json(error).dump();
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", error.status, reason_phrase(error.status));
  const auto append = [&out](const Headers& headers) {
    for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  };
  append(common_headers(request_id, unix_seconds));
  append(error_headers(error));
  out += fmt::format(
      "Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
      body.size());
  return out + body;
}

}  // namespace daemon_gateway
