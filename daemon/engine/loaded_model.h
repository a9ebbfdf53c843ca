// From a signed directory to an engine that computes: verify, read, plan, load.
#ifndef DAEMON_ENGINE_LOADED_MODEL_H_
#define DAEMON_ENGINE_LOADED_MODEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/engine/engine_config.h"
#include "daemon/engine/engine_hooks.h"
#include "daemon/engine/timed_decoder.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "kernels/ops.h"
#include "runtime/chat_template/chat_template.h"
#include "runtime/engine/engine.h"
#include "runtime/model/transformer.h"
#include "runtime/tokenizer/tokenizer.h"

namespace daemon_engine {

using LoadReporter =
    std::function<void(std::uint64_t done, std::uint64_t total, std::string_view what)>;

// What loading uses. All but the reporter and the configuration outlive the model.
struct LoadContext {
  const EngineConfig& config;
  const base::Clock& clock;
  const LoadReporter& progress;
  daemon_progress::ProgressWriter* page = nullptr;  // null: none
  const EngineHooks& hooks;
};

// Members in the order they depend on each other: destroyed from the last to the first.
struct LoadedModel {
  std::string digest;  // root digest of the signed directory, hex
  std::string signer;  // hint of the key that signed it
  std::unique_ptr<runtime::Tokenizer> tokenizer;
  std::unique_ptr<runtime::ChatTemplate> chat_template;  // null when the model has none
  std::unique_ptr<kernels::Ops> ops;
  std::unique_ptr<runtime::Transformer> decoder;
  std::unique_ptr<runtime::Decoder> decorated;  // null without a hook
  std::unique_ptr<TimedDecoder> timed_decoder;  // what the engine calls
  std::unique_ptr<runtime::Engine> engine;

  // What loading took, phase by phase; the tokenizer is made while the weights are loaded.
  struct Times {
    std::int64_t verify_ms = 0;
    std::int64_t read_ms = 0;
    std::int64_t tokenizer_ms = 0;
    std::int64_t weights_ms = 0;
    std::int64_t engine_ms = 0;
  };
  Times times;

  // Whether the weights are a former engine's: then no byte of the model's file was read.
  bool adopted = false;
  // Weights that were made here and can outlive this process, for the engine after it.
  struct Kept {
    base::Fd memory;  // sealed; empty when there are none
    std::uint64_t bytes = 0;
    std::string key;  // the file's digest and the layout: equal keys, equal contents
  };
  Kept kept;
  std::string
      note;  // why weights were not adopted, or are not kept; empty when nothing is to be said

  // Nothing of the directory is read before its signature was verified with one of the configured
  // keys. `former_weights` are tried first, when there are any; should they be of another file, or
  // not sealed, or in another layout, the model is loaded from the directory, and `note` says why.
  static base::Result<LoadedModel> load(base::Fd directory, base::Fd former_weights,
                                        const LoadContext& context);
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_LOADED_MODEL_H_
