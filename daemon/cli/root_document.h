// What `redoubt trust create` makes: an unsigned trust root from a command line, or from the root
// before it.
#ifndef DAEMON_CLI_ROOT_DOCUMENT_H_
#define DAEMON_CLI_ROOT_DOCUMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/trust/trust_root.h"

namespace daemon_cli {

// As given; empty texts and lists change nothing of the root before.
struct RootChanges {
  std::string from;           // a *.root.dsse
  std::uint64_t version = 0;  // 0: the next one, or the first
  std::string site;
  std::string expires;            // a time, or "never"
  std::vector<std::string> root;  // groups: "2:a.pub.pem,b.pub.pem", a key of the root before also
                                  // as its id's first digits
  std::vector<std::string> release;             // likewise
  std::vector<std::string> time;                // likewise
  std::vector<std::string> model_keys;          // PEM files
  std::vector<std::string> model_certificates;  // PEM files
  std::vector<std::string> model_crls;          // PEM files
  std::vector<std::string> model_subjects;
  std::vector<std::string> revoke_keys;  // ids, or their first digits
  std::vector<std::string> revoke_releases;
  std::vector<std::string> floors;  // "assistant=5"
  std::vector<std::string> names;   // "5c1e…=release officer 1"
  std::vector<std::string> suites;
  bool allow_bare = false;
  bool refuse_bare = false;
  bool signature_optional = false;
  bool warn_expired = false;
};

// Nobody's signature is looked at. Keys without a part any more are left out, and so are floors set
// by the root before: they were taken over when that was accepted. kInvalidInput when a group could
// not reach its threshold without its revoked keys.
base::Result<provisioning::TrustRoot> make_root_document(const RootChanges& changes,
                                                         std::int64_t now);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_ROOT_DOCUMENT_H_
