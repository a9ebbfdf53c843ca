#include "kernels/cuda/emulated/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "kernels/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define EMULATOR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EMULATOR_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define EMULATOR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EMULATOR_TSAN 1
#endif
#endif

#if defined(EMULATOR_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(EMULATOR_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

#if KERNELS_CUDA_OWN_SWITCH
// System V ABI, AMD64, section 3.2.1: a function keeps rbx, rbp, r12 … r15 and the stack pointer
// for its caller, so they are all there is to a switch. A new fiber's first "return" goes to the
// second function, which calls r13(r12).
extern "C" void kernels_cuda_switch_stacks(void** save_stack_pointer, void* stack_pointer);
extern "C" void kernels_cuda_begin_fiber();
asm(R"(
.text
.p2align 4
.type kernels_cuda_switch_stacks, @function
.globl kernels_cuda_switch_stacks
.hidden kernels_cuda_switch_stacks
kernels_cuda_switch_stacks:
  endbr64
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size kernels_cuda_switch_stacks, .-kernels_cuda_switch_stacks
.p2align 4
.type kernels_cuda_begin_fiber, @function
.globl kernels_cuda_begin_fiber
.hidden kernels_cuda_begin_fiber
kernels_cuda_begin_fiber:
  endbr64
  movq %r12, %rdi
  callq *%r13
  ud2
.size kernels_cuda_begin_fiber, .-kernels_cuda_begin_fiber
)");
#endif

namespace kernels::cuda::emulated {

Fiber::~Fiber() {
#if defined(EMULATOR_TSAN)
  if (entry_ != nullptr && sanitizer_ != nullptr) __tsan_destroy_fiber(sanitizer_);
#endif
}

void Fiber::prepare(void* stack, std::size_t stack_bytes, Entry entry, void* argument) {
#if defined(EMULATOR_ASAN)
  // The frames that were left for good are still marked.
  __asan_unpoison_memory_region(stack, stack_bytes);
  sanitizer_ = nullptr;
#elif defined(EMULATOR_TSAN)
  if (sanitizer_ == nullptr) sanitizer_ = __tsan_create_fiber(0);
#endif
  entry_ = entry;
  argument_ = argument;
  stack_ = stack;
  stack_bytes_ = stack_bytes;
#if KERNELS_CUDA_OWN_SWITCH
  // r15, r14, r13, r12, rbx, rbp, return address; the stack pointer is a multiple of 16 at the call
  // of r13.
  std::uintptr_t frame[8] = {};
  frame[2] = reinterpret_cast<std::uintptr_t>(&Fiber::start);
  frame[3] = reinterpret_cast<std::uintptr_t>(this);
  frame[6] = reinterpret_cast<std::uintptr_t>(&kernels_cuda_begin_fiber);
  static_assert(sizeof frame == 64);
  stack_pointer_ = static_cast<unsigned char*>(stack) + stack_bytes - 72;
  std::memcpy(stack_pointer_, frame, sizeof frame);
#else
  KERNELS_CHECK(getcontext(&context_) == 0);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = stack_bytes;
  context_.uc_link = nullptr;
  // makecontext passes ints; a pointer goes through as two.
  const auto self = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(this));
  makecontext(&context_, reinterpret_cast<void (*)()>(+[](unsigned high, unsigned low) {
    start(reinterpret_cast<void*>(static_cast<std::uintptr_t>(std::uint64_t{high} << 32U | low)));
  }),
              2, static_cast<unsigned>(self >> 32U), static_cast<unsigned>(self));
#endif
}

void Fiber::start(void* fiber) {
  auto* self = static_cast<Fiber*>(fiber);
#if defined(EMULATOR_ASAN)
  // Tells the bounds of the stack that was left, which for the thread's own nobody else knows.
  const void* bottom = nullptr;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &self->came_from_->stack_bytes_);
  self->came_from_->stack_ = const_cast<void*>(bottom);
#endif
  self->entry_(self->argument_);
  std::abort();
}

void Fiber::change(Fiber& to, bool for_good) {
  to.came_from_ = this;
#if defined(EMULATOR_ASAN)
  __sanitizer_start_switch_fiber(for_good ? nullptr : &sanitizer_, to.stack_, to.stack_bytes_);
#elif defined(EMULATOR_TSAN)
  if (sanitizer_ == nullptr) sanitizer_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.sanitizer_, 0);
#endif
  static_cast<void>(for_good);
#if KERNELS_CUDA_OWN_SWITCH
  kernels_cuda_switch_stacks(&stack_pointer_, to.stack_pointer_);
#else
  KERNELS_CHECK(swapcontext(&context_, &to.context_) == 0);
#endif
#if defined(EMULATOR_ASAN)
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(sanitizer_, &bottom, &bytes);
#endif
}

void Fiber::leave_to(Fiber& to) {
  change(to, true);
  std::abort();
}

namespace {
constexpr std::size_t kGuardBytes = 4096;
#if defined(EMULATOR_ASAN) || defined(EMULATOR_TSAN)
constexpr std::size_t kStackBytes = 252 * 1024;  // redzones, and no register is ever shared
#else
constexpr std::size_t kStackBytes = 124 * 1024;
#endif
constexpr std::size_t kStride = kGuardBytes + kStackBytes;
constexpr std::size_t kChunkStacks = 32;
}  // namespace

FiberStacks::~FiberStacks() {
  for (unsigned char* chunk : chunks_) {
#if defined(EMULATOR_ASAN)
    // What its functions left poisoned would stay so for whoever is given these addresses next.
    __asan_unpoison_memory_region(chunk, kStride * kChunkStacks);
#endif
    munmap(chunk, kStride * kChunkStacks);
  }
}

std::size_t FiberStacks::stack_bytes() {
  return kStackBytes;
}

void* FiberStacks::stack(std::size_t index) {
  while (index / kChunkStacks >= chunks_.size()) {
    void* chunk = mmap(nullptr, kStride * kChunkStacks, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    KERNELS_CHECK(chunk != MAP_FAILED);
    chunks_.push_back(static_cast<unsigned char*>(chunk));
    for (std::size_t i = 0; i < kChunkStacks; ++i)
      KERNELS_CHECK(mprotect(chunks_.back() + i * kStride + kGuardBytes, kStackBytes,
                             PROT_READ | PROT_WRITE) == 0);
  }
  return chunks_[index / kChunkStacks] + index % kChunkStacks * kStride + kGuardBytes;
}

bool FiberStacks::in_guard(const void* address) const {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (const unsigned char* chunk : chunks_) {
    const std::uintptr_t offset = at - reinterpret_cast<std::uintptr_t>(chunk);
    if (offset < kStride * kChunkStacks) return offset % kStride < kGuardBytes;
  }
  return false;
}

}  // namespace kernels::cuda::emulated
