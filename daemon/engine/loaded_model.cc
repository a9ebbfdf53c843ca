#include "daemon/engine/loaded_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "daemon/engine/backend.h"
#include "daemon/engine/evaluation_set.h"
#include "daemon/engine/set_fields.h"
#include "hardening/base/clock.h"
#include "hardening/base/hex.h"
#include "provisioning/store/model_trust.h"
#include "provisioning/store/trusted_model.h"
#include "runtime/model/model_file.h"
#include "runtime/model/packed_model.h"

namespace daemon_engine {
namespace {

using base::Result;
using base::Status;

constexpr std::string_view kModelSuffix = ".gguf";
constexpr std::string_view kPlainKvFormat = "f16";

Result<std::vector<provisioning::PublicKey>> parse_keys(const std::vector<std::string>& pems) {
  std::vector<provisioning::PublicKey> keys;
  for (const std::string& pem : pems) {
    keys.push_back(TRY(provisioning::PublicKey::parse_pem(pem).context("trusted key")));
  }
  return keys;
}

// A bare model in the store: by the trust root where there is one. Certificates were judged when
// the model was imported, and do not run out under a model that runs.
Result<provisioning::TrustedModel> open_bare(base::Fd objects, const EngineConfig& config) {
  if (config.trust_root_text.empty()) {
    const auto keys = TRY(parse_keys(config.trusted_keys_pem));
    return provisioning::TrustedModel::open_bare(std::move(objects), config.signature_text, keys);
  }
  const auto root =
      TRY(provisioning::read_trust_root(config.trust_root_text).context("trust root"));
  if (!root.model.bare)
    return base::denied("the trust root does not take models without a release");
  const auto trust =
      TRY(provisioning::ModelSignatureTrust::create(root, std::max(config.created, root.issued)));
  return provisioning::TrustedModel::open_bare(std::move(objects), config.signature_text,
                                               trust.trust());
}

Result<provisioning::TrustedModel> open_model(base::Fd files, const EngineConfig& config) {
  if (config.source == "release") {
    const auto root =
        TRY(provisioning::read_trust_root(config.trust_root_text).context("trust root"));
    return provisioning::TrustedModel::open_release(std::move(files), config.release_text, root);
  }
  if (config.source == "bare") return open_bare(std::move(files), config);
  const auto keys = TRY(parse_keys(config.trusted_keys_pem));
  if (config.signature_text.empty())
    return provisioning::TrustedModel::open_directory(std::move(files), keys);
  return provisioning::TrustedModel::open_directory(std::move(files), config.signature_text, keys);
}

// The file the configuration names, or the only one of its kind.
Result<std::string> choose_file(const provisioning::TrustedModel& model,
                                const std::string& configured) {
  if (!configured.empty()) return configured;
  std::string found;
  for (std::string& name : model.model_files()) {
    if (!name.ends_with(kModelSuffix)) continue;
    if (!found.empty())
      return base::invalid_input("the bundle has several *.gguf files: set engine.model_file");
    found = std::move(name);
  }
  if (found.empty()) return base::invalid_input("the bundle has no *.gguf file");
  return found;
}

// Ids of the first few signers, for people.
std::string name_signers(const std::vector<std::string>& ids) {
  constexpr std::size_t kNamedMax = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(ids.size(), kNamedMax); ++i)
    text += (i > 0 ? ", " : "") + ids[i];
  if (ids.size() > kNamedMax) text += fmt::format(" and {} more", ids.size() - kNamedMax);
  return text;
}

unsigned verify_threads(const EngineConfig& config) {
  return static_cast<unsigned>(config.threads != 0 ? config.threads : available_threads());
}

// A golden or an evaluation set, into memory: its parser runs behind the sandbox's door.
Result<base::VerifiedFile> read_set(const provisioning::TrustedModel& bundle,
                                    const std::string& name, const EngineConfig& config) {
  const provisioning::ReleaseFile* file = bundle.release()->find(name);
  if (file == nullptr) return base::invalid_input(name + " is not in the release");
  if (file->size > kSetBytesMax) {
    return base::exhausted(
        fmt::format("{} has {} bytes, limit {}", name, file->size, kSetBytesMax));
  }
  return bundle.read(name, verify_threads(config));
}

Status read_sets(const provisioning::TrustedModel& bundle, const EngineConfig& config,
                 LoadedModel& model) {
  const provisioning::Release* release = bundle.release();
  if (release == nullptr || (!config.qualify && !config.known_answers.empty())) return {};
  if (!release->golden.empty()) model.golden = TRY(read_set(bundle, release->golden, config));
  if (!config.qualify) return {};
  if (release->evaluations.size() > kEvaluationsMax) {
    return base::exhausted(fmt::format("the release has {} evaluation sets, limit {}",
                                       release->evaluations.size(), kEvaluationsMax));
  }
  for (const std::string& name : release->evaluations) {
    model.evaluations.push_back(TRY(read_set(bundle, name, config)));
  }
  return {};
}

// Milliseconds since it was last asked.
class Laps {
 public:
  explicit Laps(const base::Clock& clock) : clock_(clock), last_ns_(clock.monotonic_ns()) {}

