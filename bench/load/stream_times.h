// When the pieces of a streamed answer arrived, read off its server-sent events as they come.
#ifndef BENCH_LOAD_STREAM_TIMES_H_
#define BENCH_LOAD_STREAM_TIMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

class StreamTimes {
 public:
  // The next bytes of the body, and when they came. Lines that are no "data: {…}" are passed over.
  void feed(std::string_view bytes, std::int64_t now_ns);

  // One for each event that carried text.
  const std::vector<std::int64_t>& text_ns() const { return text_ns_; }
  bool finished() const { return finished_; }  // an event with a finish_reason, and [DONE], came
  // As the server says in "usage"; else what was asked for, where it stopped at the length; else
  // one for each event with text.
  std::size_t tokens(std::size_t asked) const;

 private:
  void take_line(std::string_view line, std::int64_t now_ns);

  std::string line_;
  std::vector<std::int64_t> text_ns_;
  std::string finish_reason_;
  std::size_t usage_tokens_ = 0;
  bool finished_ = false;
};

}  // namespace bench

#endif  // BENCH_LOAD_STREAM_TIMES_H_
