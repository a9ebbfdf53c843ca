// A VerifiedFile made of bytes, and weights taken over, without a signature: for tests of the
// loader alone. Tests do not
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
#include "hardening/base/verified_weights.h"

namespace provisioning {

class FileVerifier {
 public:
  static base::VerifiedFile trust(std::span<const std::byte> bytes,
                                  const base::VerifiedFile::Sha256Digest& digest = {}) {
    void* const memory =
        ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    std::memcpy(memory, bytes.data(), bytes.size());
    return {base::VerifiedFile::PassKey(), "test.gguf", digest,
            std::span(static_cast<std::byte*>(memory), bytes.size()), bytes.size()};
  }
  static base::Result<base::VerifiedWeights> inherit(
      base::Fd weights, const base::VerifiedFile::Sha256Digest& digest = {}) {
    return base::VerifiedWeights::inherit(base::VerifiedFile::PassKey(), std::move(weights),
                                          digest);
  }
};

}  // namespace provisioning

#endif  // TESTS_RUNTIME_MODEL_TEST_FILE_H_
