#include "hardening/base/result.h"

#include <cstring>

namespace base {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidInput: return "invalid_input";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kDenied: return "denied";
    case ErrorCode::kExhausted: return "exhausted";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kDevice: return "device";
    case ErrorCode::kUnsupported: return "unsupported";
  }
  return "unknown";
}

Error io_error(int sys_errno, std::string_view doing) {
  char text[128];
  const char* reason = strerror_r(sys_errno, text, sizeof text);  // the GNU form, which returns the text
  return {ErrorCode::kIo, sys_errno, std::string(doing) + ": " + reason};
}

}  // namespace base
