// Any text either is refused or is a state of which every transition can be read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/store/activation.h"

namespace {

using provisioning::Activation;

void expect_readable(const Activation& activation) {
  const auto again = Activation::parse(activation.serialize());
  if (!again.ok() || again.value().serialize() != activation.serialize()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = Activation::parse(text);
  if (!parsed.ok()) {
    if (parsed.error().message.empty()) std::abort();
    return 0;
  }
  const Activation& start = parsed.value();
  expect_readable(start);
  for (int transition = 0; transition < 6; ++transition) {
    Activation next = start;
    if (transition == 0) next.propose(std::string(64, 'a'));
    if (transition == 1) next.start_trial(1);
    if (transition == 2) next.prove();
    if (transition == 3) next.fail(std::string(text), 1);
    if (transition == 4) next.fail_active(std::string(text), 1);
    if (transition == 5) (void)next.roll_back();
    expect_readable(next);
  }
  return 0;
}
