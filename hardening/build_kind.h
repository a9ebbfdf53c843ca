// What kind of build this is, where the sandbox has to know.
#ifndef HARDENING_BUILD_KIND_H_
#define HARDENING_BUILD_KIND_H_

namespace hardening {

// AddressSanitizer and ThreadSanitizer read /proc, trace themselves and make syscalls of their own,
// at exit too. In such builds Landlock, seccomp and the ban on tracing are left out, and the report
// says so.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitizerBuild = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
inline constexpr bool kSanitizerBuild = true;
#else
inline constexpr bool kSanitizerBuild = false;
#endif
#else
inline constexpr bool kSanitizerBuild = false;
#endif

}  // namespace hardening

#endif  // HARDENING_BUILD_KIND_H_
