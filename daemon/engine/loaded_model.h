// From a signed model to an engine that computes: verify, read, plan, load.
#ifndef DAEMON_ENGINE_LOADED_MODEL_H_
#define DAEMON_ENGINE_LOADED_MODEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/engine/backend_choice.h"
#include "daemon/engine/engine_config.h"
#include "daemon/engine/engine_hooks.h"
#include "daemon/engine/timed_decoder.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"
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
  NameGpus name_gpus = {};  // empty: nobody wants to know
};

// Members in the order they depend on each other: destroyed from the last to the first.
struct LoadedModel {
  std::string digest;   // the release's id, or the root digest of a bare model; hex
  std::string release;  // the release's id: SHA-256 of its statement; empty: a bare model
  std::string signer;   // ids of the keys that signed it
  // What its tokens follow from, beside the model and the request: `kernels`, and how keys and
  // values are kept where that is not f16 ("avx2+kv-q8_0").
  std::string kernel_set;
  std::string file;  // the model's file, as the signed statement names it
  // What to qualify by, verified, not parsed: all of a release's where the configuration says
  // `qualify`, else the golden set alone where there are no known answers yet.
  std::optional<base::VerifiedFile> golden;
  std::vector<base::VerifiedFile> evaluations;
  std::int64_t issued = 0;  // of the release, unix seconds; of a bare model: when it was imported
  std::unique_ptr<runtime::Tokenizer> tokenizer;
  std::unique_ptr<runtime::ChatTemplate> chat_template;  // null when the model has none
  std::unique_ptr<kernels::Ops> ops;
  std::vector<std::unique_ptr<kernels::Ops>> more_ops;  // of the stages after the first
  BackendChoice backend;
  std::string kernels;  // the kernel set (kernels::Ops::name)
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

  // `files` is what the configuration's `source` says. Nothing of it is read before the signatures
  // were verified. `former_weights` are tried first, when there are any; should they be of another
  // file, or not sealed, or in another layout, the model is loaded from its file, and `note` says
  // why. What computes is decided here, too (backend_choice.h). kDenied: somebody we trust did not
  // sign this, or not for what is configured.
  static base::Result<LoadedModel> load(base::Fd files, base::Fd former_weights,
                                        const LoadContext& context);
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_LOADED_MODEL_H_
