// Stored bytes that are in memory, with a hole of zeros that takes none.
#ifndef TESTS_PROVISIONING_CONTAINER_MEMORY_BYTES_H_
#define TESTS_PROVISIONING_CONTAINER_MEMORY_BYTES_H_

#include <string>

#include "provisioning/container/stored_bytes.h"

class HoledBytes final : public provisioning::StoredBytes {
 public:
  explicit HoledBytes(std::string before, std::uint64_t zeros = 0, std::string after = "")
      : before_(std::move(before)), zeros_(zeros), after_(std::move(after)) {}

  std::uint64_t size() const override { return before_.size() + zeros_ + after_.size(); }

  base::Status read_at(std::uint64_t offset, std::span<std::byte> out) override {
    for (std::byte& byte : out) {
      if (offset >= size()) return base::denied("it ends");
      byte = static_cast<std::byte>(at(offset++));
    }
    return {};
  }

  base::Status check_unchanged() override { return {}; }

 private:
  char at(std::uint64_t offset) const {
    if (offset < before_.size()) return before_[offset];
    offset -= before_.size();
    return offset < zeros_ ? '\0' : after_[offset - zeros_];
  }

  std::string before_;
  std::uint64_t zeros_;
  std::string after_;
};

#endif  // TESTS_PROVISIONING_CONTAINER_MEMORY_BYTES_H_
