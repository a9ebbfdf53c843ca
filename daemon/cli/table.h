// Aligned columns for a terminal.
#ifndef DAEMON_CLI_TABLE_H_
#define DAEMON_CLI_TABLE_H_

#include <string>
#include <vector>

namespace daemon_cli {

class Table {
 public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}

  // As many cells as there are headings.
  void add(std::vector<std::string> cells);

  // A line per row, columns two spaces apart, as wide as their widest cell. Cells are shown with
  // control characters replaced by '?': what a role or a file says cannot move the cursor.
  std::string format() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "4 d 3 h", "3 h 25 min", "25 min 7 s", "7 s"
std::string format_duration_ms(long long milliseconds);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_TABLE_H_
