// The allocator's functions as everybody in the process finds them, our code and the shared
// libraries alike. What does not fail is glibc's own.
#include <cerrno>
#include <cstddef>

#include "tests/e2e/failing_redoubt/failure_plan.h"

using failing::Call;

extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  return failing::fails(Call::k_malloc) ? nullptr : __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
  return failing::fails(Call::k_malloc) ? nullptr : __libc_calloc(count, bytes);
}

void* realloc(void* memory, std::size_t bytes) {
  // With no bytes it frees, which does not fail.
  const bool frees = memory != nullptr && bytes == 0;
  return !frees && failing::fails(Call::k_malloc) ? nullptr : __libc_realloc(memory, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return failing::fails(Call::k_malloc) ? nullptr : __libc_memalign(alignment, bytes);
}

void* memalign(std::size_t alignment, std::size_t bytes) {
  return aligned_alloc(alignment, bytes);
}

int posix_memalign(void** out_memory, std::size_t alignment, std::size_t bytes) {
  const int before = errno;
  void* const memory = aligned_alloc(alignment, bytes);
  errno = before;
  if (memory == nullptr) return ENOMEM;
  *out_memory = memory;
  return 0;
}

}  // extern "C"
