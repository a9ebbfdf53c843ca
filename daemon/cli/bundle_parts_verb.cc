// redoubt bundle split | join: a bundle on several media.
#include <fmt/format.h>

#include <memory>

#include "daemon/cli/bundle_verbs.h"
#include "daemon/cli/byte_size.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "provisioning/container/split.h"

namespace daemon_cli {
namespace {

struct SplitOptions {
  std::string path;
  std::string size;
  std::string directory;
};

struct JoinOptions {
  std::string directory;
  std::string output;
};

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

base::Status split(const SplitOptions& options) {
  const std::uint64_t size = TRY(parse_byte_size(options.size).context("--size"));
  const std::string directory =
      options.directory.empty() ? parent_of(options.path) : options.directory;
  provisioning::PartsIndex index;
  {
    ProgressBar bar("splitting");
    index = TRY(provisioning::split_archive(options.path, size, directory, bar.callback()));
  }
  fmt::print("{} parts of at most {} bytes in {}\n", index.sha256.size(), size, directory);
  return {};
}

base::Status join(const JoinOptions& options) {
  {
    ProgressBar bar("joining");
    TRY(provisioning::join_parts(options.directory, options.output, bar.callback()));
  }
  fmt::print("{}\n", options.output);
  return {};
}

int run_split(const SplitOptions& options) {
  const auto status = split(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

int run_join(const JoinOptions& options) {
  const auto status = join(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace

void add_bundle_parts(Command& bundle) {
  Command& split_verb = bundle.add("split", "cut a bundle into parts that fit a medium");
  auto split_options = std::make_shared<SplitOptions>();
  split_verb.argument("BUNDLE", split_options->path, "NAME.rdb; it stays as it is");
  split_verb.required_option("--size", split_options->size,
                             "of each part but the last (4GB, 32GiB)");
  split_verb.option("-o,--output", split_options->directory,
                    "the directory for the parts; the bundle's own when not given");
  split_verb.runs([split_options] { return run_split(*split_options); });

  Command& join_verb = bundle.add("join", "put the parts of a bundle together again");
  auto join_options = std::make_shared<JoinOptions>();
  join_verb.argument("DIRECTORY", join_options->directory,
                     "where NAME.rdb.parts and all the parts are");
  join_verb.required_option("-o,--output", join_options->output, "NAME.rdb");
  join_verb.runs([join_options] { return run_join(*join_options); });
}

}  // namespace daemon_cli
