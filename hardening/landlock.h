// Landlock: file system (and from ABI 4 TCP, from ABI 6 signal and abstract socket) rights given up
// for good.
//
// Rights follow the kernel's documentation (userspace-api/landlock); the constants are our own,
// since the headers of the oldest system we build on stop at ABI 2.
#ifndef HARDENING_LANDLOCK_H_
#define HARDENING_LANDLOCK_H_

#include "hardening/base/result.h"
#include "hardening/device_paths.h"

namespace hardening {

// The ABI this kernel offers; 0 when it has none or it is switched off.
int landlock_abi();

// The newest ABI whose rights we know: a newer kernel is asked for these.
inline constexpr int kLandlockAbiMax = 9;

// Directory descriptors; -1: none.
struct LandlockDirectories {
  int readable = -1;  // files beneath it may be read
  int stored = -1;    // likewise
  int writable = -1;  // files beneath it may be read, written, made and renamed, not removed
  const DevicePaths* paths =
      nullptr;  // borrowed; null: none. Those that are not there are left out
};

// Gives up every right the ABI knows but those. Binds the calling thread and what it starts later
// (from ABI 8 the whole process), so it is called before the first thread. Requires no_new_privs.
// Descriptors that are open keep their rights.
base::Status restrict_with_landlock(int abi, LandlockDirectories directories);

}  // namespace hardening

#endif  // HARDENING_LANDLOCK_H_
