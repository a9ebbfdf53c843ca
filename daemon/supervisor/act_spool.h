// STATE/acts: what commands that change something have to tell the audit log. A command writes one
// small file before it changes anything and another when it has ended; the service makes records of
// them, in order, and removes them when these are durable. Where no service runs they wait.
//
// A service that ends between the two says an act again: readers pair records by `act` and `phase`.
#ifndef DAEMON_SUPERVISOR_ACT_SPOOL_H_
#define DAEMON_SUPERVISOR_ACT_SPOOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

inline constexpr std::size_t kActBytesMax = 16'384;  // of a file
inline constexpr std::size_t kActsMax = 1'000;       // files that wait
inline constexpr std::size_t kActTextBytesMax = 1'024;
inline constexpr std::size_t kActArgumentsMax = 16;
inline constexpr unsigned kActsMode = 0700;

// One phase of one act; no secrets. serialize() makes texts fit and printable.
struct ActReport {
  std::uint64_t act = 0;  // pairs the phases: random, below 2^53
  bool finished = false;
  std::string command;                                         // "models activate"
  std::vector<std::pair<std::string, std::string>> arguments;  // name, value
  std::uint32_t uid = 0;
  std::string user;
  std::int64_t at_us = 0;  // since 1970, UTC
  std::string outcome;     // finished: "done", "refused", "failed" …
  std::string why;         // or empty
  base::Json facts = base::Json::object();

  // The body of the record `act`, which is the file's contents too.
  base::Json body() const;
  static base::Result<ActReport> parse(std::string_view text);  // unknown members are refused
};

std::uint64_t make_act_number();

// "0001763748309123456-0123456789abcd-begun.json": names in order are acts in order.
std::string act_file_name(const ActReport& report);
bool is_act_file_name(std::string_view name);

// Durable when it returns. Makes the directory where its parent is there; kExhausted: too many wait
// already. `owner`: whose it is to be, where root writes it.
base::Status write_act(const std::string& directory, const ActReport& report,
                       const base::FileOwner* owner);

// The service's side. One thread.
class ActSpool {
 public:
  // `report` takes a record's body and returns its number, or 0: no room just now.
  using Report = std::function<std::uint64_t(base::Json)>;
  using Durable = std::function<bool(std::uint64_t)>;

  explicit ActSpool(std::string directory) : directory_(std::move(directory)) {}

  // What is new there becomes records. How many; an unreadable directory has none.
  std::size_t take(const Report& report);
  // Removes the files whose records are durable.
  void clear(const Durable& durable);

 private:
  struct Taken {
    std::string name;
    std::uint64_t record = 0;
  };
  bool take_one(const std::string& name, const Report& report);
  bool put_aside(const std::string& name, const std::string& why, const Report& report);

  std::string directory_;
  std::deque<Taken> taken_;
  std::size_t aside_ = 0;  // malformed files, kept for people to look at
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ACT_SPOOL_H_
