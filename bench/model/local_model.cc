#include "bench/model/local_model.h"

#include <fcntl.h>

#include <array>
#include <vector>

#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "provisioning/file_verifier.h"
#include "provisioning/sha256.h"
#include "runtime/model/packed_model.h"

namespace bench {
namespace {

using base::Result;

Result<base::VerifiedFile> vouch_for(const std::string& path) {
  provisioning::Sha256 hash;
  {
    const base::Fd file = TRY(base::open_file(path, O_RDONLY));
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    for (std::size_t got = TRY(base::read_full(file, buffer)); got > 0;
         got = TRY(base::read_full(file, buffer))) {
      hash.update(std::span(buffer).first(got));
    }
  }
  const base::Fd file = TRY(base::open_file(path, O_RDONLY));
  return provisioning::FileVerifier::read(file, path, hash.finish());
}

Result<std::unique_ptr<kernels::Ops>> make_ops(const LocalModelOptions& options,
                                               const kernels::Limits& limits) {
  struct Choice {
    std::string_view name;
    kernels::CpuIsa isa;
  };
  constexpr std::array<Choice, 5> kChoices{{{"cpu", kernels::CpuIsa::kBest},
                                            {"cpu-plain", kernels::CpuIsa::kPlain},
                                            {"cpu-avx2", kernels::CpuIsa::kAvx2},
                                            {"cpu-avx512vnni", kernels::CpuIsa::kAvx512Vnni},
                                            {"cpu-amx", kernels::CpuIsa::kAmx}}};
  if (options.backend == "reference") return kernels::make_reference_ops(limits);
  for (const Choice& choice : kChoices) {
    if (options.backend != choice.name) continue;
    auto ops =
        kernels::make_cpu_ops({.limits = limits, .threads = options.threads, .isa = choice.isa});
    if (ops == nullptr) return base::unsupported("this processor has no " + options.backend);
    return ops;
  }
  return base::invalid_input("no backend " + options.backend);
}

std::uint64_t cache_bytes(const runtime::ModelSpec& spec, const runtime::MemoryRequest& request,
                          const kernels::Ops& ops, std::size_t tokens) {
  const std::size_t blocks = (tokens + request.block_tokens - 1) / request.block_tokens;
  return ops.kv_cache_bytes(
      {spec.layers, spec.kv_heads, spec.head_dim, request.block_tokens, blocks}, request.kv_format);
}

}  // namespace

Result<LocalModel> LocalModel::load(const std::string& path, const LocalModelOptions& options) {
  const base::SystemClock clock;
  const std::int64_t started_ns = clock.monotonic_ns();
  base::VerifiedFile file = TRY(vouch_for(path));
  const runtime::ModelFile model = TRY(runtime::read_model_file(file.bytes()).context(path));
  LocalModel local;
  local.file_sha256 = file.sha256();
  local.ops = TRY(make_ops(
      options, runtime::backend_limits(model.spec, options.rows_max, options.context_tokens)));
  runtime::TransformerOptions load_options;
  load_options.memory.context_tokens = options.context_tokens;
  load_options.memory.sequences = options.sequences;
  load_options.memory.rows_max = options.rows_max;
  load_options.memory.logit_rows_max = 64;
  if (options.kv_tokens > 0) {
    load_options.memory.kv_bytes =
        cache_bytes(model.spec, load_options.memory, *local.ops, options.kv_tokens);
  }
  local.work = count_work(TRY(runtime::GgufFile::parse(file.bytes())), model.spec, *local.ops);
  if (options.sealed && local.ops->packed_layout() != 0) {
    auto packed =
        TRY(runtime::pack_model(file, *local.ops, {.memory = load_options.memory, .progress = {}}));
    local.weights = packed.take_descriptor();
    local.decoder = TRY(runtime::Transformer::load(std::move(packed), *local.ops, load_options));
  } else {
    local.decoder =
        TRY(runtime::Transformer::load(std::move(file), *local.ops, load_options).context(path));
  }
  local.load_seconds = static_cast<double>(clock.monotonic_ns() - started_ns) / 1e9;
  return local;
}

}  // namespace bench
