#include "daemon/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardening/base/file.h"

namespace daemon_config {
namespace {

using testing::HasSubstr;

Config parsed(std::string_view text) {
  auto config = parse_config(text, "t.toml");
  EXPECT_TRUE(config.ok()) << config.error().message;
  return config.ok() ? std::move(config).value() : Config{};
}

std::string error_of(std::string_view text) {
  const auto config = parse_config(text, "t.toml");
  return config.ok() ? "accepted" : config.error().message;
}

std::string example() {
  auto text = base::read_text_file("image/redoubt.toml", 1 << 20);
  EXPECT_TRUE(text.ok());
  return text.value();
}

// The example with every key it only shows in a comment switched on.
std::string example_with_all_keys() {
  std::string text = "\n" + example();
  for (std::size_t at = 0; (at = text.find("\n#", at)) != text.npos; ++at) {
    const bool shows_a_key = text[at + 2] != ' ';
    if (shows_a_key) text.erase(at + 1, 1);
  }
  return text;
}

TEST(Config, AnEmptyFileGivesTheDefaults) {
  const Config config = parsed("");
  ASSERT_EQ(config.server.listen.size(), 1u);
  EXPECT_EQ(format_listen_address(config.server.listen[0]), "127.0.0.1:8443");
  EXPECT_EQ(config.paths.state, "/var/lib/redoubt");
  EXPECT_FALSE(config.limits.tls_1_2);
}

TEST(Config, TextsAreSealedToSomebody) {
  EXPECT_THAT(error_of("[audit]\ntext = \"sealed\"\n"), HasSubstr("audit.sealed_to"));
  EXPECT_THAT(error_of("[engine]\nbackend = \"cuda\"\nstep_deadline_ms = 9000\n"),
              HasSubstr("supervisor.busy_timeout_ms"));
  EXPECT_THAT(error_of("[gpu]\npoll_interval_ms = 20000\n"), HasSubstr("gpu.silence_ms"));
  EXPECT_THAT(error_of("[gpu]\npoll_interval_ms = 249\n"), HasSubstr("poll_interval_ms"));
  EXPECT_THAT(error_of("[gpu]\ncare = \"perhaps\"\n"), HasSubstr("gpu.care"));
  EXPECT_THAT(error_of("[gpu]\nnvml_library = \"nvml.so\"\n"), HasSubstr("nvml_library"));
  EXPECT_EQ(parsed("[gpu]\ncare = \"always\"\n").gpu.care, "always");
  EXPECT_EQ(parsed("[audit]\ntext = \"sealed\"\nsealed_to = \"/k\"\n").audit.text, "sealed");
}

TEST(Config, TheLogIsKeptForHalfAYearAtLeast) {
  EXPECT_THAT(error_of("[audit]\nretention_days = 182\n"), HasSubstr("183"));
  EXPECT_THAT(error_of("[audit]\norigin = \"two words\"\n"), HasSubstr("audit.origin"));
  EXPECT_THAT(error_of("[audit]\nwitnesses = [\"nobody\"]\n"), HasSubstr("audit.witnesses"));
}

TEST(Config, TheDocumentedExampleParses) {
  parsed(example());
}

TEST(Config, TheDocumentedExampleShowsEveryKey) {
  const std::string text = example_with_all_keys();
  parsed(text);
  for (const auto& [section, key] : known_keys()) {
    const auto start = text.find("\n[" + std::string(section) + "]\n");
    ASSERT_NE(start, text.npos) << section;
    const auto end = text.find("\n[", start + 1);
    const auto at = text.find("\n" + std::string(key) + " = ", start);
    EXPECT_LT(at, end) << section << "." << key;
  }
}

// What image/redoubt.toml states as a default is what an empty file gives.
TEST(Config, TheDocumentedDefaultsAreTheDefaults) {
  const Changes changes = compare(parsed(""), parsed(example()));
  EXPECT_THAT(changes.in_place, testing::IsEmpty());
  EXPECT_THAT(changes.needs_restart, testing::IsEmpty());
}

TEST(Config, StoresValuesWhereTheyBelong) {
  const Config config = parsed(R"(
[server]
listen = ["10.0.0.1:443", "[::1]:443"]
tls_min_version = "1.2"
[model]
name = "org/assistant:7b"
trusted_keys = ["/etc/redoubt/a.pem"]
file = "a/b.gguf"
[engine]
kv_cache_bytes = "2 GiB"
memory_bytes_max = 1073741824
prefix_cache = false
[limits]
body_bytes_max = "64KiB"
)");
  EXPECT_EQ(config.server.listen.size(), 2u);
  EXPECT_TRUE(config.limits.tls_1_2);
  EXPECT_EQ(config.model.name, "org/assistant:7b");
  EXPECT_EQ(config.engine.model_file, "a/b.gguf");
  EXPECT_EQ(config.engine.kv_cache_bytes, std::uint64_t{2} << 30);
  EXPECT_EQ(config.engine.memory_bytes_max, std::uint64_t{1} << 30);
  EXPECT_FALSE(config.engine.prefix_cache);
  EXPECT_EQ(config.limits.body_bytes_max, 65'536u);
}

TEST(Config, NamesFileAndLineOfAnUnknownKeyAndTheNearestKnownOne) {
  EXPECT_EQ(
      error_of("[limits]\n\nconections_max = 3\n"),
      "t.toml:3: unknown key \"conections_max\" in [limits]; did you mean \"connections_max\"?");
  EXPECT_EQ(error_of("[limits]\nzzz = 3\n"), "t.toml:2: unknown key \"zzz\" in [limits]");
  EXPECT_EQ(error_of("\n[severs]\nx = 1\n"),
            "t.toml:2: unknown section [severs]; did you mean \"server\"?");
}

TEST(Config, ReportsEveryProblemInOneGo) {
  EXPECT_EQ(error_of("[limits]\nrequests_max = 0\n[engine]\nthreads = -1\n"),
            "t.toml:2: limits.requests_max must be 1 to 1024, not 0\n"
            "t.toml:4: engine.threads must not be negative, but is -1");
}

TEST(Config, ChecksEveryValue) {
  EXPECT_THAT(error_of("[server]\nlisten = []"), HasSubstr("at least one address"));
  EXPECT_THAT(error_of("[server]\nlisten = \"127.0.0.1:1\""), HasSubstr("list of texts"));
  EXPECT_THAT(error_of("[server]\nlisten = [\"localhost:1\"]"),
              HasSubstr("\"localhost:1\" is not an IP address"));
  EXPECT_THAT(error_of("[server]\nlisten = [1]"), HasSubstr("something else than strings"));
  EXPECT_THAT(error_of("[server]\ntls_min_version = \"1.1\""), HasSubstr("\"1.3\" or \"1.2\""));
  EXPECT_THAT(error_of("[server]\ntls_min_version = 1.3"), HasSubstr("\"1.3\" or \"1.2\""));
  EXPECT_THAT(error_of("[paths]\nstate = \"relative\""), HasSubstr("absolute path"));
  EXPECT_THAT(error_of("[paths]\nstate = \"/a\\u0000b\""), HasSubstr("absolute path"));
  EXPECT_THAT(error_of("[model]\nname = \"\""), HasSubstr("letters, digits"));
  EXPECT_THAT(error_of("[model]\nname = \"a b\""), HasSubstr("letters, digits"));
  EXPECT_THAT(error_of("[model]\nfile = \"../x\""), HasSubstr("relative path"));
  EXPECT_THAT(error_of("[model]\nfile = \"/x\""), HasSubstr("relative path"));
  EXPECT_THAT(error_of("[engine]\nbackend = \"gpu\""),
              HasSubstr("\"auto\" or \"cpu\" or \"cuda\" or \"reference\""));
  EXPECT_THAT(error_of("[engine]\ngpus = [\"3\", \"nvidia0\"]"), HasSubstr("by UUID"));
  EXPECT_THAT(error_of("[engine]\ngpus = [\"100\"]"), HasSubstr("or by number"));
  EXPECT_THAT(error_of("[engine]\ngpus = [\"GPU-1\", \"GPU-1\"]"), HasSubstr("names GPU-1 twice"));
  EXPECT_THAT(error_of("[engine]\ngpus = [\"GPU-\\n\"]"), HasSubstr("by UUID"));
  EXPECT_THAT(error_of("[engine]\ngpu_memory_percent = 101"), HasSubstr("10 to 100, not 101"));
  EXPECT_THAT(error_of("[engine]\ngpu_weights = \"fp4\""), HasSubstr("\"as_is\" or \"fp8\""));
  EXPECT_THAT(error_of("[engine]\ngpu_split = \"rows\""),
              HasSubstr("\"auto\" or \"layers\" or \"tensor\""));
  EXPECT_THAT(error_of("[engine]\ngpu_split = \"rows\""), HasSubstr("gpu_split"));
  EXPECT_THAT(error_of("[engine]\nstep_deadline_ms = 99"), HasSubstr("0 or 100 to 600000"));
  EXPECT_THAT(error_of("[engine]\nthreads = 1025"), HasSubstr("0 or 1 to 1024, not 1025"));
  EXPECT_THAT(error_of("[engine]\nthreads = 1.5"), HasSubstr("whole number"));
  EXPECT_THAT(error_of("[engine]\nprefix_cache = 1"), HasSubstr("true or false"));
  EXPECT_THAT(error_of("[engine]\nkv_cache_bytes = \"2 GB\""), HasSubstr("512 MiB"));
  EXPECT_THAT(error_of("[engine]\nkv_cache_bytes = \"99999999999999999 TiB\""),
              HasSubstr("512 MiB"));
  EXPECT_THAT(error_of("[engine]\nkv_cache_bytes = \"65 TiB\""), HasSubstr("to 70368744177664"));
  EXPECT_THAT(error_of("[sandbox]\nengine_user = \"a b\""), HasSubstr("name or number"));
}

TEST(Config, RefusesTomlThatIsNoneOrTooMuch) {
  EXPECT_THAT(error_of("[server\n"), HasSubstr("t.toml:1: "));
  EXPECT_THAT(error_of("\n[|server]\n"), HasSubstr("t.toml:2: "));
  EXPECT_THAT(error_of("x = 1\n"), HasSubstr("t.toml:1: \"x\" stands outside a section"));
  EXPECT_THAT(error_of("[server]\na = {}\n"), HasSubstr("t.toml:2: server.a is a table or a date"));
  EXPECT_THAT(error_of("[server]\na = 2020-01-01\n"), HasSubstr("table or a date"));
  EXPECT_THAT(error_of("[server]\nlisten = [\"a\"]\nlisten = [\"b\"]\n"), HasSubstr("t.toml:3: "));
  EXPECT_THAT(error_of(std::string(300'000, '\n')), HasSubstr("limit 262144"));
}

TEST(Config, KeepsWhatTheParserCannotBeTrustedWithAwayFromIt) {
  EXPECT_THAT(error_of("[limits]\nrequests_max = 3 \xC3\xBC\n"),
              HasSubstr("t.toml:2: a character beyond ASCII"));
  EXPECT_THAT(error_of("1\xC9\x8A"), HasSubstr("beyond ASCII"));
  EXPECT_THAT(error_of("# \xFF\n"), HasSubstr("t.toml:1: bytes that are not UTF-8"));
  EXPECT_THAT(error_of("# \x0C\n"), HasSubstr("control character"));
  EXPECT_THAT(error_of("[paths]\nstate = \"\"\"/a\"\"\"\n"),
              HasSubstr("t.toml:2: a text over several lines"));
  EXPECT_THAT(error_of("[paths]\nstate = \"/\xC3\xBC\"\n"),
              HasSubstr("t.toml:2: a character beyond ASCII"));
  EXPECT_THAT(error_of("a = 5\"#\xC3\xBC\n"), HasSubstr("beyond ASCII"));
}

TEST(Config, TakesCommentsInAnyLanguageAndEscapesInTexts) {
  EXPECT_EQ(
      parsed("[paths] # \xC3\xBC\r\nstate = \"/\\u00FC\\\"#\" # \xC3\xBC \"\"\"\r\n").paths.state,
      "/\xC3\xBC\"#");
  EXPECT_EQ(parsed("[paths]\nstate = '/x\\#' # '\n").paths.state, "/x\\#");
}

TEST(Config, WantsCertificateAndKeyTogether) {
  EXPECT_THAT(error_of("[server]\ntls_certificate = \"/c\""), HasSubstr("together or not at all"));
}

TEST(Config, WantsAKvFormatThatTheBackendHas) {
  EXPECT_THAT(error_of("[engine]\nbackend = \"cuda\"\nkv_format = \"f32\""),
              HasSubstr("engine.kv_format = \"f32\" is not to be had"));
  EXPECT_EQ(parsed("[engine]\nkv_format = \"f32\"").engine.backend, "auto") << "the CPU has it";
}

TEST(Config, AMissingFileSaysSo) {
  const auto config = read_config("/nonexistent/redoubt.toml");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, base::ErrorCode::kNotFound);
  EXPECT_THAT(config.error().message, HasSubstr("/nonexistent/redoubt.toml"));
}

// ---- what a reload makes of it

struct Example {
  std::string_view key;
  std::string_view value;  // not the default
};

constexpr Example kInPlace[] = {
    {"server.tls_min_version", "\"1.2\""}, {"server.drain_timeout_ms", "200"},
    {"limits.requests_per_key_max", "7"},  {"limits.body_bytes_max", "2048"},
    {"limits.header_timeout_ms", "200"},   {"limits.body_timeout_ms", "200"},
    {"limits.write_timeout_ms", "200"},    {"limits.request_timeout_ms", "2000"},
    {"limits.ping_interval_ms", "200"},    {"audit.text", "\"none\""},
    {"audit.sealed_to", "\"/k\""},
};
constexpr Example kNeedsRestart[] = {
    {"server.listen", "[\"127.0.0.1:1\"]"},
    {"paths.state", "\"/s\""},
    {"paths.runtime", "\"/r\""},
    {"model.name", "\"m\""},
    {"model.directory", "\"/m\""},
    {"model.file", "\"m.gguf\""},
    {"model.trusted_keys", "[\"/k\"]"},
    {"engine.backend", "\"reference\""},
    {"engine.gpus", "[\"GPU-8f6d\", \"1\"]"},
    {"engine.gpu_memory_percent", "50"},
    {"engine.gpu_weights", "\"fp8\""},
    {"engine.gpu_split", "\"tensor\""},
    {"engine.step_deadline_ms", "0"},
    {"engine.threads", "7"},
    {"engine.context_tokens", "64"},
    {"engine.sequences_max", "7"},
    {"engine.kv_cache_bytes", "\"1 MiB\""},
    {"engine.memory_bytes_max", "\"1 GiB\""},
    {"engine.kv_format", "\"f32\""},
    {"engine.step_tokens_max", "17"},
    {"engine.queue_max", "7"},
    {"engine.prefix_cache", "false"},
    {"engine.keep_weights", "\"never\""},
    {"limits.connections_max", "7"},
    {"limits.requests_max", "7"},
    {"sandbox.gateway_user", "\"7\""},
    {"sandbox.engine_user", "\"7\""},
    {"sandbox.auditor_user", "\"7\""},
    {"sandbox.health_user", "\"7\""},
    {"gpu.care", "\"never\""},
    {"gpu.nvml_library", "\"/lib/nvml.so\""},
    {"gpu.poll_interval_ms", "250"},
    {"gpu.silence_ms", "30000"},
    {"sandbox.landlock_abi_min", "1"},
    {"audit.host", "\"h\""},
    {"audit.origin", "\"example.org/log\""},
    {"audit.sealed_days", "30"},
    {"audit.retention_days", "183"},
    {"audit.witnesses", "[\"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\"]"},
    {"supervisor.busy_timeout_ms", "7000"},
    {"supervisor.load_timeout_ms", "7000"},
    {"supervisor.restart_intensity", "7"},
    {"supervisor.restart_period_ms", "7000"},
};

Config with(const Example& example) {
  const auto dot = example.key.find('.');
  const std::string section(example.key.substr(0, dot)), key(example.key.substr(dot + 1));
  return parsed("[" + section + "]\n" + key + " = " + std::string(example.value) + "\n");
}

TEST(ConfigReload, KnowsOfEveryKeyWhetherItTakesEffect) {
  const Config running = parsed("");
  for (const Example& example : kInPlace) {
    const Changes changes = compare(running, with(example));
    EXPECT_THAT(changes.in_place, testing::ElementsAre(example.key));
    EXPECT_THAT(changes.needs_restart, testing::IsEmpty());
    const Changes left = compare(apply_in_place(running, with(example)), with(example));
    EXPECT_THAT(left.in_place, testing::IsEmpty()) << example.key;
  }
  for (const Example& example : kNeedsRestart) {
    const Changes changes = compare(running, with(example));
    EXPECT_THAT(changes.needs_restart, testing::ElementsAre(example.key));
    EXPECT_THAT(changes.in_place, testing::IsEmpty());
    const Changes left = compare(apply_in_place(running, with(example)), with(example));
    EXPECT_THAT(left.needs_restart, testing::ElementsAre(example.key));
  }
  // Certificate and key come in pairs.
  EXPECT_EQ(std::size(kInPlace) + std::size(kNeedsRestart) + 2, known_keys().size());
}

TEST(ConfigReload, ACertificateTakesEffect) {
  const Config fresh = parsed("[server]\ntls_certificate = \"/c\"\ntls_private_key = \"/k\"\n");
  const Changes changes = compare(parsed(""), fresh);
  EXPECT_THAT(changes.in_place,
              testing::ElementsAre("server.tls_certificate", "server.tls_private_key"));
  EXPECT_EQ(apply_in_place(parsed(""), fresh).server.tls_private_key, "/k");
}

}  // namespace
}  // namespace daemon_config
