// redoubt bundle golden: what a model answers here, written down for the site where it is to answer
// the same.
#include <fcntl.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "daemon/engine/golden_maker.h"
#include "daemon/engine/loaded_model.h"
#include "daemon/engine/own_signature.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"

namespace daemon_cli {
namespace {

using base::Json;
using base::Result;

struct GoldenOptions {
  std::string directory;
  std::string prompts;
  std::string output;
  std::string model_file;
  std::string backend = "auto";
  std::uint64_t tokens = 16;
  std::uint64_t threads = 0;
};

Result<std::vector<Json>> read_prompts(const std::string& path) {
  const std::string text = TRY(base::read_text_file(path, daemon_engine::kSetBytesMax));
  Json json = TRY(daemon_engine::parse_set(text).context(path));
  if (!json.is_array() || json.as_array().empty() ||
      json.as_array().size() > daemon_engine::kSetItemsMax) {
    return base::invalid_input(
        fmt::format("{}: not a list of 1 to {} prompts", path, daemon_engine::kSetItemsMax));
  }
  for (const Json& prompt : json.as_array()) {
    if (!prompt.is_string() && !prompt.is_array()) {
      return base::invalid_input(path + ": a prompt is a text or a list of chat messages");
    }
  }
  return std::move(json.as_array());
}

// Only signed weights run, here too.
base::Status sign_directory(const std::string& path, daemon_engine::EngineConfig& config) {
  const base::Fd directory = TRY(base::open_file(path, O_RDONLY | O_DIRECTORY));
  ProgressBar bar("hashing");
  return daemon_engine::sign_for_ourselves(directory, config, bar.callback());
}

Result<daemon_engine::GoldenSet> answer(const GoldenOptions& options,
                                        const std::vector<Json>& prompts) {
  daemon_engine::EngineConfig config;
  config.model_file = options.model_file;
  config.threads = static_cast<std::uint32_t>(options.threads);
  config.backend = options.backend;
  config.keep_weights = "never";
  TRY(sign_directory(options.directory, config));
  const base::SystemClock clock;
  ProgressBar bar("loading");
  const daemon_engine::LoadReporter progress = [&bar](std::uint64_t done, std::uint64_t total,
                                                      std::string_view) {
    bar.update(done, total);
  };
  const auto model = TRY(daemon_engine::LoadedModel::load(
      TRY(base::open_file(options.directory, O_RDONLY | O_DIRECTORY)), {},
      {.config = config, .clock = clock, .progress = progress, .page = nullptr, .hooks = {}}));
  const daemon_engine::QualificationContext context{
      .engine = *model.engine,
      .window = config.queue_max,
      .tools = {*model.tokenizer, model.chat_template.get(),
                model.decoder->shape().context_tokens_max},
      .kernels = model.ops->name(),
      .exact = true,
      .time = clock.unix_seconds(),
      .progress = [](std::uint64_t, std::uint64_t) {}};
  return daemon_engine::make_golden(context, prompts, static_cast<std::uint32_t>(options.tokens));
}

base::Status write_golden(const GoldenOptions& options) {
  if (options.tokens < 1 || options.tokens > daemon_engine::kAnswerTokensMax) {
    return base::invalid_input(fmt::format("--tokens is 1 to {}", daemon_engine::kAnswerTokensMax));
  }
  if (options.threads > 4'096) return base::invalid_input("--threads is 0 to 4096");
  if (options.backend != "auto" && options.backend != "cpu" && options.backend != "cuda")
    return base::invalid_input("--backend is auto, cpu or cuda");
  const auto prompts = TRY(read_prompts(options.prompts));
  const auto set = TRY(answer(options, prompts));
  const std::string text = set.serialize() + "\n";
  // What we write is what the closed site can read.
  (void)TRY(daemon_engine::GoldenSet::parse(text).context("the golden set"));
  TRY(base::replace_file(options.output, text, 0644));
  std::size_t tokens = 0;
  for (const auto& prompt : set.prompts) tokens += prompt.expected.size();
  fmt::print("{} prompts, {} tokens, kernel set {}: {}\n", set.prompts.size(), tokens, set.kernels,
             options.output);
  return {};
}

int run_golden(const GoldenOptions& options) {
  const auto status = write_golden(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace

void add_golden(Command& bundle) {
  Command& verb = bundle.add(
      "golden",
      "run a model on prompts and write its answers down, to be asked again at the closed site");
  auto options = std::make_shared<GoldenOptions>();
  verb.argument("MODEL_DIR", options->directory,
                "the directory with the model's files; need not be signed yet");
  verb.required_option("--prompts", options->prompts,
                       "a JSON list of texts, or of lists of chat messages");
  verb.required_option("-o,--output", options->output,
                       "the golden set to write (qualify/golden.json of a bundle)");
  verb.option("--tokens", options->tokens, "how many tokens each answer has at most");
  verb.option("--model-file", options->model_file, "which *.gguf, where there are several");
  verb.option("--backend", options->backend, "what computes: auto, cpu or cuda");
  verb.option("--threads", options->threads, "how many to compute on; 0: all there are");
  verb.runs([options] { return run_golden(*options); });
}

}  // namespace daemon_cli
