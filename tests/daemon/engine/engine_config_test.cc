#include "daemon/engine/engine_config.h"

#include <gtest/gtest.h>

namespace daemon_engine {
namespace {

EngineConfig sample() {
  EngineConfig config;
  config.model_id = "demo";
  config.created = 1'700'000'000;
  config.model_file = "model.gguf";
  config.trusted_keys_pem = {"one", "two"};
  config.backend = "reference";
  config.gpus = {"GPU-1", "0"};
  config.gpus_excluded = {"GPU-2"};
  config.gpu_care = true;
  config.gpu_weights = "fp8";
  config.gpu_split = "tensor";
  config.threads = 3;
  config.kv_cache_bytes = std::uint64_t{5} << 32;
  config.prefix_cache = false;
  return config;
}

TEST(EngineConfig, ReadsWhatItWrote) {
  const base::Json json = sample().serialize();
  const auto read = EngineConfig::parse(json);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value().serialize(), json);
  EXPECT_EQ(read.value().kv_cache_bytes, std::uint64_t{5} << 32);
  EXPECT_EQ(read.value().trusted_keys_pem.size(), 2U);
  EXPECT_EQ(read.value().gpus, sample().gpus);
  EXPECT_EQ(read.value().gpus_excluded, sample().gpus_excluded);
  EXPECT_TRUE(read.value().gpu_care);
}

TEST(EngineConfig, RefusesUnknownMissingAndImpossibleMembers) {
  base::Json unknown = sample().serialize();
  unknown.set("turbo", true);
  EXPECT_FALSE(EngineConfig::parse(unknown).ok());
  const auto changed = [](std::string_view key, base::Json value) {
    base::Json json = base::Json::object();
    const base::Json all = sample().serialize();
    for (const auto& [name, old] : all.as_object()) json.set(name, name == key ? value : old);
    return EngineConfig::parse(json);
  };
  EXPECT_TRUE(changed("threads", 4).ok());
  EXPECT_FALSE(changed("threads", -1).ok());
  EXPECT_FALSE(changed("threads", std::int64_t{1} << 40).ok());
  EXPECT_FALSE(changed("threads", "4").ok());
  EXPECT_FALSE(changed("trusted_keys_pem", base::Json(base::Json::Array{1})).ok());
  EXPECT_FALSE(changed("gpus", base::Json(base::Json::Array(17, "0"))).ok());
  EXPECT_FALSE(changed("gpus_excluded", base::Json(base::Json::Array(65, "GPU-1"))).ok());
  EXPECT_FALSE(changed("gpu_memory_percent", 0).ok());
  EXPECT_FALSE(changed("gpu_weights", "fp4").ok());
  const auto split = changed("gpu_split", "rows");
  ASSERT_FALSE(split.ok());
  EXPECT_EQ(split.error().message, "engine configuration: gpu_split is not auto, layers or tensor");
  EXPECT_FALSE(EngineConfig::parse(base::Json::object()).ok());
  EXPECT_FALSE(EngineConfig::parse(base::Json::array()).ok());
}

TEST(EngineConfig, WantsWhatItsSourceIsProvedBy) {
  const auto accepted = [](const EngineConfig& config) {
    return EngineConfig::parse(config.serialize()).ok();
  };
  EngineConfig config = sample();
  config.source = "release";
  EXPECT_FALSE(accepted(config));
  config.release_text = "{}";
  EXPECT_FALSE(accepted(config)) << "no trust root";
  config.trust_root_text = "{}";
  EXPECT_TRUE(accepted(config));
  config.source = "bare";
  EXPECT_FALSE(accepted(config));
  config.release_text = "";
  config.signature_text = "{}";
  EXPECT_TRUE(accepted(config));
  config.source = "elsewhere";
  EXPECT_FALSE(accepted(config));
  config = sample();
  config.known_answers = std::string((64 << 10) + 1, ' ');
  EXPECT_FALSE(accepted(config));
}

}  // namespace
}  // namespace daemon_engine
