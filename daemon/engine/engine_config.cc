#include "daemon/engine/engine_config.h"

#include <fmt/format.h>

#include <limits>

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
      if (!item.is_string()) return base::invalid_input(fmt::format("engine configuration: {}: not a string", key));
      out.push_back(item.as_string());
    }
    return {};
  }

  Status expect_no_more() const {
    if (taken_ != json_.as_object().size()) return base::invalid_input("engine configuration: unknown member");
    return {};
  }

 private:
  static Status out_of_range(std::string_view key) {
    return base::invalid_input(fmt::format("engine configuration: {} is out of range", key));
  }

  base::Result<const Json*> take(std::string_view key, bool (Json::*is_type)() const) {
    const Json* value = json_.find(key);
    if (value == nullptr || !(value->*is_type)()) {
      return base::invalid_input(fmt::format("engine configuration: {} is missing or of the wrong type", key));
    }
    ++taken_;
    return value;
  }

  const Json& json_;
  std::size_t taken_ = 0;
};

}  // namespace

Json EngineConfig::serialize() const {
  Json keys = Json::array();
  for (const std::string& pem : trusted_keys_pem) keys.push_back(pem);
  return Json::object({{"model_id", model_id},
                       {"created", created},
                       {"model_file", model_file},
                       {"trusted_keys_pem", std::move(keys)},
                       {"backend", backend},
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

base::Result<EngineConfig> EngineConfig::parse(const Json& json) {
  if (!json.is_object()) return base::invalid_input("engine configuration: not an object");
  EngineConfig config;
  Fields fields(json);
  TRY(fields.read("model_id", config.model_id));
  TRY(fields.read("created", config.created));
  TRY(fields.read("model_file", config.model_file));
  TRY(fields.read("trusted_keys_pem", config.trusted_keys_pem));
  TRY(fields.read("backend", config.backend));
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
  return config;
}

}  // namespace daemon_engine