  std::int64_t next_ms() {
    const std::int64_t now_ns = clock_.monotonic_ns();
    return (now_ns - std::exchange(last_ns_, now_ns)) / 1'000'000;
  }

 private:
  const base::Clock& clock_;
  std::int64_t last_ns_;
};

// Makes a tokenizer on a thread of its own: it takes as long as much of the loading.
class TokenizerMaker {
 public:
  TokenizerMaker(runtime::Vocabulary vocabulary, const base::Clock& clock)
      : thread_([this, &clock, vocabulary = std::move(vocabulary)]() mutable {
          Laps laps(clock);
          result_ = runtime::Tokenizer::create(std::move(vocabulary));
          took_ms_ = laps.next_ms();
        }) {}
  ~TokenizerMaker() {
    if (thread_.joinable()) thread_.join();
  }
  TokenizerMaker(const TokenizerMaker&) = delete;
  TokenizerMaker& operator=(const TokenizerMaker&) = delete;

  // Waits for it. Once.
  Result<std::unique_ptr<runtime::Tokenizer>> take(std::int64_t& took_ms) {
    thread_.join();
    took_ms = took_ms_;
    return std::move(*result_);
  }

 private:
  std::optional<Result<std::unique_ptr<runtime::Tokenizer>>> result_;
  std::int64_t took_ms_ = 0;
  std::thread thread_;  // the last: it uses what is above
};

void name_gpus(const LoadContext& context, const BackendChoice& choice) {
  if (context.name_gpus) context.name_gpus(choice.uuids());
}

// One attempt to make an engine of a model that is signed: of its file, or of what a former engine
// made of it.
class Loading {
 public:
  // `choice` is what to compute on; it may fall back on the way.
  Loading(const provisioning::TrustedModel& bundle, const std::string& name,
          const LoadContext& context, BackendChoice& choice)
      : bundle_(bundle), name_(name), context_(context), choice_(choice), laps_(context.clock) {
    model_.digest = bundle.digest();
    if (bundle.release() != nullptr) model_.release = bundle.digest();
    model_.signer = name_signers(bundle.signers());
    model_.file = name;
    model_.issued = bundle.release() != nullptr ? bundle.release()->issued : context.config.created;
  }

