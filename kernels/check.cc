#include "kernels/check.h"

#include <cstdio>
#include <cstdlib>

namespace kernels {

void check_failed(const char* file, int line, const char* text) {
  (void)std::fprintf(stderr, "%s:%d: KERNELS_CHECK failed: %s\n", file, line, text);
  std::abort();
}

}  // namespace kernels
