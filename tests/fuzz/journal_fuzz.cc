// A journal as anybody may have left it: nothing is believed before it is bounded, and what is
// accepted is exactly what would be written.
//
// The input is a row of frames whose checks are put right first, so that what lies behind them is
// reached; one that does not begin so is read as it is.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "daemon/audit/log/journal_format.h"

namespace {

using daemon_audit::FrameCheck;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_frame(const daemon_audit::FrameView& frame, const FrameCheck& before,
                 std::string_view bytes) {
  std::string again;
  FrameCheck chain = before;
  if (frame.kind == daemon_audit::FrameKind::kState) {
    const auto state = daemon_audit::parse_state(frame.payload);
    if (!state.ok()) return;
    append_state_frame(again, chain, state.value());
  } else {
    const auto batch = daemon_audit::parse_batch(frame.payload);
    if (!batch.ok()) return;
    append_batch_frame(again, chain, batch.value());
  }
  require(again == bytes.substr(0, frame.frame_bytes));
}

void read_all(std::string_view bytes) {
  FrameCheck chain{};
  while (!bytes.empty()) {
    const FrameCheck before = chain;
    const auto frame = daemon_audit::read_frame(bytes, chain);
    if (!frame.ok()) {
      require(chain == before);
      return;
    }
    check_frame(frame.value(), before, bytes);
    bytes.remove_prefix(frame.value().frame_bytes);
  }
}

// The whole frames that the input begins with.
std::string with_right_checks(std::string_view bytes) {
  std::size_t whole = 0;
  for (;;) {
    const auto frame = daemon_audit::frame_bytes(bytes.substr(whole));
    if (!frame.ok() || frame.value() > bytes.size() - whole) break;
    whole += frame.value();
  }
  std::string frames(bytes.substr(0, whole));
  FrameCheck chain{};
  daemon_audit::rechain_frames(frames, chain);
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_all(bytes);
  read_all(with_right_checks(bytes));
  if (const auto first = daemon_audit::parse_journal_name(bytes)) {
    require(daemon_audit::journal_name(*first) == bytes);
  }
  return 0;
}
