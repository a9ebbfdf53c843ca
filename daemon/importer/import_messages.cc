#include "daemon/importer/import_messages.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "hardening/base/byte_reader.h"

namespace daemon_importer {
namespace {

using base::ByteReader;
using base::ByteWriter;
using base::Result;

enum Type : std::uint8_t { kStarted = 1, kProgress = 2, kResult = 3 };

constexpr std::size_t kDigestDigits = 64;
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kVersionBytesMax = 64;

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_digest(std::string_view text) {
  return text.size() == kDigestDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Printable ASCII: what is not is shown as '?', here and not at the reader's.
void write_text(ByteWriter& out, std::string_view text, std::size_t bytes_max) {
  std::string shown(text.substr(0, bytes_max));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  out.write_string<std::uint16_t>(shown);
}

Result<std::string> read_text(ByteReader& in, std::string_view what, std::size_t bytes_max) {
  const auto text = TRY(in.read_string<std::uint16_t>(what, bytes_max));
  if (!is_printable(text)) return base::invalid_input(fmt::format("{}: not printable ASCII", what));
  return std::string(text);
}

Result<std::string> read_digest(ByteReader& in, std::string_view what) {
  auto text = TRY(read_text(in, what, kDigestDigits));
  if (!is_digest(text)) return base::invalid_input(fmt::format("{}: not a digest", what));
  return text;
}

Result<bool> read_bool(ByteReader& in, std::string_view what) {
  const auto value = TRY(in.read<std::uint8_t>(what));
  if (value > 1) return base::invalid_input(fmt::format("{}: neither 0 nor 1", what));
  return value == 1;
}

Result<std::size_t> read_count(ByteReader& in, std::string_view what, std::size_t count_max) {
  const auto count = TRY(in.read<std::uint8_t>(what));
  if (count > count_max)
    return base::invalid_input(fmt::format("{}: {}, limit {}", what, count, count_max));
  return std::size_t{count};
}

void write(ByteWriter& out, const Started& message) {
  out.write<std::uint8_t>(kStarted);
  write_text(out, message.id, kDigestDigits);
  out.write(message.bytes);
}

void write(ByteWriter& out, const Progress& message) {
  out.write<std::uint8_t>(kProgress);
  out.write(message.done);
  out.write(message.total);
  write_text(out, message.what, kWhatBytesMax);
}

void write(ByteWriter& out, const ImportResult& message) {
  out.write<std::uint8_t>(kResult);
  out.write(static_cast<std::uint8_t>(message.verdict));
  out.write<std::uint8_t>(message.bare ? 1 : 0);
  out.write<std::uint8_t>(message.resumed ? 1 : 0);
  write_text(out, message.error, kErrorBytesMax);
  write_text(out, message.name, kNameBytesMax);
  out.write(message.sequence);
  write_text(out, message.version, kVersionBytesMax);
  const std::size_t signers = std::min(message.signers.size(), kSignersMax);
  out.write(static_cast<std::uint8_t>(signers));
  for (std::size_t i = 0; i < signers; ++i) write_text(out, message.signers[i], kDigestDigits);
  const std::size_t warnings = std::min(message.warnings.size(), kWarningsMax);
  out.write(static_cast<std::uint8_t>(warnings));
  for (std::size_t i = 0; i < warnings; ++i) write_text(out, message.warnings[i], kWarningBytesMax);
}

Result<ImportMessage> read_started(ByteReader& in) {
  Started message;
  message.id = TRY(read_digest(in, "started: id"));
  message.bytes = TRY(in.read<std::uint64_t>("started: bytes"));
  return ImportMessage(std::move(message));
}

Result<ImportMessage> read_progress(ByteReader& in) {
  Progress message;
  message.done = TRY(in.read<std::uint64_t>("progress: done"));
  message.total = TRY(in.read<std::uint64_t>("progress: total"));
  message.what = TRY(read_text(in, "progress: what", kWhatBytesMax));
  return ImportMessage(std::move(message));
}

Result<ImportMessage> read_result(ByteReader& in) {
  ImportResult message;
  const auto verdict = TRY(in.read<std::uint8_t>("result: verdict"));
  if (verdict > static_cast<std::uint8_t>(Verdict::kSpace))
    return base::invalid_input("result: no such verdict");
  message.verdict = static_cast<Verdict>(verdict);
  message.bare = TRY(read_bool(in, "result: bare"));
  message.resumed = TRY(read_bool(in, "result: resumed"));
  message.error = TRY(read_text(in, "result: error", kErrorBytesMax));
  message.name = TRY(read_text(in, "result: name", kNameBytesMax));
  message.sequence = TRY(in.read<std::uint64_t>("result: sequence"));
  message.version = TRY(read_text(in, "result: version", kVersionBytesMax));
  const std::size_t signers = TRY(read_count(in, "result: signers", kSignersMax));
  for (std::size_t i = 0; i < signers; ++i)
    message.signers.push_back(TRY(read_digest(in, "result: signer")));
  const std::size_t warnings = TRY(read_count(in, "result: warnings", kWarningsMax));
  for (std::size_t i = 0; i < warnings; ++i) {
    message.warnings.push_back(TRY(read_text(in, "result: warning", kWarningBytesMax)));
  }
  return ImportMessage(std::move(message));
}

Result<ImportMessage> read_message(ByteReader& in) {
  switch (TRY(in.read<std::uint8_t>("type"))) {
    case kStarted:
      return read_started(in);
    case kProgress:
      return read_progress(in);
    case kResult:
      return read_result(in);
    default:
      return base::invalid_input("an importer sends no such message");
  }
}

}  // namespace

std::vector<std::byte> serialize(const ImportMessage& message) {
  ByteWriter out;
  std::visit([&](const auto& value) { write(out, value); }, message);
  return std::move(out).release();
}

Result<ImportMessage> parse(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  auto message = TRY(read_message(in));
  TRY(in.expect_end("message"));
  return message;
}

base::Status send(const base::Fd& channel, const ImportMessage& message) {
  auto bytes = serialize(message);
  iovec payload{bytes.data(), bytes.size()};
  msghdr header{};
  header.msg_iov = &payload;
  header.msg_iovlen = 1;
  while (::sendmsg(channel.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
      return base::unavailable("nobody reads the channel");
    if (errno != EINTR) return base::io_error(errno, "send");
  }
  return {};
}

Result<std::optional<ImportMessage>> receive(const base::Fd& channel) {
  std::vector<std::byte> bytes(kMessageBytesMax);
  ssize_t got = -1;
  do {
    got = ::recv(channel.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_TRUNC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS))
    return std::optional<ImportMessage>();
  if (got < 0 && errno != ECONNRESET) return base::io_error(errno, "receive");
  if (got <= 0) return base::io_error(EPIPE, "receive");
  const auto count = static_cast<std::size_t>(got);
  if (count > bytes.size())
    return base::invalid_input(fmt::format("message: longer than {} bytes", kMessageBytesMax));
  return std::optional<ImportMessage>(TRY(parse(std::span(bytes).first(count))));
}

}  // namespace daemon_importer
