#include "daemon/cli/event_stream.h"

namespace daemon_cli {

base::Status EventStream::take_line(std::string_view line, const OnEvent& on_event) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  constexpr std::string_view kData = "data:";
  if (!line.starts_with(kData)) return {};
  line.remove_prefix(kData.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (line == "[DONE]") {
    done_ = true;
    return {};
  }
  return on_event(TRY(base::Json::parse(line).context("an event of the answer")));
}

base::Status EventStream::feed(std::string_view bytes, const OnEvent& on_event) {
  buffer_ += bytes;
  std::size_t start = 0;
  for (std::size_t end = 0; (end = buffer_.find('\n', start)) != buffer_.npos; start = end + 1) {
    TRY(take_line(std::string_view(buffer_).substr(start, end - start), on_event));
  }
  buffer_.erase(0, start);
  if (buffer_.size() > kLineBytesMax) return base::exhausted("an event of the answer is too long");
  return {};
}

}  // namespace daemon_cli
