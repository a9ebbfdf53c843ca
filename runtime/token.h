// A token of a model's vocabulary.
#ifndef RUNTIME_TOKEN_H_
#define RUNTIME_TOKEN_H_

#include <cstdint>

namespace runtime {

using TokenId = std::int32_t;  // 0 … vocabulary size - 1; kNoToken where a model has none of a kind
inline constexpr TokenId kNoToken = -1;

}  // namespace runtime

#endif  // RUNTIME_TOKEN_H_
