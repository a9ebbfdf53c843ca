#include "daemon/engine/loaded_model.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/sysinfo.h>

#include <algorithm>

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

runtime::MemoryRequest memory_request(const EngineConfig& config) {
  runtime::MemoryRequest request;
  request.context_tokens = config.context_tokens;
  request.kv_bytes = config.kv_cache_bytes;
  request.memory_bytes_max = config.memory_bytes_max != 0 ? config.memory_bytes_max : three_quarters_of_memory();
  request.kv_format = config.kv_format == "f32" ? kernels::KvFormat::kF32 : kernels::KvFormat::kF16;
  request.rows_max = std::max(config.step_tokens_max, config.sequences_max);
  request.logit_rows_max = std::max<std::size_t>(config.sequences_max, 16);
  return request;
}

}  // namespace

Result<LoadedModel> LoadedModel::load(base::Fd directory, const EngineConfig& config, const Progress& progress) {
  const auto keys = TRY(parse_keys(config.trusted_keys_pem));
  const auto bundle = TRY(provisioning::SignedModel::open(std::move(directory), keys));
  const std::string name = TRY(choose_file(bundle.statement(), config.model_file));
  base::VerifiedFile file = TRY(bundle.read(
      name, [&](std::uint64_t done, std::uint64_t total) { progress(done, total, "verifying the model"); }));

  LoadedModel model;
  model.digest = base::to_hex(bundle.statement().root_digest());
  model.signer = bundle.signer_hint();
  runtime::ModelFile parts = TRY(runtime::read_model_file(file.bytes()).context(name));
  const runtime::MemoryRequest memory = memory_request(config);
  const std::size_t context_tokens = runtime::planned_context(parts.spec, memory);
  model.ops = TRY(make_ops(config, runtime::backend_limits(parts.spec, memory.rows_max, context_tokens)));
  model.tokenizer = TRY(runtime::Tokenizer::create(std::move(parts.vocabulary)).context(name + ": tokenizer"));
  if (!parts.chat_template.empty()) {
    model.chat_template = TRY(runtime::ChatTemplate::parse(parts.chat_template).context(name + ": chat template"));
  }
  runtime::TransformerOptions options;
  options.memory = memory;
  options.progress = [&](std::uint64_t done, std::uint64_t total) { progress(done, total, "loading the weights"); };
  model.decoder = TRY(runtime::Transformer::load(std::move(file), *model.ops, options).context(name));
  const runtime::EngineOptions engine{.sequences_max = config.sequences_max,
                                      .queue_max = config.queue_max,
                                      .step_tokens_max = config.step_tokens_max,
                                      .prefix_cache = config.prefix_cache};
  model.engine = TRY(runtime::Engine::create(engine, *model.decoder, *model.tokenizer));
  return model;
}

}  // namespace daemon_engine
