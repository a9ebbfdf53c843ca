#include "kernels/cuda/emulated/fault_handler.h"

#include "kernels/check.h"

namespace kernels::cuda::emulated {
namespace {

constexpr std::size_t kSignalStackBytes = 64 * 1024;
ClusterRun* watched = nullptr;

void on_fault(int number, siginfo_t* info, void*) {
  if (watched != nullptr) watched->explain_fault(info->si_addr);
  // Not one of ours: the access is made again, and ends the process as it would have.
  struct sigaction plain = {};
  plain.sa_handler = SIG_DFL;
  sigaction(number, &plain, nullptr);
}

}  // namespace

FaultHandler::FaultHandler(ClusterRun& run) : stack_(kSignalStackBytes) {
  KERNELS_CHECK(watched == nullptr);
  watched = &run;
  stack_t stack = {};
  stack.ss_sp = stack_.data();
  stack.ss_size = stack_.size();
  KERNELS_CHECK(sigaltstack(&stack, &former_stack_) == 0);
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  KERNELS_CHECK(sigaction(SIGSEGV, &action, &former_action_) == 0);
}

FaultHandler::~FaultHandler() {
  sigaction(SIGSEGV, &former_action_, nullptr);
  sigaltstack(&former_stack_, nullptr);
  watched = nullptr;
}

}  // namespace kernels::cuda::emulated
