// The whole of redoubt with an engine that can be made to fail: a test executable, never installed.
// Its main() is production's but for one decorated decoder. A slice that holds the tokens 7 7 7 7 x
// makes the forward pass, for x =
//
//    8   read through a null pointer    10   sleep for ever    12   spin for ever
//    9   abort                          11   exit(0)
//
// and every other slice is computed as ever.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <optional>

#include "daemon/cli/command.h"
#include "daemon/engine/engine_hooks.h"

namespace {

enum class Fault : runtime::TokenId { kSegv = 8, kAbort = 9, kSleep = 10, kExit = 11, kSpin = 12 };

constexpr std::array<runtime::TokenId, 4> kSignal = {7, 7, 7, 7};

std::optional<Fault> find_fault(std::span<const runtime::TokenId> tokens) {
  auto at = tokens.begin();
  while (true) {
    at = std::search(at, tokens.end(), kSignal.begin(), kSignal.end());
    if (tokens.end() - at <= static_cast<std::ptrdiff_t>(kSignal.size())) return std::nullopt;
    const runtime::TokenId which = at[kSignal.size()];
    if (which >= 8 && which <= 12) return static_cast<Fault>(which);
    ++at;
  }
}

[[noreturn]] void spin() {
  std::atomic<unsigned> turns = 0;
  for (;;) turns.fetch_add(1, std::memory_order_relaxed);
}

[[noreturn]] void sleep_for_ever() {
  std::atomic<int> never = 0;
  for (;;) never.wait(0);  // a futex: what the sandbox allows
}

void commit(Fault fault) {
  switch (fault) {
    case Fault::kSegv:
      *static_cast<volatile int*>(nullptr) = 1;
      return;
    case Fault::kAbort:
      std::abort();
    case Fault::kSleep:
      sleep_for_ever();
    case Fault::kExit:
      ::_exit(0);
    case Fault::kSpin:
      spin();
  }
}

class FaultyDecoder final : public runtime::Decoder {
 public:
  explicit FaultyDecoder(runtime::Decoder& decoder) : decoder_(decoder) {}

  const runtime::DecoderShape& shape() const override { return decoder_.shape(); }
  base::Result<runtime::LogitRows> forward(
      std::span<const runtime::SequenceSlice> slices) override {
    for (const auto& slice : slices) {
      if (const auto fault = find_fault(slice.tokens)) commit(*fault);
    }
    return decoder_.forward(slices);
  }
  base::Status copy_block(std::int32_t from, std::int32_t to) override {
    return decoder_.copy_block(from, to);
  }
  std::size_t host_threads() const override { return decoder_.host_threads(); }

 protected:
  void run_on_host(std::size_t tasks, HostTask run, const void* context) override {
    decoder_.for_each_on_host(tasks, [run, context](std::size_t task) { run(context, task); });
  }

 private:
  runtime::Decoder& decoder_;
};

}  // namespace

int main(int argc, char** argv) {
  daemon_supervisor::RoleHooks hooks;
  hooks.engine.decorate_decoder =
      [](runtime::Decoder& decoder) -> std::unique_ptr<runtime::Decoder> {
    return std::make_unique<FaultyDecoder>(decoder);
  };
  return daemon_cli::run_command_line(argc, argv, hooks);
}
