// Counts what goes through operator new while armed: links a replacement of it
// (allocation_counter.cc).
#ifndef TESTS_RUNTIME_MODEL_ALLOCATION_COUNTER_H_
#define TESTS_RUNTIME_MODEL_ALLOCATION_COUNTER_H_

#include <cstddef>

void arm_allocation_counter();
// Allocations, of all threads, since it was armed.
std::size_t disarm_allocation_counter();

#endif  // TESTS_RUNTIME_MODEL_ALLOCATION_COUNTER_H_
