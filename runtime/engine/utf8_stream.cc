#include "runtime/engine/utf8_stream.h"

#include "hardening/base/utf8.h"

namespace runtime {
namespace {

void append_well_formed(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const base::Utf8Char next = base::decode_utf8(bytes);
    if (next.valid) {
      out.append(bytes.substr(0, next.bytes));
    } else {
      base::append_utf8(out, next.code_point);
    }
    bytes.remove_prefix(next.bytes);
  }
}

}  // namespace

void Utf8Stream::push(std::string_view bytes, std::string& out) {
  waiting_.append(bytes);
  const std::size_t ready = waiting_.size() - base::incomplete_utf8_suffix(waiting_);
  append_well_formed(std::string_view(waiting_).substr(0, ready), out);
  waiting_.erase(0, ready);
}

void Utf8Stream::flush(std::string& out) {
  append_well_formed(waiting_, out);
  waiting_.clear();
}

}  // namespace runtime
