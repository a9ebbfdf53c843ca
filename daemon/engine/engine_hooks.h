// Where a test executable reaches into the engine: faults that production has no switch for. Production's
// main() passes none of them, and nothing from outside (no flag, no file, no environment) can set one.
#ifndef DAEMON_ENGINE_ENGINE_HOOKS_H_
#define DAEMON_ENGINE_ENGINE_HOOKS_H_

#include <memory>

#include "runtime/model/decoder.h"

namespace daemon_engine {

struct EngineHooks {
  // What computes instead of the model's decoder, which it borrows. Null: the model's own.
  std::unique_ptr<runtime::Decoder> (*decorate_decoder)(runtime::Decoder& decoder) = nullptr;
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_ENGINE_HOOKS_H_
