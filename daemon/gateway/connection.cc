#include "daemon/gateway/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "daemon/gateway/http_response.h"
#include "daemon/gateway/limits.h"
#include "hardening/base/check.h"
#include "hardening/base/secret.h"

namespace daemon_gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::string_view kBearer = "Bearer ";

std::span<std::byte> writable_bytes(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}

// "application/json", whatever parameters follow: a page in a browser can send other types unasked,
// not this one.
bool is_json(const std::string* content_type) {
  if (content_type == nullptr) return false;
  std::string media = content_type->substr(0, content_type->find_first_of("; \t"));
  for (char& c : media) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return media == "application/json";
}

}  // namespace

Connection::Connection(std::uint64_t id, base::Fd socket, TlsSession tls, ClientPeer peer,
                       ConnectionHost& host)
    : id_(id),
      socket_(std::move(socket)),
      tls_(std::move(tls)),
      peer_(std::move(peer)),
      host_(host),
      since_ns_(host.clock().monotonic_ns()) {
  enter(State::kHandshake, host.config().header_timeout_ms);
}

Connection::~Connection() {
  close(false);
}

void Connection::enter(State state, std::uint32_t timeout_ms) {
  state_ = state;
  since_ns_ = host_.clock().monotonic_ns();
  deadline_ns_ = timeout_ms == 0 ? 0 : since_ns_ + timeout_ms * kNsPerMs;
}

std::uint32_t Connection::wanted_events() const {
  std::uint32_t events = 0;
  switch (state_) {
    case State::kHandshake:
    case State::kHead:
    case State::kBody:
    case State::kLinger:
      events = EPOLLIN;
      break;
    case State::kWorking:
      events = half_closed_ ? 0U : static_cast<std::uint32_t>(EPOLLRDHUP);
      break;
    case State::kFlush:
    case State::kClosed:
      break;
  }
  if (tls_wants_write_ || sent_ < sending_.size()) events |= EPOLLOUT;
  return events;
}

std::optional<std::int64_t> Connection::waiting_since_ns() const {
  const bool waiting =
      state_ == State::kHandshake || (state_ == State::kHead && sent_ == sending_.size());
  return waiting ? std::optional(since_ns_) : std::nullopt;
}

std::optional<std::int64_t> Connection::expendable_since_ns() const {
  const bool keyholders = exchange_ != nullptr && !exchange_->request().key_id.empty();
  const bool wanted = state_ == State::kBody || state_ == State::kClosed ||
                      (state_ == State::kWorking && !worker_done_ && keyholders);
  return wanted ? std::nullopt : std::optional(since_ns_);
}

void Connection::on_ready(std::uint32_t epoll_events) {
  tls_wants_write_ = false;
  if ((epoll_events & (EPOLLHUP | EPOLLERR)) != 0) return close(false);
  if (state_ == State::kLinger) return drain_lingering();
  if (state_ == State::kWorking && (epoll_events & EPOLLRDHUP) != 0 && !half_closed_) {
    half_closed_ = true;
    next_probe_ns_ = 0;
    probe_half_closed();
  }
  if (state_ == State::kHandshake) handshake();
  flush();
  read_some();
}

void Connection::handshake() {
  switch (tls_.handshake()) {
    case TlsOutcome::kOk: {
      peer_.tls = tls_.version();
      peer_.cipher = tls_.cipher();
      const std::int64_t deadline = deadline_ns_;  // handshake and first header block share it
      enter(State::kHead, host_.config().header_timeout_ms);
      deadline_ns_ = deadline;
      return;
    }
    case TlsOutcome::kWantRead:
      return;
    case TlsOutcome::kWantWrite:
      tls_wants_write_ = true;
      return;
    case TlsOutcome::kEnd:
    case TlsOutcome::kFailed:
      return close(false);
  }
}

// A read takes a whole record, so nothing is left inside OpenSSL that epoll could not tell of.
void Connection::read_some() {
  std::array<char, kReadBytes> buffer;
  for (std::size_t turn = 0; turn < kReadsPerTurn; ++turn) {
    if (state_ != State::kHead && state_ != State::kBody) return;
    const TlsTransfer got = tls_.read(buffer);
    switch (got.outcome) {
      case TlsOutcome::kOk:
        take_input({buffer.data(), got.bytes});
        break;
      case TlsOutcome::kWantRead:
        return;
      case TlsOutcome::kWantWrite:
        tls_wants_write_ = true;
        return;
      case TlsOutcome::kEnd:
        return on_end_of_input();
      case TlsOutcome::kFailed:
        return close(false);  // an end without TLS's goodbye reads like this too
    }
  }
}

