// CHECK(condition): what cannot be false unless we have a bug. Stays in release builds: the process ends,
// the supervisor starts a fresh one. DCHECK is for measured hot loops only and vanishes with NDEBUG.
#ifndef HARDENING_BASE_CHECK_H_
#define HARDENING_BASE_CHECK_H_

namespace base {

// Writes "file:line: CHECK failed: text" to standard error and aborts. Allocates nothing.
[[noreturn]] void check_failed(const char* file, int line, const char* text);

}  // namespace base

#define CHECK(condition)                                                         \
  do {                                                                           \
    if (!(condition)) ::base::check_failed(__FILE__, __LINE__, #condition);      \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition) \
  do {                    \
  } while (false && (condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif

#endif  // HARDENING_BASE_CHECK_H_
