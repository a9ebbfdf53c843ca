// The signature algorithms behind signed notes, through OpenSSL. Keys are raw bytes.
#ifndef DAEMON_AUDIT_TLOG_SIGNATURE_SCHEME_H_
#define DAEMON_AUDIT_TLOG_SIGNATURE_SCHEME_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "daemon/audit/tlog/note.h"
#include "hardening/base/result.h"

namespace daemon_audit {

// Bytes of a public key of that type.
std::size_t public_key_bytes(NoteKeyType type);

// kInvalidInput: not a key of that type. An algorithm that the OpenSSL at hand lacks passes.
base::Status check_public_key(NoteKeyType type, std::string_view key);

// kDenied: the signature does not hold. kUnsupported: the OpenSSL at hand lacks the algorithm.
base::Status verify_signature(NoteKeyType type, std::string_view key, std::string_view message,
                              std::string_view signature);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_TLOG_SIGNATURE_SCHEME_H_
