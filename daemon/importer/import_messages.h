// What an importer says to the command that started it; it is told nothing. One SOCK_SEQPACKET
// message each, fixed layout, little-endian, texts preceded by their length (u16). Every text is
// bounded, and so is what it may consist of: the reader is more privileged than the writer, who has
// read a stranger's medium.
//
//   1 started    id (64 hex digits), u64 bytes of all files: signatures hold, files come next
//   2 progress   u64 done, u64 total, text of what is done; before `started`, of nothing: the sandbox is closed
//   3 result     once, the last; ImportResult below
#ifndef DAEMON_IMPORTER_IMPORT_MESSAGES_H_
#define DAEMON_IMPORTER_IMPORT_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_importer {

inline constexpr std::size_t kMessageBytesMax = 64u << 10;
inline constexpr std::size_t kErrorBytesMax = 4u << 10;
inline constexpr std::size_t kWhatBytesMax = 64;
inline constexpr std::size_t kWarningsMax = 16;
inline constexpr std::size_t kWarningBytesMax = 1u << 10;
inline constexpr std::size_t kSignersMax = 64;

struct Started {
  std::string id;
  std::uint64_t bytes = 0;
};

struct Progress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::string what;
};

// What is to become of what was staged.
enum class Verdict : std::uint8_t {
  kStaged = 0,   // everything is there: publish it
  kRefused = 1,  // what the medium holds is wrong
  kMedium = 2,   // the medium failed: what is staged is good for another try
  kSpace = 3,    // the store's disk is full, or failed
};

struct ImportResult {
  Verdict verdict = Verdict::kRefused;
  bool bare = false;
  bool resumed = false;  // went on where an earlier run was
  std::string error;     // why not; empty when staged
  std::string name;      // as in about.json, from here on
  std::uint64_t sequence = 0;
  std::string version;
  std::vector<std::string> signers;
  std::vector<std::string> warnings;
};

using ImportMessage = std::variant<Started, Progress, ImportResult>;

// Cuts what is too long.
std::vector<std::byte> serialize(const ImportMessage& message);
// kInvalidInput names the field.
base::Result<ImportMessage> parse(std::span<const std::byte> bytes);

// Without waiting: kUnavailable when the other end does not read.
base::Status send(const base::Fd& channel, const ImportMessage& message);
// The next message; nothing when none waits. kIo with EPIPE at the end.
base::Result<std::optional<ImportMessage>> receive(const base::Fd& channel);

}  // namespace daemon_importer

#endif  // DAEMON_IMPORTER_IMPORT_MESSAGES_H_
