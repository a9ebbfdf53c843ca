// Whether a generation request may be admitted at all.
#ifndef RUNTIME_ENGINE_REQUEST_CHECK_H_
#define RUNTIME_ENGINE_REQUEST_CHECK_H_

#include <cstddef>

#include "hardening/base/result.h"
#include "runtime/engine/request.h"

namespace runtime {

struct RequestBounds {
  std::size_t vocabulary = 0;  // of the tokenizer
  std::size_t context_tokens_max = 0;
  std::size_t block_tokens = 0;
  std::size_t blocks = 0;
};

// kInvalidInput names the field and its limit; kExhausted says what the request needs and what
// there is.
base::Status check_request(const GenerationRequest& request, const RequestBounds& bounds);

}  // namespace runtime

#endif  // RUNTIME_ENGINE_REQUEST_CHECK_H_
