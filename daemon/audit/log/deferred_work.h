// What follows from the journal and can wait: tiles, bundles and sealed texts are written without
// waiting for the disk, synced one at a time, and then the journal files are removed that said
// them.
//
// In order: a journal file goes after all that was to be done before it was retired. What fails is
// tried again from the journal, for what a failed sync has left behind is not believed.
#ifndef DAEMON_AUDIT_LOG_DEFERRED_WORK_H_
#define DAEMON_AUDIT_LOG_DEFERRED_WORK_H_

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/log/log_tail.h"
#include "daemon/audit/tlog/hash.h"
#include "hardening/base/result.h"

namespace daemon_audit {

class DeferredWork {
 public:
  explicit DeferredWork(LogDirectory& directory) : directory_(directory) {}

  // Neither fails: what cannot be written now is written later.
  void add(FullBundle bundle);
  void add_sealed(const Hash& digest, std::string_view bytes);
  void add_sealed(const Hash& digest);  // its bytes are in the journal

  // The journal's files as they are on disk, oldest first; the last one is written to.
  const std::vector<std::uint64_t>& journals() const { return journals_; }
  // As recovery has found them, before it adds what they say.
  void set_journals(std::vector<std::uint64_t> journals) { journals_ = std::move(journals); }
  // All but the last go when it is their turn, once recovery has added all.
  void retire_former_journals();
  // A new one goes on after the others, which go when it is their turn.
  void begin_journal(std::uint64_t first);
  // All of them go: nothing is said any more.
  base::Status remove_journals();

  bool empty() const { return jobs_.empty() && !directory_.has_unsynced(); }
  std::size_t size() const { return jobs_.size(); }
  // Whether every file has been written, synced or not.
  bool all_written() const { return unwritten_ == 0; }
  // One piece. Requires !empty().
  base::Status step();
  // All of it: then no journal is needed but the one that is written to.
  base::Status finish();
  base::Status write_all();  // what could not be written before

 private:
  struct Tile {
    std::string bytes;  // at most 8 KiB
  };
  struct Bundle {
    std::uint64_t number = 0;
  };
  struct Sealed {
    Hash digest{};
  };
  struct OldJournal {
    std::uint64_t first = 0;
  };
  struct Job {
    std::variant<Tile, Bundle, Sealed, OldJournal> what;
    std::string path;
    bool written = false;
  };

  void add(Job job, std::string_view bytes);
  void retire(std::uint64_t first);
  base::Status write(Job& job);
  base::Status remove_journal(const Job& job);
  base::Result<std::string> bytes_of(const Job& job) const;

  LogDirectory& directory_;
  std::deque<Job> jobs_;
  std::size_t unwritten_ = 0;
  std::vector<std::uint64_t> journals_;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_DEFERRED_WORK_H_
