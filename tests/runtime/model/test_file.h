// A VerifiedFile made of bytes, without a signature: for tests of the loader alone. Tests do not
// link provisioning, whose FileVerifier is the only one elsewhere.
#ifndef TESTS_RUNTIME_MODEL_TEST_FILE_H_
#define TESTS_RUNTIME_MODEL_TEST_FILE_H_

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "hardening/base/check.h"
#include "hardening/base/verified_file.h"

namespace provisioning {

class FileVerifier {
 public:
  static base::VerifiedFile trust(std::span<const std::byte> bytes) {
    void* const memory =
        ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    std::memcpy(memory, bytes.data(), bytes.size());
    return {base::VerifiedFile::PassKey(),
            "test.gguf",
            {},
            std::span(static_cast<std::byte*>(memory), bytes.size()),
            bytes.size()};
  }
};

}  // namespace provisioning

#endif  // TESTS_RUNTIME_MODEL_TEST_FILE_H_
