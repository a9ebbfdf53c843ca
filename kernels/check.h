// KERNELS_CHECK(condition): what cannot be false unless a caller has a bug (ops.h, "errors"). Stays
// in release builds: the process ends, its supervisor starts a fresh one.
#ifndef KERNELS_CHECK_H_
#define KERNELS_CHECK_H_

namespace kernels {

// Writes "file:line: KERNELS_CHECK failed: text" to standard error and aborts. Allocates nothing.
[[noreturn]] void check_failed(const char* file, int line, const char* text);

}  // namespace kernels

#define KERNELS_CHECK(condition)                                               \
  do {                                                                         \
    if (!(condition)) ::kernels::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)

#endif  // KERNELS_CHECK_H_
