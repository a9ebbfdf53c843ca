// A log as whoever holds its key could write it by hand, from the formats alone: no code of the
// writer's. What AuditLog would never write can be written so.
#ifndef TESTS_DAEMON_AUDIT_LOG_WRITTEN_LOG_H_
#define TESTS_DAEMON_AUDIT_LOG_WRITTEN_LOG_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/records/record.h"
#include "daemon/audit/tlog/note.h"

namespace audit_test {

using Files = std::map<std::string, std::string>;  // by path below the log's directory

// Records in a row, a millisecond after one another.
class Script {
 public:
  Script();  // begins with log.opened, for the key of sign()

  // The record's index. Members can be changed before it is serialized through last().
  std::uint64_t add(std::string_view type, base::Json body = base::Json::object());
  std::uint64_t admit(std::string_view id, std::string_view sealed = "");
  std::uint64_t finish(std::string_view id, std::uint64_t admitted);
  void open();                   // log.opened
  void close();                  // log.closed
  void fill(std::size_t count);  // until there are so many

  daemon_audit::Record& last() { return records_.back(); }
  std::vector<daemon_audit::Record>& records() { return records_; }
  std::size_t size() const { return records_.size(); }

  const daemon_audit::SignerKey& key() const { return key_; }
  // Serialized. Those that cannot be are refused loudly.
  std::vector<std::string> texts() const;
  // A closed log of them: key files, tiles, bundles, checkpoint.
  Files files() const;

  std::int64_t time_us = 1'790'000'000'000'000;
  std::int64_t monotonic_us = 5'000'000;
  std::string boot = "0123456789abcdef0123456789abcdef";

 private:
  daemon_audit::SignerKey key_;
  std::vector<daemon_audit::Record> records_;
};

// Tiles and bundles of the log's first `size` entries.
Files tile_files(const std::vector<std::string>& texts);
// The signed note over all of them.
std::string checkpoint_of(const std::vector<std::string>& texts,
                          const daemon_audit::SignerKey& key);

// One journal file that says them, from entry `first` on, so many to a batch.
std::string journal_of(const std::vector<std::string>& texts, std::uint64_t first,
                       std::size_t batch, const daemon_audit::SignerKey& key);

class Witness {
 public:
  explicit Witness(std::string name);
  const daemon_audit::VerifierKey& key() const { return key_; }
  // The note with a cosignature under it.
  std::string cosign(const std::string& note, std::uint64_t time) const;

 private:
  daemon_audit::SignerKey signer_;
  daemon_audit::VerifierKey key_;
};

void write_files(const std::string& directory, const Files& files);
Files read_files(const std::string& directory);
std::string sealed_path(std::string_view content);

}  // namespace audit_test

#endif  // TESTS_DAEMON_AUDIT_LOG_WRITTEN_LOG_H_
