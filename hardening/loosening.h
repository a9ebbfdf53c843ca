// The only way to a sandbox with less in it: a token that names what is left out and why. Its
// constructor is private; whoever loosens a policy goes through one of the factories below, so that
// a search for "Loosening::" finds all of them.
#ifndef HARDENING_LOOSENING_H_
#define HARDENING_LOOSENING_H_

#include <cstdint>
#include <set>
#include <string_view>

#include "hardening/syscall_rules.h"

namespace hardening {

// The steps that can be left out at all; the others cannot be.
enum class Step : std::uint8_t { kEmptyRoot, kNotDumpable, kLandlock, kThreadLimit, kSeccomp };
using StepSet = std::set<Step>;
std::string_view step_name(Step step);

class Loosening {
 public:
  // AddressSanitizer and ThreadSanitizer read /proc, trace themselves and make syscalls of their
  // own, at exit too. Leaves out nothing in any other build.
  static Loosening for_sanitizers();

  // For programs of the tests alone, and defined only there (tests/hardening/probe_loosening.cc): a
  // product that used it would not link. Allows `added` at both stages.
  static Loosening for_probe(SyscallRules added);

  const StepSet& left_out() const { return left_out_; }
  const SyscallRules& added() const { return added_; }
  std::string_view why() const { return why_; }

 private:
  Loosening(StepSet left_out, SyscallRules added, std::string_view why)
      : left_out_(std::move(left_out)), added_(std::move(added)), why_(why) {}

  StepSet left_out_;
  SyscallRules added_;
  std::string_view why_;  // a literal
};

}  // namespace hardening

#endif  // HARDENING_LOOSENING_H_
