#include "hardening/crash_report.h"

#include <link.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "hardening/base/check.h"

namespace hardening {
namespace {

struct NamedSignal {
  int number;
  std::string_view name;
};
constexpr NamedSignal kSignals[] = {{SIGSEGV, "SIGSEGV"},
                                    {SIGBUS, "SIGBUS"},
                                    {SIGILL, "SIGILL"},
                                    {SIGFPE, "SIGFPE"},
                                    {SIGABRT, "SIGABRT"}};
constexpr int kExitBase = 128;      // as shells count
constexpr int kSentExitBase = 192;  // beyond every signal of the former

// Where a loaded file lies. Found beforehand: the handler may call nothing that takes a lock.
struct LoadedFile {
  std::array<char, 32> name{};
  std::uintptr_t base = 0;
  std::uintptr_t end = 0;
};

// A signal handler has nothing but what is global. Written once, by install_crash_report().
struct Facts {
  std::array<char, 16> role{};
  std::array<LoadedFile, 24> files;
  std::size_t file_count = 0;
  pid_t self = 0;
  bool terminal = false;
};
Facts g_facts;                                        // NOLINT
std::atomic<bool> g_reporting{false};                 // NOLINT
alignas(16) std::array<char, 64 * 1024> g_own_stack;  // NOLINT

template <std::size_t kBytes>
void copy_name(std::string_view text, std::array<char, kBytes>& to) {
  std::memcpy(to.data(), text.data(), std::min(text.size(), kBytes - 1));
}

int remember_file(dl_phdr_info* info, std::size_t, void*) {
  if (g_facts.file_count == g_facts.files.size()) return 1;
  LoadedFile& file = g_facts.files[g_facts.file_count++];
  const std::string_view path = info->dlpi_name;
  copy_name(path.empty() ? "redoubt" : path.substr(path.rfind('/') + 1), file.name);
  file.base = info->dlpi_addr;
  for (std::size_t i = 0; i < info->dlpi_phnum; ++i) {
    const auto& part = info->dlpi_phdr[i];
    if (part.p_type == PT_LOAD)
      file.end = std::max(file.end, file.base + part.p_vaddr + part.p_memsz);
  }
  return 0;
}

// A line of bounded length, put together without any library.
class Line {
 public:
  void add(std::string_view text) {
    const std::size_t taken = std::min(text.size(), text_.size() - length_);
    std::memcpy(text_.data() + length_, text.data(), taken);
    length_ += taken;
  }
  void add_hex(std::uintptr_t number) {
    std::array<char, 2 + 2 * sizeof number> digits;
    std::size_t at = digits.size();
    do {
      digits[--at] = "0123456789abcdef"[number % 16];
      number /= 16;
    } while (number != 0);
    digits[--at] = 'x';
    digits[--at] = '0';
    add({digits.data() + at, digits.size() - at});
  }
  void write() const {
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text_.data(), length_);
  }

 private:
  std::array<char, 256> text_;
  std::size_t length_ = 0;
};

void add_place(Line& line, std::uintptr_t instruction) {
  for (std::size_t i = 0; i < g_facts.file_count; ++i) {
    const LoadedFile& file = g_facts.files[i];
    if (instruction < file.base || instruction >= file.end) continue;
    line.add(file.name.data());
    line.add("+");
    return line.add_hex(instruction - file.base);
  }
  line.add_hex(instruction);
}

std::uintptr_t instruction_of(const ucontext_t& context) {
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return static_cast<std::uintptr_t>(context.uc_mcontext.pc);
#else
  return 0;
#endif
}

// Faults come from the kernel, abort() from ourselves.
bool is_sent(const siginfo_t& info) {
  return info.si_code <= 0 && info.si_pid != g_facts.self;
}

void report(int signal, const siginfo_t& info, const ucontext_t& context) {
  Line line;
  if (!g_facts.terminal) line.add("<3>");
  line.add(g_facts.role.data());
  line.add(": crashed signal=");
  for (const NamedSignal& known : kSignals) {
    if (known.number == signal) line.add(known.name);
  }
  if (is_sent(info)) line.add(" sent=outside");
  // Signals that somebody sent, abort() among them, come without an address.
  if (info.si_code > 0) {
    line.add(" address=");
    line.add_hex(reinterpret_cast<std::uintptr_t>(info.si_addr));
  }
  line.add(" at=");
  add_place(line, instruction_of(context));
  line.add("\n");
  line.write();
}

void handle(int signal, siginfo_t* info, void* context) {
  // The first thread that crashes speaks for all; another waits for the end that is near.
  while (g_reporting.exchange(true)) {
  }
  report(signal, *info, *static_cast<const ucontext_t*>(context));
  ::_exit((is_sent(*info) ? kSentExitBase : kExitBase) + signal);
}

}  // namespace

void install_crash_report(std::string_view role) {
  copy_name(role, g_facts.role);
  g_facts.self = ::getpid();
  g_facts.terminal = ::isatty(STDERR_FILENO) == 1;
  g_facts.file_count = 0;
  ::dl_iterate_phdr(remember_file, nullptr);
  stack_t stack{};
  stack.ss_sp = g_own_stack.data();
  stack.ss_size = g_own_stack.size();
  CHECK(::sigaltstack(&stack, nullptr) == 0);
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_flags =
      SA_SIGINFO | SA_ONSTACK;  // blocked while handled: a second one ends the process
  for (const NamedSignal& known : kSignals) CHECK(::sigaction(known.number, &action, nullptr) == 0);
}

std::optional<ReportedCrash> reported_crash(int exit_status) {
  const bool sent = exit_status >= kSentExitBase;
  const int signal = exit_status - (sent ? kSentExitBase : kExitBase);
  return is_crash_signal(signal) ? std::optional(ReportedCrash{signal, sent}) : std::nullopt;
}

bool is_crash_signal(int signal) {
  return std::any_of(std::begin(kSignals), std::end(kSignals),
                     [&](const NamedSignal& known) { return known.number == signal; });
}

}  // namespace hardening
