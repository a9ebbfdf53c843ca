// A test of this program in a process of its own: CUDA does not survive a fork, and some tests
// leave a context that is of no more use.
#ifndef TESTS_GPU_RUN_ALONE_H_
#define TESTS_GPU_RUN_ALONE_H_

#include <string>

namespace gpu_test {

// Runs the test `name` ("Suite.Test") in a child that is given `word`; its exit status, or less
// than 0 when it could not be run or did not end within two minutes.
int run_alone(const std::string& name, const std::string& word);

// Null in a process that is no such child.
const char* child_word();

// Ends a child at once with this test's verdict, without destructors that might wait for a GPU that
// is lost.
[[noreturn]] void leave();

}  // namespace gpu_test

#endif  // TESTS_GPU_RUN_ALONE_H_