  Result<LoadedModel> from_weights(base::Fd former) {
    auto weights = TRY(bundle_.inherit(name_, std::move(former)));
    TRY(weights.take_descriptor().close());  // the supervisor has its own, and the mapping stays
    model_.adopted = true;
    model_.times.verify_ms = laps_.next_ms();
    const auto packed = TRY(runtime::PackedModel::parse(weights.bytes()));
    TRY(prepare(packed.file(), TRY(runtime::read_model_file(packed.file()))));
    if (choice_.kind == BackendKind::kCuda)
      return base::unsupported("a GPU computes, with weights of its own");
    model_.decoder =
        TRY(runtime::Transformer::load(std::move(weights), *model_.ops, transformer_options()));
    return finish();
  }

  Result<LoadedModel> from_file() {
    base::VerifiedFile file =
        TRY(bundle_.read(name_, verify_threads(context_.config), reporter("verifying the model")));
    model_.times.verify_ms = laps_.next_ms();
    TRY(prepare(TRY(runtime::GgufFile::parse(file.bytes())),
                TRY(runtime::read_model_file(file.bytes()))));
    TRY(keep_weights(file));
    if (model_.decoder == nullptr) {
      model_.decoder =
          TRY(runtime::Transformer::load(std::move(file), devices_, transformer_options()));
    }
    return finish();
  }

 private:
  provisioning::FileVerifier::Progress reporter(std::string_view what) const {
    return [&progress = context_.progress, what](std::uint64_t done, std::uint64_t total) {
      progress(done, total, what);
    };
  }

  runtime::TransformerOptions transformer_options() const {
    runtime::TransformerOptions options;
    options.memory = request_;
    options.progress = reporter("loading the weights");
    options.progress_counter = context_.page != nullptr ? &context_.page->counter() : nullptr;
    return options;
  }

  Status prepare(const runtime::GgufFile& file, runtime::ModelFile parts) {
    Backend backend =
        TRY(make_backend(file, context_.config, context_.hooks, choice_, context_.name_gpus));
    name_gpus(context_, choice_);
    request_ = backend.request;
    devices_ = backend.devices();
    model_.ops = std::move(backend.ops.front());
    for (std::size_t i = 1; i < backend.ops.size(); ++i)
      model_.more_ops.push_back(std::move(backend.ops[i]));
    if (!parts.chat_template.empty()) {
      model_.chat_template =
          TRY(runtime::ChatTemplate::parse(parts.chat_template).context("chat template"));
    }
    tokenizer_.emplace(std::move(parts.vocabulary), context_.clock);
    model_.times.read_ms = laps_.next_ms();
    return {};
  }

  // Makes a decoder whose weights outlive this process; none, with a note, where there is no memory
  // for that.
  Status keep_weights(base::VerifiedFile& file) {
    const std::string& keep = context_.config.keep_weights;
    if (keep == "never" || devices_.size() > 1 || model_.ops->packed_layout() == 0) return {};
    const runtime::TransformerOptions options = transformer_options();
    auto packed = runtime::pack_model(
        file, *model_.ops,
        {.memory = options.memory, .small_pages = keep == "always", .progress = options.progress});
    if (!packed.ok() && packed.error().code == base::ErrorCode::kUnavailable) {
      model_.note = "the next engine will read the model again: " + packed.error().message;
      return {};
    }
    base::VerifiedWeights weights = TRY(std::move(packed));
    if (weights.small_page_bytes() > 0) {
      model_.note =
          fmt::format("{} of {} MiB of weights are on small pages: decoding is slower for it",
                      weights.small_page_bytes() >> 20, weights.memory_bytes() >> 20);
    }
    model_.kept.bytes = weights.memory_bytes();
    model_.kept.key = fmt::format("sha256 {} layout {}", base::to_hex(weights.file_sha256()),
                                  model_.ops->packed_layout());
    model_.kept.memory = weights.take_descriptor();
    model_.decoder = TRY(runtime::Transformer::load(std::move(weights), *model_.ops, options));
    return {};
  }