void Connection::on_end_of_input() {
  if (state_ == State::kHead && input_.empty()) return close(true);
  refuse(http_error(400, "The request ends before it is complete."));
}

void Connection::take_input(std::string_view bytes) {
  // Idle between two requests is one thing, a request that has begun another.
  if (state_ == State::kHead && input_.empty() && requests_ > 0) {
    enter(State::kHead, host_.config().header_timeout_ms);
  }
  input_.append(bytes);
  advance();
}

// As far as the input goes: head, body, and the hand-over to a worker.
void Connection::advance() {
  ApiStatus status;
  if (state_ == State::kHead && !input_.empty()) status = read_head();
  if (status.ok() && state_ == State::kBody) status = read_body();
  if (!status.ok()) refuse(status.error());
}

// The bytes of a header block hold a key, so they are wiped.
ApiStatus Connection::read_head() {
  const auto end = TRY(scanner_.scan(input_));
  if (!end) return {};
  RequestHead head = TRY(parse_head(std::string_view(input_).substr(0, *end)));
  base::wipe(writable_bytes(input_).first(*end));
  input_.erase(0, *end);
  scanner_ = {};
  request_.emplace();
  request_->connection = id_;
  request_->id = request_id_ = make_request_id();
  request_->client = peer_;
  request_->keep_alive =
      head.keep_alive && ++requests_ < kRequestsPerConnectionMax && !host_.draining();
  TRY(authorize(head));
  request_->head = std::move(head);
  return begin_request();
}

ApiStatus Connection::authorize(RequestHead& head) {
  const auto field =
      std::find_if(head.fields.begin(), head.fields.end(),
                   [](const HeaderField& candidate) { return candidate.name == "authorization"; });
  if (is_open_path(head.path)) return {};
  if (field == head.fields.end()) return unauthorized_for(head, "missing");
  if (!field->value.starts_with(kBearer)) return unauthorized_for(head, "malformed");
  const auto identity =
      host_.config().api_keys.verify(std::string_view(field->value).substr(kBearer.size()));
  base::wipe(writable_bytes(field->value));
  head.fields.erase(field);
  if (!identity) return unauthorized_for(head, "unknown");
  request_->key_id = identity->id;
  request_->tenant = identity->tenant;
  return {};
}

ApiError Connection::unauthorized_for(const RequestHead& head, std::string_view reason) {
  host_.auth_failed(peer_, head, reason);
  return unauthorized();
}

ApiStatus Connection::read_receipt(const RequestHead& head) {
  const std::string* const wish = head.find(kReceiptField);
  if (wish == nullptr) return {};
  if (*wish != "1" || !request_->route.has_body) {
    return bad_value(std::string(kReceiptField),
                     "is '1', on requests for chat or completions, or absent");
  }
  request_->receipt = true;
  return {};
}

// Everything that can be refused before a byte of the body is taken.
ApiStatus Connection::begin_request() {
  const RequestHead& head = request_->head;
  request_->route = TRY(match_route(head.method, head.path));
  const std::size_t bytes_max = request_->route.has_body ? host_.config().body_bytes_max : 0;
  if (head.framing == Framing::kLength && head.content_length > bytes_max)
    return too_large(bytes_max);
  if (head.framing == Framing::kChunked && bytes_max == 0) return too_large(bytes_max);
  TRY(read_receipt(head));
  if (request_->route.has_body) {
    if (!is_json(head.find("content-type"))) {
      return http_error(415, "The Content-Type of a request is application/json.");
    }
    TRY(host_.slot_available(request_->tenant));
  }
  body_ = BodyReader(head.framing, head.content_length, bytes_max);
  if (head.expects_continue && !body_.complete() && input_.empty())
    sending_ += "HTTP/1.1 100 Continue\r\n\r\n";
  enter(State::kBody, host_.config().body_timeout_ms);
  flush();
  return {};
}

ApiStatus Connection::read_body() {
  const std::size_t used = TRY(body_.feed(input_));
  input_.erase(0, used);
  const std::size_t grown = body_.size() - body_held_;
  if (grown > 0) {
    if (!host_.body_reserved(grown))
      return overloaded("Too many request bodies are being received at once.",
                        host_.retry_after_s());
    body_held_ += grown;
  }
  if (!body_.complete()) return {};
  request_->body = body_.take();
  enter(State::kWorking, 0);
  worker_done_ = false;
  Exchange::Request request = std::move(*request_);
  request_.reset();
  exchange_ = TRY(host_.start(std::move(request)));
  return {};
}

void Connection::release_body() {
  if (body_held_ > 0) host_.body_released(body_held_);
  body_held_ = 0;
}

