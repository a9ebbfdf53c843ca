// Runs something in a forked child and says how the child ended: what a sandbox test does is not to
// be survived.
#ifndef TESTS_HARDENING_CHILD_PROCESS_H_
#define TESTS_HARDENING_CHILD_PROCESS_H_

#include <functional>
#include <ostream>

namespace hardening {

struct Ending {
  int exit_status = -1;  // of a child that exited
  int signal = 0;        // that killed it

  friend bool operator==(const Ending&, const Ending&) = default;
};
inline Ending exited(int status) {
  return {status, 0};
}
inline Ending killed_by(int signal) {
  return {-1, signal};
}
std::ostream& operator<<(std::ostream& out, const Ending& ending);

// The child exits with what `action` returns (0 to 255: 0 or an errno, by habit).
Ending in_child(const std::function<int()>& action);

// Exit statuses that no errno uses.
inline constexpr int kSetupFailed = 250;

}  // namespace hardening

#endif  // TESTS_HARDENING_CHILD_PROCESS_H_
