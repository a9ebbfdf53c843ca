// Changes of a bundle, drawn from a seed: bytes of the archive, blocks of it, and what its texts
// and members say.
#ifndef TESTS_PROVISIONING_MUTATIONS_MUTATOR_H_
#define TESTS_PROVISIONING_MUTATIONS_MUTATOR_H_

#include <cstdint>
#include <random>
#include <string>

#include "tests/provisioning/mutations/small_bundle.h"

namespace mutations {

struct Mutation {
  std::string what;     // "flip a bit at 1234": enough to find it again
  std::string archive;  // the changed one
};

class Mutator {
 public:
  // `one` is changed; `other` is a second valid bundle to take pieces from. Both are borrowed.
  Mutator(const Bundle& one, const Bundle& other, std::uint64_t seed)
      : one_(one),
        other_(other),
        archive_(one.archive()),
        other_archive_(other.archive()),
        random_(seed) {}

  Mutation next();
  const std::string& original() const { return archive_; }

 private:
  std::size_t below(std::size_t end);  // 0 to end - 1; 0 when end is 0
  std::size_t offset();                // of a byte, all regions of the archive alike
  std::size_t length(std::size_t from);

  Mutation change_bytes();
  Mutation change_blocks();
  Mutation splice();
  Mutation change_text();
  Mutation change_payload();
  Mutation change_members();
  std::string edit_text(std::string text, std::string& what);

  const Bundle& one_;
  const Bundle& other_;
  std::string archive_;
  std::string other_archive_;
  std::mt19937_64 random_;
};

}  // namespace mutations

#endif  // TESTS_PROVISIONING_MUTATIONS_MUTATOR_H_
