// redoubt audit replay: ask the model again what it was asked then, and compare every token.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/audit/log/log_reader.h"
#include "daemon/cli/audit_verbs.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/key_files.h"
#include "daemon/cli/replay_report.h"
#include "daemon/cli/report.h"
#include "daemon/config/config.h"
#include "daemon/engine/loaded_model.h"
#include "daemon/replay/recorded_log.h"
#include "daemon/replay/replay_model.h"
#include "daemon/replay/replay_session.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"

namespace daemon_cli {
namespace {

using base::Result;
using base::Status;
using daemon_config::Config;
using daemon_replay::Selection;
using daemon_replay::TextKeys;

constexpr std::size_t kBodyFileBytesMax = 64u << 20;

struct ReplayOptions {
  AuditSource source;
  std::string what;
  bool all = false;
  std::string key;
  std::string request;
  std::string salt;
  std::string model;
  std::uint64_t threads = 0;
  bool json = false;
};

Result<Selection> selection_of(const ReplayOptions& options) {
  if (options.all == !options.what.empty()) {
    return base::invalid_input("say which: the id of a request, FROM-TO of records, or --all");
  }
  return options.all ? Selection{} : Selection::parse(options.what);
}

// Without an appliance (the log and the model both named) there need be no configuration.
Result<Config> read_configuration(const ReplayOptions& options) {
  auto config = daemon_config::read_config(options.source.config);
  const bool named = !options.source.log.empty() && !options.model.empty();
  if (!config.ok() && config.error().code == base::ErrorCode::kNotFound && named) return Config{};
  return config;
}

Status read_salts(const ReplayOptions& options, const Config& config, TextKeys& keys) {
  if (!options.salt.empty()) {
    const auto bytes = TRY(base::from_hex(options.salt).context("--salt"));
    daemon_audit::Salt salt;
    if (bytes.size() != salt.size()) return base::invalid_input("--salt: not 64 digits");
    std::copy(bytes.begin(), bytes.end(), salt.begin());
    keys.salt = salt;
    return {};
  }
  // On the appliance itself, for those who may read it; the log of another has another.
  if (!options.source.log.empty()) return {};
  const std::string path = daemon_supervisor::StatePaths(config).audit_salt;
  auto text = base::read_text_file(path, 2 * daemon_audit::kSiteKeyBytes + 1);
  if (!text.ok()) return {};
  std::string_view digits = text.value();
  if (digits.ends_with('\n')) digits.remove_suffix(1);
  auto bytes = base::from_hex(digits);
  base::wipe(std::as_writable_bytes(std::span(text.value())));
  if (!bytes.ok()) return std::move(bytes).error();
  auto key = base::Secret::create(bytes.value());
  base::wipe(bytes.value());
  keys.site_key = TRY(std::move(key));
  return {};
}

Result<TextKeys> read_keys(const ReplayOptions& options, const Config& config) {
  TextKeys keys;
  if (!options.key.empty()) {
    const base::Secret pem = TRY(read_secret_file(options.key));
    keys.opening = TRY(daemon_audit::OpeningKey::parse_pem(pem.expose_text()).context(options.key));
  }
  TRY(read_salts(options, config, keys));
  if (!options.request.empty()) {
    keys.body = TRY(base::read_text_file(options.request, kBodyFileBytesMax));
  }
  const bool of_one = keys.salt || keys.body;
  const bool one = !options.what.empty() && !TRY(selection_of(options)).request.empty();
  if (of_one && !one) {
    return base::invalid_input("--request and --salt are of one request: name it by its id");
  }
  return keys;
}

Result<daemon_engine::LoadedModel> load_model(daemon_replay::ReplayModel& source,
                                              std::uint64_t threads, const base::Clock& clock) {
  if (threads > 0) source.config.threads = static_cast<std::uint32_t>(threads);
  ProgressBar bar("loading");
  const daemon_engine::LoadReporter progress = [&bar](std::uint64_t done, std::uint64_t total,
                                                      std::string_view) {
    bar.update(done, total);
  };
  return daemon_engine::LoadedModel::load(std::move(source.files), {},
                                          {.config = source.config,
                                           .clock = clock,
                                           .progress = progress,
                                           .page = nullptr,
                                           .hooks = {}});
}

// All that one model has answered.
class Replay {
 public:
  Replay(const ReplayOptions& options, const Config& config, const daemon_audit::LogReader& log,
         const TextKeys& keys)
      : options_(options), config_(config), log_(log), texts_(log, keys), report_(options.json) {}

