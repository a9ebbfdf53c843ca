// Memory put by for the moment when there is no more.
//
// Code without exceptions cannot be told that an allocation failed: `new` would end the process,
// and with it everybody's requests. So a reserve is given back to the allocator first, which then
// has what was asked for. Bounds on every request keep the process from coming here again before
// the reserve is filled up.
#ifndef HARDENING_BASE_MEMORY_RESERVE_H_
#define HARDENING_BASE_MEMORY_RESERVE_H_

namespace base {

// Takes the reserve and sees to it that a failing `new` spends it. Once in a process, early.
// Without memory for it, says so on the log and goes on without.
void hold_memory_reserve();

// Gives the reserve back to the allocator, as a failing `new` does; for C libraries that say by a
// null pointer that there is no memory, so that they can be asked once more. Does not return when
// there is none. Any thread.
void spend_memory_reserve();

// Whether it was spent and not filled up since; tries to fill it up. Cheap: for event loops to ask
// now and then.
bool memory_is_short();

}  // namespace base

#endif  // HARDENING_BASE_MEMORY_RESERVE_H_
