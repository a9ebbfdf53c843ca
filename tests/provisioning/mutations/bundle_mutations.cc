// bundle_mutations [--count N] [--seed S] [--verbose]: changes a valid bundle in N ways and gives
// each to the importer's own code. Nothing changed may come in, but for the few ways to write the
// same signed things, and then what comes in is exactly what was signed. The last line is the
// figure; 0 when all went so.
#include <fmt/format.h>
#include <stdlib.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "hardening/base/hex.h"
#include "provisioning/sha256.h"
#include "tests/provisioning/mutations/accepted_change.h"
#include "tests/provisioning/mutations/mutator.h"
#include "tests/provisioning/mutations/one_import.h"
#include "tests/provisioning/mutations/small_bundle.h"

namespace mutations {
namespace {

using daemon_importer::ImportResult;
using daemon_importer::Verdict;

constexpr double kSecondsMax = 5;  // of one import of some 200 KiB, sanitized and on a busy machine

struct Options {
  std::uint64_t count = 2000;
  std::uint64_t seed = 1;
  bool verbose = false;
};

struct Tally {
  std::uint64_t refused = 0;
  std::map<std::string, std::uint64_t> accepted;  // by the liberty taken
  std::uint64_t wrong = 0;
  double slowest = 0;
};

// What is staged is that bundle, byte for byte: every file, under the release's id, and nothing
// else.
bool staged_is(const std::map<std::string, std::string>& staged, const Bundle& bundle) {
  std::set<std::string> expected{bundle.id + "/release.dsse", bundle.id + "/model.sig",
                                 bundle.id + "/objects"};
  for (const auto& [name, content] : bundle.files) {
    const std::string object = bundle.id + "/" + base::to_hex(provisioning::sha256(content));
    const auto found = staged.find(object);
    if (found == staged.end() || found->second != content) return false;
    expected.insert(object);
    expected.insert(object + ".chunks");
  }
  for (const auto& [name, content] : staged) {
    if (!expected.contains(name)) return false;
  }
  return true;
}

// Why it may have come in: what it is the same as, and by which liberty.
Liberty justify(const std::string& archive, const std::map<std::string, std::string>& staged,
                const Bundle& one, const Bundle& other) {
  for (const Bundle* bundle : {&one, &other}) {
    if (!staged_is(staged, *bundle)) continue;
    return judge_change(bundle->archive(), archive);
  }
  return Liberty::kNone;
}

base::Status try_one(Importer& importer, const Mutation& mutation, const Bundle& one,
                     const Bundle& other, const Options& options, Tally& tally) {
  const auto started = std::chrono::steady_clock::now();
  const ImportResult result = TRY(importer.run(mutation.archive));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  tally.slowest = std::max(tally.slowest, seconds);
  std::string verdict;
  if (result.verdict == Verdict::kStaged) {
    const Liberty liberty = justify(mutation.archive, importer.staged(), one, other);
    verdict = fmt::format("accepted: {}", liberty_name(liberty));
    if (liberty == Liberty::kNone) {
      fmt::print("FAILED  {}: accepted, and it is not what was signed\n", mutation.what);
      ++tally.wrong;
    } else {
      ++tally.accepted[std::string(liberty_name(liberty))];
    }
  } else {
    verdict = "refused: " + result.error;
    if (result.error.empty()) {
      fmt::print("FAILED  {}: refused without a reason\n", mutation.what);
      ++tally.wrong;
    }
    ++tally.refused;
  }
  if (seconds > kSecondsMax) {
    fmt::print("FAILED  {}: took {:.1f} s\n", mutation.what, seconds);
    ++tally.wrong;
  }
  if (options.verbose) fmt::print("{}: {}\n", mutation.what, verdict);
  importer.clear();
  return {};
}

// Blocks swapped with themselves are no change, and one good bundle in place of another is none
// either: neither counts.
Mutation next_change(Mutator& mutator, const Bundle& one, const Bundle& other) {
  const std::string one_archive = one.archive();
  const std::string other_archive = other.archive();
  for (;;) {
    Mutation mutation = mutator.next();
    if (mutation.archive != one_archive && mutation.archive != other_archive) return mutation;
  }
}

base::Status run(const Options& options, const std::string& directory, Tally& tally) {
  const SmallSite site = TRY(SmallSite::create());
  const Bundle one = TRY(make_bundle(site, 1));
  const Bundle other = TRY(make_bundle(site, 2));
  Importer importer = TRY(Importer::create(site, directory));
  // Both are good as they are, or nothing below would mean anything.
  for (const Bundle* bundle : {&one, &other}) {
    const ImportResult result = TRY(importer.run(bundle->archive()));
    if (result.verdict != Verdict::kStaged || !staged_is(importer.staged(), *bundle)) {
      return base::invalid_input("the unchanged bundle is not taken: " + result.error);
    }
    importer.clear();
  }
  Mutator mutator(one, other, options.seed);
  for (std::uint64_t i = 0; i < options.count; ++i)
    TRY(try_one(importer, next_change(mutator, one, other), one, other, options, tally));
  return {};
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--verbose") {
      options.verbose = true;
    } else if ((word == "--count" || word == "--seed") && i + 1 < argc) {
      (word == "--count" ? options.count : options.seed) = std::strtoull(argv[++i], nullptr, 10);
    } else {
      return false;
    }
  }
  return true;
}

std::string scratch_directory() {
  std::error_code error;
  const bool memory =
      std::filesystem::is_directory("/dev/shm", error);  // spares the disk some 10,000 syncs
  std::string path = memory ? "/dev/shm/redoubt-mutations-XXXXXX" : "/tmp/redoubt-mutations-XXXXXX";
  return ::mkdtemp(path.data()) != nullptr ? path : std::string();
}

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    fmt::print(stderr, "usage: bundle_mutations [--count N] [--seed S] [--verbose]\n");
    return 2;
  }
  const std::string directory = scratch_directory();
  Tally tally;
  const base::Status status = directory.empty()
                                  ? base::Status(base::unavailable("no scratch directory"))
                                  : run(options, directory, tally);
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  if (!status.ok()) {
    fmt::print("FAILED  {}\n", status.error().message);
    return 1;
  }
  std::string accepted;
  for (const auto& [liberty, count] : tally.accepted)
    accepted += fmt::format(", {} {}", count, liberty);
  fmt::print("{} mutations of seed {}: {} refused{}; {} wrong, the slowest took {:.0f} ms\n",
             options.count, options.seed, tally.refused, accepted, tally.wrong,
             tally.slowest * 1e3);
  return tally.wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace mutations

int main(int argc, char** argv) {
  return mutations::main(argc, argv);
}
