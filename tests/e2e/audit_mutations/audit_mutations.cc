// audit_mutations [--count N] [--seed S] [--threads T] [--verbose]: changes real logs in N ways,
// one closed cleanly and one of a running appliance, and has each verified. Whatever was changed
// must give a finding: by the bytes alone, or, where a whole newest part or a whole log was put in
// place of another, held against what was carried out. The last line is the figure; 0 when all went
// so.
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/audit/log/log_verifier.h"
#include "hardening/base/check.h"
#include "hardening/base/file.h"
#include "tests/e2e/audit_mutations/mutator.h"
#include "tests/e2e/audit_mutations/sample_log.h"

namespace audit_mutations {
namespace {

struct Options {
  std::uint64_t count = 4000;
  std::uint64_t seed = 1;
  unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  bool verbose = false;
};

struct Tally {
  std::uint64_t alone = 0;     // found by the bytes alone
  std::uint64_t evidence = 0;  // found with what was carried out
  std::uint64_t missed = 0;
};

// Shared by all threads.
struct Results {
  std::mutex lock;
  std::map<std::string, Tally> by_kind;
  Tally all;
};

// A copy of the log that is changed and put right again.
class Bench {
 public:
  Bench(const SampleLog& sample, std::string directory)
      : sample_(sample), directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
    audit_test::write_files(directory_, sample.files);
    auto opened = base::open_file(directory_, O_RDONLY | O_DIRECTORY);
    CHECK(opened.ok());
    fd_ = std::move(opened).value();
  }

  std::vector<std::string> findings(Evidence evidence) const {
    daemon_audit::VerifyRequest request{.witnesses = sample_.witnesses};
    if (evidence == Evidence::kCheckpoint) request.checkpoints = {sample_.checkpoint};
    if (evidence == Evidence::kKey) request.key = sample_.key;
    auto report = daemon_audit::verify_log(fd_, request);
    if (!report.ok()) return {report.error().message};
    return std::move(report).value().findings;
  }

  void apply(const Mutation& mutation) const {
    for (const auto& [path, bytes] : mutation.changes) put(path, bytes);
  }
  void undo(const Mutation& mutation) const {
    for (const auto& [path, bytes] : mutation.changes) {
      const auto was = sample_.files.find(path);
      put(path, was == sample_.files.end() ? std::nullopt : std::optional(was->second));
    }
  }

 private:
  void put(const std::string& path, const std::optional<std::string>& bytes) const {
    if (bytes) return audit_test::write_files(directory_, {{path, *bytes}});
    std::filesystem::path gone = std::filesystem::path(directory_) / path;
    std::error_code error;
    std::filesystem::remove(gone, error);
    // Folders that came with it; one with anything left in it stays.
    for (gone = gone.parent_path(); gone != directory_; gone = gone.parent_path()) {
      if (!std::filesystem::is_empty(gone, error) || !std::filesystem::remove(gone, error)) break;
    }
  }

  const SampleLog& sample_;
  std::string directory_;
  base::Fd fd_;
};

void expect_whole(const Bench& bench, const std::string& when) {
  for (const Evidence evidence : {Evidence::kNone, Evidence::kCheckpoint, Evidence::kKey}) {
    const auto findings = bench.findings(evidence);
    for (const std::string& finding : findings) fmt::print(stderr, "{}: {}\n", when, finding);
    if (!findings.empty()) std::exit(1);
  }
}

void try_mutation(const Bench& bench, const Mutation& mutation, const std::string& where,
                  Results& results, bool verbose) {
  bench.apply(mutation);
  auto findings = bench.findings(Evidence::kNone);
  const bool alone = !findings.empty();
  if (!alone && mutation.evidence != Evidence::kNone) findings = bench.findings(mutation.evidence);
  bench.undo(mutation);

  const std::lock_guard guard(results.lock);
  for (Tally* tally : {&results.all, &results.by_kind[where + ": " + mutation.kind]}) {
    ++(alone ? tally->alone : findings.empty() ? tally->missed : tally->evidence);
  }
  if (findings.empty()) fmt::print("MISSED {}: {}\n", where, mutation.what);
  if (verbose && !findings.empty()) {
    fmt::print("{}: {} => {}\n", where, mutation.what, findings.front());
  }
}

void run(const SampleLog& sample, const std::string& scratch, const std::string& where,
         const Options& options, Results& results) {
  expect_whole(Bench(sample, scratch + "/whole"), where + ", unchanged");
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < options.threads; ++t) {
    threads.emplace_back([&, t] {
      const Bench bench(sample, fmt::format("{}/bench-{}", scratch, t));
      Mutator mutator(sample, options.seed * 1'000 + t);
      for (std::uint64_t i = t; i < options.count / 2; i += options.threads) {
        try_mutation(bench, mutator.next(), where, results, options.verbose);
      }
      expect_whole(bench, where + ", put right");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

std::string make_scratch() {
  std::error_code error;
  const bool memory = std::filesystem::is_directory("/dev/shm", error);
  std::string pattern = std::string(memory ? "/dev/shm" : "/tmp") + "/redoubt-mutations-XXXXXX";
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--verbose") {
      options.verbose = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const std::uint64_t value = std::strtoull(argv[++i], nullptr, 10);
    if (name == "--count") {
      options.count = value;
    } else if (name == "--seed") {
      options.seed = value;
    } else if (name == "--threads" && value > 0) {
      options.threads = static_cast<unsigned>(value);
    } else {
      return false;
    }
  }
  return true;
}

int run_all(const Options& options) {
  const std::string scratch = make_scratch();
  Results results;
  for (const bool live : {false, true}) {
    const std::string where = live ? "running" : "closed";
    const std::string place = scratch + "/" + where;
    run(make_sample(place, live), place, where, options, results);
  }
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);

  for (const auto& [kind, tally] : results.by_kind) {
    fmt::print("{:8} {:8} {:8}  {}\n", tally.alone, tally.evidence, tally.missed, kind);
  }
  const Tally& all = results.all;
  fmt::print(
      "{} changes of {} kinds: {} found by the bytes alone, {} with what was carried out, {} "
      "missed\n",
      all.alone + all.evidence + all.missed, results.by_kind.size(), all.alone, all.evidence,
      all.missed);
  return all.missed == 0 && all.alone > 0 ? 0 : 1;
}

}  // namespace
}  // namespace audit_mutations

int main(int argc, char** argv) {
  audit_mutations::Options options;
  if (!audit_mutations::parse(argc, argv, options)) {
    fmt::print(stderr, "audit_mutations [--count N] [--seed S] [--threads T] [--verbose]\n");
    return 2;
  }
  return audit_mutations::run_all(options);
}
