// What an importer is told when it starts: whom to trust, what this appliance is, how much is too
// much. JSON in a sealed memfd.
#ifndef DAEMON_IMPORTER_IMPORTER_CONFIG_H_
#define DAEMON_IMPORTER_IMPORTER_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/trust/judgement.h"

namespace daemon_importer {

inline constexpr std::size_t kConfigBytesMax = 8u << 20;

struct ImporterConfig {
  std::string trust_root;  // the envelope in force, verified by who passes it; empty: none
  std::string floors;      // provisioning::Floors::serialize()
  std::vector<std::string> trusted_keys;  // PEM; count where there is no trust root
  provisioning::SiteFacts site;
  std::string name;      // for a bare model; empty: the one it was signed under
  bool recheck = false;  // read and hash files that the store has, too
  std::uint64_t bytes_max = std::uint64_t{16} << 40;  // of all files of one model

  std::string serialize() const;
  static base::Result<ImporterConfig> parse(std::string_view text);
};

}  // namespace daemon_importer

#endif  // DAEMON_IMPORTER_IMPORTER_CONFIG_H_
