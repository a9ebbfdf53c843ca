// What is wrong with a log, as one line each; bounded, because a hostile directory can be wrong in
// as many places as it has bytes.
#ifndef DAEMON_AUDIT_LOG_VERIFY_FINDINGS_H_
#define DAEMON_AUDIT_LOG_VERIFY_FINDINGS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace daemon_audit {

inline constexpr std::size_t kFindingsMax = 100;

class Findings {
 public:
  // `where` and `what` are our words or names that were checked: see quoted() for all others.
  void add(std::string_view where, std::string_view what) {
    if (full()) return;
    std::string line(where);
    lines_.push_back(line.append(": ").append(what));
  }

  // From here on nothing is added, and whoever looks for more may stop.
  bool full() const { return lines_.size() >= kFindingsMax; }
  std::vector<std::string> take() && { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

// Bytes from outside as a JSON string of at most 80 of them: what a file is called cannot move a
// cursor.
std::string quoted(std::string_view bytes);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_VERIFY_FINDINGS_H_
