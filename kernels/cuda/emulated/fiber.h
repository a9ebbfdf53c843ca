// Fibers: threads of execution that hand the processor to each other, and stacks for them. One
// thread of the system.
#ifndef KERNELS_CUDA_EMULATED_FIBER_H_
#define KERNELS_CUDA_EMULATED_FIBER_H_

#include <cstddef>
#include <vector>

// The switch is written by hand where that was done; elsewhere, or where asked for, it is that of
// ucontext.h, which makes a system call each time.
#if defined(__x86_64__) && !defined(KERNELS_CUDA_UCONTEXT)
#define KERNELS_CUDA_OWN_SWITCH 1
#else
#define KERNELS_CUDA_OWN_SWITCH 0
#include <ucontext.h>
#endif

namespace kernels::cuda::emulated {

class Fiber {
 public:
  using Entry = void (*)(void* argument);

  Fiber() = default;  // without prepare(): whoever calls switch_to first, to be come back to
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  Fiber(Fiber&& other) noexcept = delete;

  // The next switch to it calls entry(argument) on this stack. `entry` never returns: it ends with
  // leave_to.
  void prepare(void* stack, std::size_t stack_bytes, Entry entry, void* argument);
  // Goes on in `to`, and returns when somebody switches back.
  void switch_to(Fiber& to) { change(to, false); }
  // For good: until it is prepared anew.
  [[noreturn]] void leave_to(Fiber& to);

 private:
  void change(Fiber& to, bool for_good);
  static void start(void* fiber);

  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  void* stack_ = nullptr;
  std::size_t stack_bytes_ = 0;
  Fiber* came_from_ = nullptr;
#if KERNELS_CUDA_OWN_SWITCH
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_ = {};
#endif
  // AddressSanitizer: the fake stack. ThreadSanitizer: its own fiber.
  [[maybe_unused]] void* sanitizer_ = nullptr;
};

// Stacks with an inaccessible page below each. Memory is only used where it is touched.
class FiberStacks {
 public:
  FiberStacks() = default;
  ~FiberStacks();
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;

  static std::size_t stack_bytes();
  // Stack `index`; stays where it is.
  void* stack(std::size_t index);
  // Whether a fault at `address` is one of these stacks having overflowed.
  bool in_guard(const void* address) const;

 private:
  std::vector<unsigned char*> chunks_;
};

}  // namespace kernels::cuda::emulated

#endif  // KERNELS_CUDA_EMULATED_FIBER_H_
