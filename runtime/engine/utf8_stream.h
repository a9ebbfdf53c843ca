// Bytes in pieces to well-formed UTF-8 in pieces.
//
// A byte that is no part of a character becomes U+FFFD; the beginning of a character waits for its
// end. Put together, what comes out depends on the bytes alone, not on where they were cut.
#ifndef RUNTIME_ENGINE_UTF8_STREAM_H_
#define RUNTIME_ENGINE_UTF8_STREAM_H_

#include <string>
#include <string_view>

namespace runtime {

class Utf8Stream {
 public:
  // Appends to `out` the characters that are now complete.
  void push(std::string_view bytes, std::string& out);
  // Appends what still waits, as U+FFFD. Ready for a new text afterwards.
  void flush(std::string& out);

 private:
  std::string waiting_;  // at most 3 bytes between calls
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_UTF8_STREAM_H_
