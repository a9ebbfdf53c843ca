#include "daemon/engine/engine_config.h"

#include <fmt/format.h>

#include <limits>

#include "daemon/engine/known_answers.h"
#include "provisioning/limits.h"
#include "provisioning/trust/release.h"
#include "provisioning/trust/trust_root.h"

namespace daemon_engine {
namespace {

using base::Json;
using base::Status;

// Reads the members of one object; what is left at the end is unknown.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {}

  Status read(std::string_view key, std::string& out) {
    const Json* value = TRY(take(key, &Json::is_string));
    out = value->as_string();
    return {};
  }
  Status read(std::string_view key, bool& out) {
    out = TRY(take(key, &Json::is_bool))->as_bool();
    return {};
  }
  Status read(std::string_view key, std::int64_t& out) {
    out = TRY(take(key, &Json::is_int))->as_int();
    return {};
  }
  Status read(std::string_view key, std::uint64_t& out) {
    const std::int64_t value = TRY(take(key, &Json::is_int))->as_int();
    if (value < 0) return out_of_range(key);
    out = static_cast<std::uint64_t>(value);
    return {};
  }
  Status read(std::string_view key, std::uint32_t& out) {
    std::uint64_t wide = 0;
    TRY(read(key, wide));
    if (wide > std::numeric_limits<std::uint32_t>::max()) return out_of_range(key);
    out = static_cast<std::uint32_t>(wide);
    return {};
  }
  Status read(std::string_view key, std::vector<std::string>& out) {
    for (const Json& item : TRY(take(key, &Json::is_array))->as_array()) {
      if (!item.is_string())
        return base::invalid_input(fmt::format("engine configuration: {}: not a string", key));
      out.push_back(item.as_string());
    }
    return {};
  }

  Status expect_no_more() const {
    if (taken_ != json_.as_object().size())
      return base::invalid_input("engine configuration: unknown member");
    return {};
  }

 private:
  static Status out_of_range(std::string_view key) {
    return base::invalid_input(fmt::format("engine configuration: {} is out of range", key));
  }

  base::Result<const Json*> take(std::string_view key, bool (Json::*is_type)() const) {
    const Json* value = json_.find(key);
    if (value == nullptr || !(value->*is_type)()) {
      return base::invalid_input(
          fmt::format("engine configuration: {} is missing or of the wrong type", key));
    }
    ++taken_;
    return value;
  }

  const Json& json_;
  std::size_t taken_ = 0;
};

Json list_of(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

base::Error refuse(std::string_view what) {
  return base::invalid_input(fmt::format("engine configuration: {}", what));
}

}  // namespace

Json EngineConfig::serialize() const {
  return Json::object({{"model_id", model_id},
                       {"created", created},
                       {"model_file", model_file},
                       {"source", source},
                       {"model_digest", model_digest},
                       {"release_text", release_text},
                       {"signature_text", signature_text},
                       {"trust_root_text", trust_root_text},
                       {"trusted_keys_pem", list_of(trusted_keys_pem)},
                       {"qualify", qualify},
                       {"known_answers", known_answers},
                       {"backend", backend},
                       {"gpus", list_of(gpus)},
                       {"gpus_excluded", list_of(gpus_excluded)},
                       {"gpu_care", gpu_care},
                       {"gpu_memory_percent", gpu_memory_percent},
                       {"gpu_weights", gpu_weights},
                       {"gpu_split", gpu_split},
                       {"step_deadline_ms", step_deadline_ms},
                       {"threads", threads},
                       {"context_tokens", context_tokens},
                       {"sequences_max", sequences_max},
                       {"kv_cache_bytes", kv_cache_bytes},
                       {"memory_bytes_max", memory_bytes_max},
                       {"kv_format", kv_format},
                       {"step_tokens_max", step_tokens_max},
                       {"queue_max", queue_max},
                       {"prefix_cache", prefix_cache},
                       {"keep_weights", keep_weights}});
}

base::Status EngineConfig::check_source() const {
  if (source != "directory" && source != "bare" && source != "release")
    return refuse("source is unknown");
  if ((source == "release") == release_text.empty())
    return refuse("release_text goes with source \"release\"");
  if ((source == "bare") == signature_text.empty())
    return refuse("signature_text goes with source \"bare\"");
  if (source == "release" && trust_root_text.empty()) return refuse("a release wants a trust root");
  if (release_text.size() > provisioning::kReleaseBytesMax)
    return refuse("release_text is too long");
  if (signature_text.size() > provisioning::kSignatureBytesMax)
    return refuse("signature_text is too long");
  if (trust_root_text.size() > provisioning::kRootBytesMax)
    return refuse("trust_root_text is too long");
  if (known_answers.size() > kKnownAnswersBytesMax) return refuse("known_answers is too long");
  return {};
}

base::Status EngineConfig::check_gpus() const {
  if (gpus.size() > kGpusMax || gpus_excluded.size() > kGpusExcludedMax)
    return refuse("too many GPUs");
  if (gpu_memory_percent == 0 || gpu_memory_percent > 100)
    return refuse("gpu_memory_percent is not 1 to 100");
  if (gpu_weights != "as_is" && gpu_weights != "fp8") return refuse("gpu_weights is unknown");
  if (gpu_split != "auto" && gpu_split != "layers" && gpu_split != "tensor")
    return refuse("gpu_split is not auto, layers or tensor");
  return {};
}

base::Result<EngineConfig> EngineConfig::parse(const Json& json) {
  if (!json.is_object()) return base::invalid_input("engine configuration: not an object");
  EngineConfig config;
  Fields fields(json);
  TRY(fields.read("model_id", config.model_id));
  TRY(fields.read("created", config.created));
  TRY(fields.read("model_file", config.model_file));
  TRY(fields.read("source", config.source));
  TRY(fields.read("model_digest", config.model_digest));
  TRY(fields.read("release_text", config.release_text));
  TRY(fields.read("signature_text", config.signature_text));
  TRY(fields.read("trust_root_text", config.trust_root_text));
  TRY(fields.read("trusted_keys_pem", config.trusted_keys_pem));
  TRY(fields.read("qualify", config.qualify));
  TRY(fields.read("known_answers", config.known_answers));
  TRY(fields.read("backend", config.backend));
  TRY(fields.read("gpus", config.gpus));
  TRY(fields.read("gpus_excluded", config.gpus_excluded));
  TRY(fields.read("gpu_care", config.gpu_care));
  TRY(fields.read("gpu_memory_percent", config.gpu_memory_percent));
  TRY(fields.read("gpu_weights", config.gpu_weights));
  TRY(fields.read("gpu_split", config.gpu_split));
  TRY(fields.read("step_deadline_ms", config.step_deadline_ms));
  TRY(fields.read("threads", config.threads));
  TRY(fields.read("context_tokens", config.context_tokens));
  TRY(fields.read("sequences_max", config.sequences_max));
  TRY(fields.read("kv_cache_bytes", config.kv_cache_bytes));
  TRY(fields.read("memory_bytes_max", config.memory_bytes_max));
  TRY(fields.read("kv_format", config.kv_format));
  TRY(fields.read("step_tokens_max", config.step_tokens_max));
  TRY(fields.read("queue_max", config.queue_max));
  TRY(fields.read("prefix_cache", config.prefix_cache));
  TRY(fields.read("keep_weights", config.keep_weights));
  TRY(fields.expect_no_more());
  TRY(config.check_source());
  TRY(config.check_gpus());
  return config;
}

}  // namespace daemon_engine