  Result<int> run() {
    // What one backend has answered of one model is asked of one engine.
    std::map<std::pair<std::string, std::string>, std::vector<daemon_replay::FinishedRequest>>
        asked;
    for (auto& request : TRY(log_.select(TRY(selection_of(options_))))) {
      asked[{request.model_digest, backend_of(request)}].push_back(std::move(request));
    }
    for (const auto& [which, finished] : asked) TRY(ask(which.first, which.second, finished));
    report_.end();
    return report_.all_identical() ? kExitOk : kExitFailure;
  }

 private:
  // The configured one; where that is a matter of choice, the one whose kernels the record names.
  std::string backend_of(const daemon_replay::FinishedRequest& finished) const {
    if (config_.engine.backend != "auto") return config_.engine.backend;
    const auto request = log_.request(finished);
    if (!request.ok() || request.value().kernels.starts_with("cpu")) return "cpu";
    return request.value().kernels.starts_with("reference") ? "reference" : "cuda";
  }

  Status ask(const std::string& digest, const std::string& backend,
             const std::vector<daemon_replay::FinishedRequest>& finished) {
    auto source = options_.model.empty()
                      ? daemon_replay::find_model(config_, digest)
                      : daemon_replay::open_model_directory(config_, options_.model);
    if (!source.ok()) {
      refuse(finished, source.error());
      return {};
    }
    source.value().config.backend = backend;
    const auto model = load_model(source.value(), options_.threads, clock_);
    if (!model.ok()) {
      if (model.error().code != base::ErrorCode::kDevice) return model.error();
      refuse(finished, model.error());  // there is no such GPU now
      return {};
    }
    return replay_with(model.value(), source.value(), finished);
  }

  Status replay_with(const daemon_engine::LoadedModel& model,
                     const daemon_replay::ReplayModel& source,
                     const std::vector<daemon_replay::FinishedRequest>& finished) {
    const daemon_replay::ReplayEngine engine{.engine = *model.engine,
                                             .window = source.config.queue_max,
                                             .tools = {*model.tokenizer, model.chat_template.get(),
                                                       model.decoder->shape().context_tokens_max},
                                             .model_digest = model.digest,
                                             .kernels = model.kernel_set};
    return daemon_replay::replay_requests(
        engine, log_, texts_, finished,
        [this](const daemon_replay::Replayed& replayed) { report_.add(replayed); });
  }

  void refuse(const std::vector<daemon_replay::FinishedRequest>& finished, const base::Error& why) {
    for (const auto& which : finished) {
      const auto request = log_.request(which);
      daemon_replay::Verdict verdict;
      verdict.kind = daemon_replay::Verdict::Kind::kRefused;
      verdict.why = why.message;
      report_.add({which.finished, request.ok() ? request.value().id : "", std::move(verdict)});
    }
  }

  const ReplayOptions& options_;
  const Config& config_;
  const base::SystemClock clock_;
  const daemon_replay::RecordedLog log_;
  const daemon_replay::RecordedTexts texts_;
  ReplayReport report_;
};

Result<int> replay(const ReplayOptions& options) {
  constexpr std::uint64_t kThreadsMax = 4'096;
  if (options.threads > kThreadsMax) return base::invalid_input("--threads is 0 to 4096");
  (void)TRY(selection_of(options));
  const Config config = TRY(read_configuration(options));
  const TextKeys keys = TRY(read_keys(options, config));
  const auto log = TRY(daemon_audit::LogReader::open(TRY(options.source.open())));
  return Replay(options, config, log, keys).run();
}

int run_replay_verb(const ReplayOptions& options) {
  const auto exit = replay(options);
  return exit.ok() ? exit.value() : report_failure(exit.error());
}

}  // namespace

void add_audit_replay(Command& audit) {
  Command& verb = audit.add(
      "replay", "ask a model again what it was asked, and compare its answers token by token");
  auto options = std::make_shared<ReplayOptions>();
  options->source.add_to(verb);
  verb.optional_argument("WHAT", options->what,
                         "the id of a request, or FROM-TO of the records that end requests");
  verb.flag("--all", options->all, "every request that the log has both ends of");
  verb.option("--key", options->key, "the auditor's private key: opens sealed texts");
  verb.option("--request", options->request,
              "the body of the one request, as its client kept it, where it was not sealed");
  verb.option("--salt", options->salt,
              "of the one request, from its receipt; on the appliance the site key is used");
  verb.option("--model", options->model,
              "a directory with the model's files, instead of the store's");
  verb.option("--threads", options->threads, "how many to compute on; 0: all there are");
  verb.flag("--json", options->json, "print a JSON object per request and one in the end");
  verb.footer(
      "Exit status 1 when any answer differs, or cannot be asked again as it was. The records are\n"
      "taken as they are: 'redoubt audit verify' first.");
  verb.runs([options] { return run_replay_verb(*options); });
}

}  // namespace daemon_cli
