// redoubt trust init | update | show | time | anchor: what this appliance trusts. The documents are
// made in trust_document_verbs.cc.
#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/cli/act.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/trust_document_verbs.h"
#include "daemon/cli/trust_report.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "provisioning/trust/time_statement.h"
#include "provisioning/trust/trust_store.h"
#include "provisioning/utc_time.h"

namespace daemon_cli {
namespace {

using provisioning::TrustRoot;
using provisioning::TrustStore;

constexpr std::string_view kRootSuffix = ".root.dsse";

struct SiteOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
  std::string file;
  std::vector<std::string> paths;
  bool json = false;
};

struct AnchorOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
  bool tpm = false;
  std::string nv = "0x01800200";
  std::string tcti = "device:/dev/tpmrm0";
};

base::Result<std::string> trust_path(const std::string& config) {
  // Where a TPM is asked, its library reports failures on standard error too: ours are enough.
  ::setenv("TSS2_LOG", "all+NONE", 0);
  return daemon_supervisor::StatePaths(TRY(daemon_config::read_config(config))).trust;
}

// Pinning a root may be the first thing that is ever done here.
base::Status make_state_directory(const std::string& trust) {
  return daemon_supervisor::ensure_directory(trust.substr(0, trust.rfind('/')),
                                             daemon_supervisor::kStateMode);
}

base::Result<std::string> read_root_text(const std::string& path) {
  return base::read_text_file(path, provisioning::kRootBytesMax);
}

std::int64_t now() {
  return base::SystemClock().unix_seconds();
}

// ---- init

base::Status init(const SiteOptions& options) {
  const std::string text = TRY(read_root_text(options.file));
  const std::string path = TRY(trust_path(options.config));
  TRY(make_state_directory(path));
  auto store = TRY(TrustStore::open(path));
  TRY(store.pin(text));
  fmt::print(
      "This appliance trusts from now on, and everything else follows from it:\n\n{}\n"
      "Compare the key ids with those that the officers have told you.\n",
      format_root(*store.root()));
  return {};
}

// ---- update

struct Candidate {
  std::string path;
  std::string text;
  std::uint64_t version = 0;
};

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

base::Result<std::vector<std::string>> roots_in(const std::string& path) {
  struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (directory == nullptr) return base::io_error(errno, path);
  std::vector<std::string> paths;
  for (errno = 0; const dirent* entry = ::readdir(directory.get());) {
    if (!std::string_view(entry->d_name).ends_with(kRootSuffix)) continue;
    paths.push_back(path + "/" + entry->d_name);
    if (paths.size() > provisioning::kRootsMax) {
      return base::exhausted(
          fmt::format("{} has more than {} trust roots", path, provisioning::kRootsMax));
    }
  }
  if (errno != 0) return base::io_error(errno, path);
  return paths;
}

base::Result<Candidate> read_candidate(const std::string& path) {
  Candidate candidate;
  candidate.path = path;
  candidate.text = TRY(read_root_text(path));
  candidate.version = TRY(provisioning::read_trust_root(candidate.text).context(path)).version;
  return candidate;
}

// Those behind the one in force are left out, unread files of a directory passed over, in the order
// of their versions.
base::Result<std::vector<Candidate>> find_candidates(const std::vector<std::string>& paths,
                                                     std::uint64_t in_force) {
  std::vector<Candidate> candidates;
  const auto take = [&](base::Result<Candidate> candidate) -> base::Status {
    auto found = TRY(std::move(candidate));
    if (found.version > in_force) candidates.push_back(std::move(found));
    return {};
  };
  for (const std::string& path : paths) {
    if (!is_directory(path)) {
      TRY(take(read_candidate(path)));
      continue;
    }
    for (const std::string& file : TRY(roots_in(path))) {
      if (const auto taken = take(read_candidate(file)); !taken.ok()) {
        fmt::print(stderr, "redoubt: passed over: {}\n", taken.error().message);
      }
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.version < b.version; });
  return candidates;
}

// Several documents may call themselves the same version: the first one that may follow is the one.
base::Status walk(TrustStore& store, const std::vector<Candidate>& candidates) {
  std::optional<base::Error> refused;
  for (const Candidate& candidate : candidates) {
    if (candidate.version <= store.root()->version) continue;
    if (refused && candidate.version > store.root()->version + 1) break;
    if (refused) fmt::print(stderr, "redoubt: {}\n", refused->message);
    refused.reset();
    auto status = store.update(candidate.text).context(candidate.path);
    if (status.ok()) {
      fmt::print("version {} follows: {}\n", candidate.version, candidate.path);
    } else {
      refused = std::move(status).error();
    }
  }
  if (refused) return *std::move(refused);
  return {};
}

base::Status update(const SiteOptions& options) {
  auto store = TRY(TrustStore::open(TRY(trust_path(options.config))));
  if (!store.root())
    return base::not_found("there is no trust root yet: 'redoubt trust init' pins the first one");
  const std::uint64_t before = store.root()->version;
  const auto candidates = TRY(find_candidates(options.paths, before));
  const auto status = walk(store, candidates);
  if (store.root()->version == before) {
    fmt::print("version {} stays in force\n", before);
  } else {
    fmt::print("\n{}", format_root(*store.root()));
  }
  return status;
}

// ---- show

base::Status show_file(const SiteOptions& options) {
  const TrustRoot root =
      TRY(provisioning::read_trust_root(TRY(read_root_text(options.file))).context(options.file));
  if (options.json) {
    base::Json json = root_to_json(root);
    json.set("verified", false);
    fmt::print("{}\n", json.dump_pretty());
  } else {
    fmt::print("{}\nThis is what the document says. Nothing was verified.\n", format_root(root));
  }
  return {};
}