void Connection::on_done(bool keep_alive) {
  if (state_ != State::kWorking) return;
  worker_done_ = true;
  keep_alive_ = keep_alive && !host_.draining();
  release_body();
  flush();
}

// The last byte of an answer is with the kernel.
void Connection::finish_response() {
  exchange_.reset();
  request_id_.clear();
  if (!keep_alive_) return linger();
  enter(State::kHead, kIdleTimeoutSeconds * 1'000);
  advance();  // what was sent ahead
  read_some();
}

void Connection::flush() {
  if (state_ == State::kClosed || state_ == State::kLinger || state_ == State::kHandshake) return;
  if (!write_pending()) return;
  // Everything there was is written.
  if (state_ == State::kFlush) return linger();
  if (state_ == State::kWorking && worker_done_) finish_response();
}

// True when nothing is left to write.
bool Connection::write_pending() {
  while (true) {
    if (sent_ == sending_.size()) {
      sent_ = 0;
      if (exchange_ != nullptr) {
        exchange_->take_output(sending_);
      } else {
        sending_.clear();
      }
      if (sending_.empty()) {
        write_deadline_ns_ = 0;
        return true;
      }
    }
    if (write_deadline_ns_ == 0) {
      write_deadline_ns_ =
          host_.clock().monotonic_ns() + host_.config().write_timeout_ms * kNsPerMs;
      write_progress_ = 0;
    }
    const TlsTransfer put = tls_.write(std::string_view(sending_).substr(sent_));
    if (put.outcome == TlsOutcome::kWantWrite) return false;
    if (put.outcome != TlsOutcome::kOk) {
      close(false);
      return false;
    }
    sent_ += put.bytes;
    write_progress_ += put.bytes;
    if (write_progress_ >= kWriteProgressBytes) write_deadline_ns_ = 0;
  }
}

// Whether a client that sends no more still reads can only be found out by sending.
void Connection::probe_half_closed() {
  const std::int64_t now = host_.clock().monotonic_ns();
  if (now < next_probe_ns_ || sent_ < sending_.size()) return;
  next_probe_ns_ = now + kProbeMs * kNsPerMs;
  if (!tls_.probe()) close(false);  // TLS 1.2 has no such question: take it as gone
}

void Connection::on_tick() {
  const std::int64_t now = host_.clock().monotonic_ns();
  if (write_deadline_ns_ != 0 && now >= write_deadline_ns_) return close(false);
  if (state_ == State::kWorking && half_closed_) return probe_half_closed();
  if (deadline_ns_ == 0 || now < deadline_ns_) return;
  const bool begun = state_ == State::kBody || (state_ == State::kHead && !input_.empty());
  if (begun) return refuse(request_timeout("The request took too long to arrive."));
  close(state_ == State::kHead);
}

// A newcomer may still ask and be told; who has been served already is not kept.
void Connection::on_drain() {
  const bool idle = state_ == State::kHandshake || (state_ == State::kHead && input_.empty());
  const bool newcomer =
      requests_ == 0 && host_.clock().monotonic_ns() - since_ns_ < kDrainNewcomerMs * kNsPerMs;
  if (idle && !newcomer) close(true);
}

// An answer of our own, after which the connection ends: what the client still sends is not worth
// reading.
void Connection::refuse(const ApiError& error) {
  if (request_id_.empty()) request_id_ = make_request_id();
  if (request_ && !request_->key_id.empty()) host_.refused(*request_, error);
  request_.reset();
  release_body();
  base::wipe(writable_bytes(input_));
  input_.clear();
  sending_ += serialize_error(error, request_id_, host_.clock().unix_seconds());
  enter(State::kFlush, host_.config().write_timeout_ms);
  flush();
}

// Closing with unread bytes would reset the connection under the answer: say goodbye, then throw
// away what comes.
void Connection::linger() {
  tls_.close_notify();
  ::shutdown(socket_.get(), SHUT_WR);
  enter(State::kLinger, kLingerMs);
  drain_lingering();
}

void Connection::drain_lingering() {
  std::array<char, kReadBytes> buffer;
  for (std::size_t turn = 0; turn < kReadsPerTurn; ++turn) {
    const ssize_t got = ::read(socket_.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return close(false);
    lingered_ += static_cast<std::size_t>(got);
    if (lingered_ > kLingerBytesMax) return close(false);
  }
}

void Connection::close(bool politely) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  if (politely) tls_.close_notify();
  if (exchange_ != nullptr && !worker_done_) host_.client_gone(*exchange_);
  exchange_.reset();
  request_.reset();
  release_body();
  sending_.clear();
  sent_ = 0;
}

}  // namespace daemon_gateway
