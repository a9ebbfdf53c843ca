// A log's directory, the writers that have written to it, and one life of an auditor after another.
#ifndef TESTS_E2E_AUDIT_CRASH_WORLD_H_
#define TESTS_E2E_AUDIT_CRASH_WORLD_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "hardening/base/result.h"
#include "tests/e2e/audit_crash/dying_calls.h"
#include "tests/e2e/audit_crash/writer.h"

namespace audit_crash {

// What one life is to be like.
struct Life {
  std::uint64_t last_call = 0;  // 0: it ends when it is told to
  Death death = Death::kBefore;
  int reports = 20;          // new ones
  bool new_gateway = false;  // the former one is gone, whatever it was still saying
};

struct Outcome {
  bool died = false;
  std::uint64_t calls = 0;
};

// A value: a copy, with another directory of the same content, goes on by itself.
class World {
 public:
  World(std::string directory, std::uint64_t seed);

  const std::string& directory() const { return directory_; }
  void move_to(std::string directory) { directory_ = std::move(directory); }
  void reseed(std::uint64_t seed) { random_.seed(seed); }

  // One auditor, from its start to its end; then the log is checked. After an end that was asked
  // for, everything that was said is acknowledged, and no journal is left. An error is a finding.
  base::Result<Outcome> live(const Life& life);
  std::uint64_t records() const { return records_; }

 private:
  void plan(const Life& life);
  void plan_one();
  bool plan_finish(const std::string& sealed);
  Writer& supervisor() { return writers_[supervisor_]; }
  Writer& gateway() { return writers_.back(); }
  // True: everything was acknowledged, and the auditor was told that this was all.
  base::Result<bool> serve(base::Fd control);
  base::Status check(bool finished);
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::string directory_;
  std::mt19937_64 random_;
  std::uint64_t names_ = 0;      // of writers, requests and reasons, so far
  std::vector<Writer> writers_;  // of each service the supervisor, and one gateway after another
  std::size_t supervisor_ = 0;
  bool service_ended_ = true;  // the next auditor is another service's
  std::vector<std::string> open_requests_;
  std::vector<std::string> heads_;  // checkpoints after each life, the last few
  std::uint64_t records_ = 0;
};

}  // namespace audit_crash

#endif  // TESTS_E2E_AUDIT_CRASH_WORLD_H_
