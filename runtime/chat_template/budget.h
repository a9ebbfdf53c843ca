// What one rendering may still spend. Every loop over something a template controls draws from here
// first, so a rendering's time and memory follow from ChatTemplateLimits alone.
#ifndef RUNTIME_CHAT_TEMPLATE_BUDGET_H_
#define RUNTIME_CHAT_TEMPLATE_BUDGET_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "hardening/base/result.h"
#include "runtime/chat_template/chat_template.h"

namespace runtime::chat_template {

// List items and dictionary entries counted as alive for as long as this object lives.
class Charge {
 public:
  Charge() = default;
  Charge(Charge&& other) noexcept
      : alive_(std::exchange(other.alive_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Charge& operator=(Charge&&) = delete;
  ~Charge() {
    if (alive_ != nullptr) *alive_ -= count_;
  }

 private:
  friend class Budget;
  std::size_t* alive_ = nullptr;
  std::size_t count_ = 0;
};

class Budget {
 public:
  // Bytes handled for the price of one step: copying this many takes about as long as evaluating a
  // node.
  static constexpr std::size_t kBytesPerStep = 64;

  explicit Budget(const ChatTemplateLimits& limits)
      : limits_(limits), steps_left_(limits.steps_max) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  const ChatTemplateLimits& limits() const { return limits_; }

  base::Status step(std::uint64_t count = 1);
  // Pays for reading or writing `bytes` bytes of text.
  base::Status touch(std::size_t bytes);
  // Pays for comparing up to `count` keys or items.
  base::Status scan(std::size_t count) { return step(count / 16); }
  // Fails when a string of `bytes` bytes would be longer than string_bytes_max.
  base::Status check_string(std::size_t bytes) const;
  // Adds `count` values to those that `charge` holds.
  base::Status take(Charge& charge, std::size_t count);

 private:
  const ChatTemplateLimits limits_;
  std::uint64_t steps_left_;
  std::size_t bytes_owed_ = 0;  // less than kBytesPerStep
  std::size_t values_alive_ = 0;
};

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_BUDGET_H_
