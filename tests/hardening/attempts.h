// What somebody who has taken over a role would try next. Each attempt is made from inside a
// sandboxed child; none may succeed, at either stage, in any role.
#ifndef TESTS_HARDENING_ATTEMPTS_H_
#define TESTS_HARDENING_ATTEMPTS_H_

#include <span>

namespace hardening {

struct Attempt {
  const char* name;
  int (*action)();  // 0: it worked; otherwise the errno
};

std::span<const Attempt> attempts();

}  // namespace hardening

#endif  // TESTS_HARDENING_ATTEMPTS_H_
