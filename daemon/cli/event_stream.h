// Server-sent events of a streamed answer (the data lines of the WHATWG event stream format) as
// they arrive.
#ifndef DAEMON_CLI_EVENT_STREAM_H_
#define DAEMON_CLI_EVENT_STREAM_H_

#include <functional>
#include <string>
#include <string_view>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_cli {

class EventStream {
 public:
  static constexpr std::size_t kLineBytesMax = 1 << 20;

  using OnEvent = std::function<base::Status(const base::Json& event)>;

  // Calls on_event for each complete "data: {…}" line; comments and other fields are passed over.
  base::Status feed(std::string_view bytes, const OnEvent& on_event);

  bool done() const { return done_; }  // "data: [DONE]" was seen

 private:
  base::Status take_line(std::string_view line, const OnEvent& on_event);

  std::string buffer_;
  bool done_ = false;
};

}  // namespace daemon_cli

#endif  // DAEMON_CLI_EVENT_STREAM_H_
