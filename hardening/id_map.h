// Which users exist in the user namespace that this process is in (user_namespaces(7)).
#ifndef HARDENING_ID_MAP_H_
#define HARDENING_ID_MAP_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace hardening {

class IdMap {
 public:
  // `path`: "/proc/self/uid_map" or "/proc/self/gid_map".
  static base::Result<IdMap> read(const std::string& path);
  // Lines of three numbers: first id inside, first id outside, count.
  static base::Result<IdMap> parse(std::string_view text);

  bool contains(std::uint32_t id) const;  // inside
  std::uint64_t count() const;

 private:
  struct Range {
    std::uint64_t inside;
    std::uint64_t count;
  };
  std::vector<Range> ranges_;
};

}  // namespace hardening

#endif  // HARDENING_ID_MAP_H_
