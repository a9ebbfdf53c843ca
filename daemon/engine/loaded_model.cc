#include "daemon/engine/loaded_model.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "hardening/base/clock.h"
#include "hardening/base/hex.h"
#include "provisioning/model_directory.h"
#include "runtime/model/model_file.h"

namespace daemon_engine {
namespace {

using base::Result;

constexpr std::string_view kModelSuffix = ".gguf";

Result<std::vector<provisioning::PublicKey>> parse_keys(const std::vector<std::string>& pems) {
  std::vector<provisioning::PublicKey> keys;
  for (const std::string& pem : pems) {
    keys.push_back(TRY(provisioning::PublicKey::parse_pem(pem).context("trusted key")));
  }
  return keys;
}

// The file the configuration names, or the only one of its kind.
Result<std::string> choose_file(const provisioning::Statement& statement, const std::string& configured) {
  if (!configured.empty()) return configured;
  std::string found;
  for (const auto& resource : statement.resources) {
    if (!resource.name.ends_with(kModelSuffix)) continue;
    if (!found.empty()) return base::invalid_input("the bundle has several *.gguf files: set engine.model_file");
    found = resource.name;
  }
  if (found.empty()) return base::invalid_input("the bundle has no *.gguf file");
  return found;
}

std::size_t available_threads() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

std::uint64_t three_quarters_of_memory() {
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return 0;
  return std::uint64_t{info.totalram} * info.mem_unit / 4 * 3;
}

Result<std::unique_ptr<kernels::Ops>> make_ops(const EngineConfig& config, const kernels::Limits& limits) {
  if (config.backend == "reference") return kernels::make_reference_ops(limits);
  if (config.backend != "cpu") return base::unsupported("backend " + config.backend);
  const std::size_t threads = config.threads != 0 ? config.threads : available_threads();
  auto ops = kernels::make_cpu_ops({.limits = limits, .threads = threads});
  if (ops == nullptr) return base::exhausted("the CPU backend could not be made");
  return ops;
}

kernels::KvFormat kv_format_of(std::string_view name) {
  if (name == "f32") return kernels::KvFormat::kF32;
  return name == "q8_0" ? kernels::KvFormat::kQ8_0 : kernels::KvFormat::kF16;
}

runtime::MemoryRequest memory_request(const EngineConfig& config) {
  runtime::MemoryRequest request;
  request.context_tokens = config.context_tokens;
  request.kv_bytes = config.kv_cache_bytes;
  request.memory_bytes_max = config.memory_bytes_max != 0 ? config.memory_bytes_max : three_quarters_of_memory();
  request.kv_format = kv_format_of(config.kv_format);
  request.rows_max = std::max(config.step_tokens_max, config.sequences_max);
  request.logit_rows_max = std::max<std::size_t>(config.sequences_max, 16);
  return request;
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

}  // namespace

Result<LoadedModel> LoadedModel::load(base::Fd directory, const EngineConfig& config, const base::Clock& clock,
                                      const Progress& progress) {
  Laps laps(clock);
  const auto keys = TRY(parse_keys(config.trusted_keys_pem));
  const auto bundle = TRY(provisioning::SignedModel::open(std::move(directory), keys));
  const std::string name = TRY(choose_file(bundle.statement(), config.model_file));
  base::VerifiedFile file = TRY(bundle.read(
      name, [&](std::uint64_t done, std::uint64_t total) { progress(done, total, "verifying the model"); }));

  LoadedModel model;
  model.times.verify_ms = laps.next_ms();
  model.digest = base::to_hex(bundle.statement().root_digest());
  model.signer = bundle.signer_hint();
  runtime::ModelFile parts = TRY(runtime::read_model_file(file.bytes()).context(name));
  const runtime::MemoryRequest memory = memory_request(config);
  const std::size_t context_tokens = runtime::planned_context(parts.spec, memory);
  model.ops = TRY(make_ops(config, runtime::backend_limits(parts.spec, memory.rows_max, context_tokens)));
  if (!parts.chat_template.empty()) {
    model.chat_template = TRY(runtime::ChatTemplate::parse(parts.chat_template).context(name + ": chat template"));
  }
  TokenizerMaker tokenizer(std::move(parts.vocabulary), clock);
  model.times.read_ms = laps.next_ms();
  runtime::TransformerOptions options;
  options.memory = memory;
  options.progress = [&](std::uint64_t done, std::uint64_t total) { progress(done, total, "loading the weights"); };
  model.decoder = TRY(runtime::Transformer::load(std::move(file), *model.ops, options).context(name));
  model.times.weights_ms = laps.next_ms();
  model.tokenizer = TRY(tokenizer.take(model.times.tokenizer_ms).context(name + ": tokenizer"));
  const runtime::EngineOptions engine{.sequences_max = config.sequences_max,
                                      .queue_max = config.queue_max,
                                      .step_tokens_max = config.step_tokens_max,
                                      .prefix_cache = config.prefix_cache};
  model.timed_decoder = std::make_unique<TimedDecoder>(*model.decoder, clock);
  model.engine = TRY(runtime::Engine::create(engine, *model.timed_decoder, *model.tokenizer));
  model.times.engine_ms = laps.next_ms();
  return model;
}

}  // namespace daemon_engine
