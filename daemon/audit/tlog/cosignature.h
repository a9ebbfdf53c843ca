// What a witness signs (C2SP tlog-cosignature): a time, and a checkpoint it has seen to be
// consistent.
#ifndef DAEMON_AUDIT_TLOG_COSIGNATURE_H_
#define DAEMON_AUDIT_TLOG_COSIGNATURE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::size_t kCosignatureTimeBytes = 8;

struct Cosignature {
  std::uint64_t time = 0;  // seconds since 1970
  std::string_view signature;
};
// `bytes` as they stand behind the key id: the time, big-endian, then the signature. Borrows.
base::Result<Cosignature> parse_cosignature(std::string_view bytes);

// The messages that are signed over the checkpoint `text`.
std::string cosigned_text(std::uint64_t time, std::string_view text);  // Ed25519
base::Result<std::string> cosigned_message(std::string_view cosigner, std::uint64_t time,
                                           std::string_view text);  // ML-DSA-44

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_TLOG_COSIGNATURE_H_