base::Status show(const SiteOptions& options) {
  if (!options.file.empty()) return show_file(options);
  const auto store = TRY(TrustStore::open(TRY(trust_path(options.config))));
  if (options.json) {
    const base::Json json =
        base::Json::object({{"root", store.root() ? root_to_json(*store.root()) : base::Json()},
                            {"floors", floors_to_json(store.floors(), store.anchor())}});
    fmt::print("{}\n", json.dump_pretty());
    return {};
  }
  fmt::print(
      "{}\n{}",
      store.root() ? format_root(*store.root()) : "no trust root: 'redoubt trust init' pins one\n",
      format_floors(store.floors(), store.anchor(), now()));
  return {};
}

// ---- time and anchor

base::Status take_time(const SiteOptions& options) {
  const std::string text =
      TRY(base::read_text_file(options.file, provisioning::kTimeStatementBytesMax));
  auto store = TRY(TrustStore::open(TRY(trust_path(options.config))));
  if (!store.root())
    return base::not_found("there is no trust root that says who may state the time");
  const std::int64_t stated = TRY(provisioning::open_time_statement(text, *store.root()));
  const bool older = stated <= store.floors().time;
  TRY(store.raise_time(stated));
  fmt::print("it is at least {}{}\n", provisioning::format_utc_time(store.floors().time),
             older ? ", which was known already" : "");
  return {};
}

base::Status anchor(const AnchorOptions& options) {
  if (!options.tpm) return base::invalid_input("say what to anchor the floors in: --tpm");
  const provisioning::AnchorSettings settings{
      TRY(provisioning::parse_nv_index(options.nv).context("--nv")), options.tcti};
  const std::string path = TRY(trust_path(options.config));
  TRY(TrustStore::anchor_to(path, settings));
  const auto store = TRY(TrustStore::open(path));
  fmt::print("The floors are as they were, and no older copy of them is taken from now on.\n{}",
             format_floors(store.floors(), store.anchor(), now()));
  return {};
}

int finish(const base::Status& status, std::string_view advice = {}) {
  return status.ok() ? kExitOk : report_failure(status.error(), advice);
}

// Runs what changes the state, and the audit log is told of it.
base::Status recorded(std::string command, ActArguments arguments, const std::string& config_path,
                      const std::function<base::Status()>& run) {
  const auto config = TRY(daemon_config::read_config(config_path));
  Act act(std::move(command), std::move(arguments));
  TRY(act.begin(config));
  return act.finish(run());
}

base::Status recorded_init(const SiteOptions& options) {
  return recorded("trust init", {{"file", options.file}}, options.config,
                  [&] { return init(options); });
}

base::Status recorded_update(const SiteOptions& options) {
  return recorded("trust update", {{"paths", fmt::format("{}", fmt::join(options.paths, " "))}},
                  options.config, [&] { return update(options); });
}

base::Status recorded_time(const SiteOptions& options) {
  return recorded("trust time", {{"file", options.file}}, options.config,
                  [&] { return take_time(options); });
}

base::Status recorded_anchor(const AnchorOptions& options) {
  return recorded("trust anchor", {{"nv", options.nv}, {"tcti", options.tcti}}, options.config,
                  [&] { return anchor(options); });
}

constexpr char kConfigHelp[] = "the appliance's configuration: says where its state is";
constexpr char kUnchanged[] = "Nothing was changed.";

void add_site_verbs(Command& trust) {
  auto options = std::make_shared<SiteOptions>();
  Command& init_verb = trust.add("init", "pin the first trust root of this appliance");
  init_verb.argument("FILE", options->file, "a trust root, signed by its own officers");
  init_verb.option("--config", options->config, kConfigHelp);
  init_verb.runs([options] { return finish(recorded_init(*options), kUnchanged); });

  Command& update_verb =
      trust.add("update", "take over newer trust roots, one after the other, none left out");
  update_verb.arguments("PATH", options->paths,
                        "trust roots, or directories with *.root.dsse in them");
  update_verb.option("--config", options->config, kConfigHelp);
  update_verb.runs([options] { return finish(recorded_update(*options)); });

  Command& show_verb =
      trust.add("show", "what this appliance trusts, or what a file would have it trust");
  show_verb.optional_argument("FILE", options->file, "a trust root, signed or not");
  show_verb.option("--config", options->config, kConfigHelp);
  show_verb.flag("--json", options->json, "print JSON");
  show_verb.runs([options] { return finish(show(*options)); });

  Command& time_verb = trust.add("time", "take over a signed statement of the time");
  time_verb.argument("FILE", options->file, "as 'trust create-time' and 'trust sign' make it");
  time_verb.option("--config", options->config, kConfigHelp);
  time_verb.runs([options] { return finish(recorded_time(*options), kUnchanged); });
}

void add_anchor_verb(Command& trust) {
  auto options = std::make_shared<AnchorOptions>();
  Command& verb =
      trust.add("anchor", "let a TPM vouch that what never goes down has not gone down");
  verb.flag("--tpm", options->tpm, "a counter in this machine's TPM 2.0");
  verb.option("--nv", options->nv, "the counter's NV index");
  verb.option("--tcti", options->tcti, "how the TPM is reached");
  verb.option("--config", options->config, kConfigHelp);
  verb.runs([options] { return finish(recorded_anchor(*options), kUnchanged); });
}

}  // namespace

void add_trust(Command& parent) {
  Command& trust = parent.add("trust", "whose signatures count");
  add_trust_document_verbs(trust);
  add_site_verbs(trust);
  add_anchor_verb(trust);
}

}  // namespace daemon_cli
