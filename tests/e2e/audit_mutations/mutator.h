// Changes of a log's files, drawn from a seed.
#ifndef TESTS_E2E_AUDIT_MUTATIONS_MUTATOR_H_
#define TESTS_E2E_AUDIT_MUTATIONS_MUTATOR_H_

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/e2e/audit_mutations/sample_log.h"

namespace audit_mutations {

enum class Evidence : std::uint8_t {
  kNone,        // the bytes alone must tell
  kCheckpoint,  // perhaps only a checkpoint that was carried out can
  kKey,         // only the key, known from elsewhere
};

struct Mutation {
  std::string kind;  // for counting: "flip a bit: tile"
  std::string what;  // enough to find it again
  Evidence evidence = Evidence::kNone;
  std::map<std::string, std::optional<std::string>> changes;  // nothing: the file goes
};

class Mutator {
 public:
  // Borrows the sample.
  Mutator(const SampleLog& sample, std::uint64_t seed);

  // Always one that changes something that the log needs.
  Mutation next();

 private:
  using Maker = std::optional<Mutation> (Mutator::*)();

  std::optional<Mutation> flip();
  std::optional<Mutation> truncate();
  std::optional<Mutation> append();
  std::optional<Mutation> remove();
  std::optional<Mutation> swap_files();
  std::optional<Mutation> stray();
  std::optional<Mutation> edit_bundle();
  std::optional<Mutation> rewrite_record();
  std::optional<Mutation> edit_journal();
  std::optional<Mutation> older_checkpoint();
  std::optional<Mutation> other_log();

  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
  const std::string& pick(const std::vector<std::string>& paths) {
    return paths[below(paths.size())];
  }
  bool is_needed(const std::string& path) const;
  Mutation change(std::string verb, const std::string& path, std::string bytes) const;

  const SampleLog& sample_;
  std::mt19937_64 random_;
  std::vector<std::string> paths_;
  std::map<std::string, std::vector<std::string>> by_kind_;
  std::uint64_t published_ = 0;
  std::vector<std::string> journal_sealed_;  // paths of sealed texts that the journal has too
};

// "tile", "bundle", "sealed", "witness", "journal", or the file's own name.
std::string kind_of(const std::string& path);

}  // namespace audit_mutations

#endif  // TESTS_E2E_AUDIT_MUTATIONS_MUTATOR_H_
