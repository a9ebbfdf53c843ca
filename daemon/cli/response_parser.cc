#include "daemon/cli/response_parser.h"

#include <algorithm>
#include <charconv>

namespace daemon_cli {
namespace {

constexpr std::uint64_t kLengthMax = std::uint64_t{1} << 40;

base::Error malformed(std::string_view what) {
  return base::invalid_input("the server's answer is malformed: " + std::string(what));
}

bool parse_number(std::string_view text, int radix, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, radix);
  return !text.empty() && error == std::errc() && end == text.data() + text.size() &&
         number <= kLengthMax;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

base::Result<bool> ResponseParser::take_line(std::size_t bytes_max) {
  const auto end = buffer_.find("\r\n");
  // Without an end there may still be one, right after what is allowed and half of the line end.
  const bool too_long = end == std::string::npos ? buffer_.size() > bytes_max + 1 : end > bytes_max;
  if (too_long) return malformed("a line is too long");
  if (end == std::string::npos) return false;
  line_ = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return true;
}

base::Status ResponseParser::parse_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == line.npos) return malformed("a header line without ':'");
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  if (name == "transfer-encoding") {
    if (lower(value) != "chunked") return malformed("a transfer encoding other than chunked");
    chunked_ = true;
  } else if (name == "content-length") {
    if (counted_ || !parse_number(value, 10, remaining_)) return malformed("Content-Length");
    counted_ = true;
  }
  return {};
}

base::Status ResponseParser::parse_header() {
  while (state_ == State::kHeader && TRY(take_line(kHeaderLineBytesMax))) {
    const std::string_view line = line_;
    if (++header_lines_ > kHeaderLinesMax) return malformed("too many header lines");
    if (status_ == 0) {
      std::uint64_t code = 0;
      if (!line.starts_with("HTTP/1.1 ") || !parse_number(line.substr(9, 3), 10, code) ||
          code < 100) {
        return malformed("the status line");
      }
      status_ = static_cast<int>(code);
    } else if (!line.empty()) {
      TRY(parse_field(line));
    } else if (chunked_ && counted_) {
      return malformed("two lengths");
    } else if (chunked_) {
      state_ = State::kChunkSize;
    } else if (counted_) {
      state_ = remaining_ > 0 ? State::kCounted : State::kComplete;
    } else {
      state_ = State::kUntilEnd;
    }
  }
  return {};
}

base::Status ResponseParser::parse_chunk_size(std::string_view line) {
  if (!parse_number(line.substr(0, line.find(';')), 16, remaining_))
    return malformed("a chunk's size");
  state_ = remaining_ > 0 ? State::kChunk : State::kTrailer;
  return {};
}

base::Status ResponseParser::step(std::string& body, bool& moved) {
  const std::size_t before = buffer_.size();
  const State state_before = state_;
  switch (state_) {
    case State::kHeader:
      TRY(parse_header());
      break;
    case State::kChunkSize:
      if (TRY(take_line(kChunkLineBytesMax))) TRY(parse_chunk_size(line_));
      break;
    case State::kChunkEnd:
      if (!TRY(take_line(kChunkLineBytesMax))) break;
      if (!line_.empty()) return malformed("the end of a chunk");
      state_ = State::kChunkSize;
      break;
    case State::kTrailer:
      if (TRY(take_line(kChunkLineBytesMax)) && line_.empty()) state_ = State::kComplete;
      break;
    case State::kCounted:
    case State::kChunk: {
      const auto part =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, buffer_.size()));
      body.append(buffer_, 0, part);
      buffer_.erase(0, part);
      remaining_ -= part;
      if (remaining_ == 0) state_ = state_ == State::kChunk ? State::kChunkEnd : State::kComplete;
      break;
    }
    case State::kUntilEnd:
      body += buffer_;
      buffer_.clear();
      break;
    case State::kComplete:
      if (!buffer_.empty()) return malformed("bytes after the end");
      break;
  }
  moved = buffer_.size() != before || state_ != state_before;
  return {};
}

base::Status ResponseParser::feed(std::string_view bytes, std::string& body) {
  buffer_ += bytes;
  for (bool moved = true; moved;) TRY(step(body, moved));
  return {};
}

base::Status ResponseParser::finish() const {
  if (state_ == State::kComplete || state_ == State::kUntilEnd) return {};
  return base::unavailable("the connection ended before the answer did");
}

}  // namespace daemon_cli
