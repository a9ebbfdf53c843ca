// The hashes of a Merkle tree: RFC 6962 section 2.1 (the same in RFC 9162), SHA-256.
#ifndef DAEMON_AUDIT_TLOG_HASH_H_
#define DAEMON_AUDIT_TLOG_HASH_H_

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace daemon_audit {

inline constexpr std::size_t kHashBytes = 32;
using Hash = std::array<std::byte, kHashBytes>;

Hash hash_leaf(std::string_view entry);               // SHA-256(0x00 || entry)
Hash hash_node(const Hash& left, const Hash& right);  // SHA-256(0x01 || left || right)
Hash hash_empty_tree();                               // SHA-256("")

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_TLOG_HASH_H_
