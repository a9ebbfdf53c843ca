// Whose signatures under a document count, and which root may follow which. Declared in
// trust/trust_root.h.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "provisioning/trust/trust_root.h"

namespace provisioning {
namespace {

bool has_part_in(const TrustRole& role, std::string_view id) {
  return std::any_of(role.groups.begin(), role.groups.end(), [&](const TrustGroup& group) {
    return std::find(group.key_ids.begin(), group.key_ids.end(), id) != group.key_ids.end();
  });
}

// Why a signature does not count; success: it does.
base::Status check_signature(const DsseSignature& signature, std::string_view pae,
                             const TrustRoot& root, const TrustRole& role) {
  const TrustKey* trusted = root.find(signature.key_id);
  if (trusted == nullptr) return base::denied("a key that the trust root does not know");
  if (!has_part_in(role, trusted->id)) return base::denied("a key without a part in this role");
  if (root.revoked_keys.contains(trusted->id)) return base::denied("a revoked key");
  const bool allowed = root.suites.empty() || std::find(root.suites.begin(), root.suites.end(),
                                                        trusted->suite) != root.suites.end();
  if (!allowed)
    return base::denied(
        fmt::format("suite {}, which the trust root's policy does not allow", trusted->suite));
  const auto key = VerifyKey::parse_pem(trusted->pem);
  // The id and the suite were compared when the root was parsed; a root made by hand is held to the
  // same.
  if (!key.ok())
    return base::denied(fmt::format("suite {}: {}", trusted->suite, key.error().message));
  if (key.value().id() != trusted->id || key.value().suite() != trusted->suite) {
    return base::denied("a key that is not what the trust root says it is");
  }
  return key.value()
      .verify(std::as_bytes(std::span(pae)), signature.bytes)
      .context("suite " + trusted->suite);
}

std::string label(const TrustRoot& root, const std::string& id) {
  const TrustKey* key = root.find(id);
  return key == nullptr || key->name.empty()
             ? id.substr(0, 16)
             : fmt::format("{} \"{}\"", id.substr(0, 16), key->name);
}

struct Counted {
  std::set<std::string>
      valid;  // distinct keys: an id is the digest of a key, and two texts of one key have one id
  std::string rejected;  // for people
};

Counted count_signatures(const Dsse& envelope, const TrustRoot& root, const TrustRole& role) {
  const std::string pae = dsse_pae(envelope.payload_type, envelope.payload);
  Counted counted;
  for (const DsseSignature& signature : envelope.signatures) {
    const auto status = check_signature(signature, pae, root, role);
    if (status.ok()) {
      counted.valid.insert(signature.key_id);
    } else {
      counted.rejected +=
          fmt::format("; {}: {}", label(root, signature.key_id), status.error().message);
    }
  }
  return counted;
}

base::Status follows(const TrustRoot& current, const TrustRoot& next) {
  if (next.version != current.version + 1) {
    return base::denied(fmt::format("version {} does not follow version {}; {} is needed",
                                    next.version, current.version, current.version + 1));
  }
  if (next.product != current.product) {
    return base::denied(fmt::format("product {}, and this is {}", next.product, current.product));
  }
  // The same officers may sign for many sites: one site's root must not be taken for another's.
  if (!current.site.empty() && next.site != current.site) {
    return base::denied(fmt::format("site \"{}\", and this is \"{}\"", next.site, current.site));
  }
  return {};
}

}  // namespace

base::Result<std::vector<std::string>> check_signatures(const Dsse& envelope, const TrustRoot& root,
                                                        const TrustRole& role) {
  const Counted counted = count_signatures(envelope, root, role);
  if (role.groups.empty()) return base::denied("the trust root gives this role to nobody");
  std::set<std::string> used;
  std::string unmet;
  for (std::size_t i = 0; i < role.groups.size(); ++i) {
    const TrustGroup& group = role.groups[i];
    std::size_t valid = 0;
    for (const std::string& id :
         std::set<std::string>(group.key_ids.begin(), group.key_ids.end())) {
      if (counted.valid.contains(id) && used.insert(id).second)
        ++valid;  // no key counts for two groups
    }
    if (valid < std::max<std::size_t>(group.threshold, 1)) {
      unmet += fmt::format("{}group {} has {} of {} signatures", unmet.empty() ? "" : ", ", i + 1,
                           valid, group.threshold);
    }
  }
  if (!unmet.empty())
    return base::denied("not signed by enough of those who may: " + unmet + counted.rejected);
  return std::vector<std::string>(used.begin(), used.end());
}

base::Result<TrustRoot> read_trust_root(std::string_view envelope_text) {
  return parse_trust_root(TRY(parse_dsse(envelope_text, kRootPayloadType, kRootBytesMax)).payload);
}

base::Result<TrustRoot> open_first_root(std::string_view envelope_text) {
  const Dsse envelope =
      TRY(parse_dsse(envelope_text, kRootPayloadType, kRootBytesMax).context("trust root"));
  auto root = TRY(parse_trust_root(envelope.payload));
  TRY(check_signatures(envelope, root, root.root)
          .context(fmt::format("trust root {}, by its own keys", root.version)));
  return root;
}

base::Result<TrustRoot> open_next_root(const TrustRoot& current, std::string_view envelope_text) {
  const Dsse envelope =
      TRY(parse_dsse(envelope_text, kRootPayloadType, kRootBytesMax).context("trust root"));
  // First those we trust already: nothing of the document is read before.
  TRY(check_signatures(envelope, current, current.root)
          .context(fmt::format("trust root, by the keys of version {}", current.version)));
  auto next = TRY(parse_trust_root(envelope.payload));
  TRY(follows(current, next).context("trust root"));
  TRY(check_signatures(envelope, next, next.root)
          .context(fmt::format("trust root {}, by its own keys", next.version)));
  return next;
}

}  // namespace provisioning