  Result<LoadedModel> finish() {
    model_.times.weights_ms = laps_.next_ms();
    model_.tokenizer = TRY(tokenizer_->take(model_.times.tokenizer_ms).context("tokenizer"));
    const EngineConfig& config = context_.config;
    const runtime::EngineOptions engine{.sequences_max = config.sequences_max,
                                        .queue_max = config.queue_max,
                                        .step_tokens_max = config.step_tokens_max,
                                        .prefix_cache = config.prefix_cache,
                                        .clock = &context_.clock};
    const auto decorate = context_.hooks.decorate_decoder;
    if (decorate != nullptr) model_.decorated = decorate(*model_.decoder);
    runtime::Decoder& decoder = model_.decorated ? *model_.decorated : *model_.decoder;
    model_.timed_decoder = std::make_unique<TimedDecoder>(decoder, context_.clock, context_.page);
    model_.engine = TRY(runtime::Engine::create(engine, *model_.timed_decoder, *model_.tokenizer));
    model_.backend = choice_;
    model_.kernels = model_.ops->name();
    model_.kernel_set = model_.kernels;
    if (config.kv_format != kPlainKvFormat) model_.kernel_set += "+kv-" + config.kv_format;
    model_.times.engine_ms = laps_.next_ms();
    return std::move(model_);
  }

  const provisioning::TrustedModel& bundle_;
  const std::string& name_;
  const LoadContext& context_;
  BackendChoice& choice_;
  Laps laps_;
  runtime::MemoryRequest request_;
  std::vector<runtime::StageDevice> devices_;
  LoadedModel model_;
  std::optional<TokenizerMaker> tokenizer_;
};

std::span<const std::string> permitted_backends(const provisioning::TrustedModel& bundle) {
  if (bundle.release() == nullptr) return {};
  return bundle.release()->backends;
}

// From the file; once more where a GPU was to compute and turns out not to know the model's formats
// or shapes, or to have less memory than it said.
Result<LoadedModel> load_file(const provisioning::TrustedModel& bundle, const std::string& name,
                              const LoadContext& context, BackendChoice& choice) {
  auto loaded = Loading(bundle, name, context, choice).from_file().context(name);
  if (loaded.ok() || choice.kind != BackendKind::kCuda || !choice.may_fall_back) return loaded;
  const base::ErrorCode code = loaded.error().code;
  if (code != base::ErrorCode::kUnsupported && code != base::ErrorCode::kExhausted) return loaded;
  choice.fall_back(loaded.error().message);
  name_gpus(context, choice);
  return Loading(bundle, name, context, choice).from_file().context(name);
}

Result<LoadedModel> load_weights(const provisioning::TrustedModel& bundle, const std::string& name,
                                 base::Fd former_weights, const LoadContext& context) {
  BackendChoice choice = TRY(choose_backend(context.config, permitted_backends(bundle),
                                            find_gpus(context.config, context.hooks)));
  std::string note;
  if (former_weights.is_open()) {
    auto adopted = Loading(bundle, name, context, choice).from_weights(std::move(former_weights));
    if (adopted.ok()) return adopted;
    note = "the former engine's weights are not used: " + adopted.error().message;
  }
  LoadedModel model = TRY(load_file(bundle, name, context, choice));
  if (!note.empty()) model.note = model.note.empty() ? note : note + "; " + model.note;
  return model;
}

}  // namespace

Result<LoadedModel> LoadedModel::load(base::Fd files, base::Fd former_weights,
                                      const LoadContext& context) {
  const auto bundle = TRY(open_model(std::move(files), context.config));
  const std::string& expected = context.config.model_digest;
  if (!expected.empty() && bundle.digest() != expected) {
    return base::denied(
        fmt::format("this is model {}, and {} is to be served: the store was changed",
                    bundle.digest(), expected));
  }
  const std::string name = TRY(choose_file(bundle, context.config.model_file));
  auto model = load_weights(bundle, name, std::move(former_weights), context);
  if (model.ok()) TRY(read_sets(bundle, context.config, model.value()));
  return model;
}

}  // namespace daemon_engine
