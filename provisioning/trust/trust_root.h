// Whose signatures count: a versioned document, each version signed by those of the one before and
// its own. provisioning/BUNDLE.md section 4.
#ifndef PROVISIONING_TRUST_TRUST_ROOT_H_
#define PROVISIONING_TRUST_TRUST_ROOT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/signatures/dsse.h"
#include "provisioning/signatures/signature_key.h"

namespace provisioning {

inline constexpr std::size_t kRootBytesMax = 1u << 20;
inline constexpr std::size_t kRootKeysMax = 256;

struct TrustGroup {
  std::size_t threshold = 1;
  std::vector<std::string> key_ids;
};

// Satisfied when every group is.
struct TrustRole {
  std::vector<TrustGroup> groups;
};

struct TrustKey {
  std::string id;
  // As the document binds it; equals the key's own, or "ecdsa-p256-sha256" and
  // "ecdsa-p521-sha512", which count for model.sig alone.
  std::string suite;
  std::string name;  // for people
  std::string pem;
};

// Who may sign model.sig.
struct ModelTrust {
  std::vector<std::string> key_ids;
  std::vector<std::string> certificates;  // PEM, the anchors of the certificate method
  std::vector<std::string> subjects;      // leaf subjects allowed (RFC 2253); empty: any
  std::vector<std::string> crls;          // PEM
  std::string time = "floor";     // when a certificate must be valid; or "not-before": its own
  bool require_signature = true;  // a release needs a model.sig
  bool bare = false;              // models without a release are taken too
};

struct TrustRoot {
  std::uint64_t version = 0;
  std::int64_t issued = 0;  // unix seconds
  std::optional<std::int64_t> expires;
  std::string product = "redoubt";
  std::string site;
  std::vector<TrustKey> keys;
  TrustRole root;
  TrustRole release;
  std::optional<TrustRole> time;
  ModelTrust model;
  std::set<std::string> revoked_keys;
  std::set<std::string> revoked_releases;
  std::map<std::string, std::uint64_t> sequence_floors;
  bool refuse_expired = true;
  std::vector<std::string> suites;  // allowed ones; empty: all

  const TrustKey* find(std::string_view id) const;
};

base::Result<TrustRoot> parse_trust_root(std::string_view payload);
// The payload to sign. kInvalidInput when it would not be parsed again.
base::Result<std::string> serialize_trust_root(const TrustRoot& root);

// The same of an envelope at whose signatures nobody looks: for a root that was accepted when it
// came, and to show what one says.
base::Result<TrustRoot> read_trust_root(std::string_view envelope_text);

// The ids of the keys that satisfy the role, in order. kDenied says which group has how many of how
// many, and what was wrong with each signature that did not count (unknown key, revoked, wrong,
// suite not at hand).
base::Result<std::vector<std::string>> check_signatures(const Dsse& envelope, const TrustRoot& root,
                                                        const TrustRole& role);

// A first root, which the operator vouches for: it must satisfy itself.
base::Result<TrustRoot> open_first_root(std::string_view envelope_text);
// The next one after `current`.
base::Result<TrustRoot> open_next_root(const TrustRoot& current, std::string_view envelope_text);

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_TRUST_ROOT_H_
