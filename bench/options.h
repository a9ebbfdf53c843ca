// "--name value" pairs of a command line.
#ifndef BENCH_OPTIONS_H_
#define BENCH_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace bench {

class Options {
 public:
  // Options known by name; everything else that begins with "--" is refused. argv[0] is skipped.
  static base::Result<Options> parse(int argc, char** argv,
                                     const std::vector<std::string_view>& known);

  const std::vector<std::string>& arguments() const {
    return arguments_;
  }  // those that are no options
  std::string text(std::string_view name, std::string_view fallback) const;
  base::Result<std::uint64_t> number(std::string_view name, std::uint64_t fallback) const;
  // "1,4,8" or "1 4 8".
  base::Result<std::vector<std::uint64_t>> numbers(std::string_view name,
                                                   std::string_view fallback) const;

 private:
  std::vector<std::string> arguments_;
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace bench

#endif  // BENCH_OPTIONS_H_
