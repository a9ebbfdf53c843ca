// What a model signature says: an in-toto Statement v1 with the OpenSSF Model Signing v1.0
// predicate, naming every file of a model with its SHA-256. provisioning/BUNDLE.md section 6.
#ifndef PROVISIONING_STATEMENT_H_
#define PROVISIONING_STATEMENT_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/sha256.h"

namespace provisioning {

struct Resource {
  std::string name;  // relative POSIX path, UTF-8
  Sha256Digest digest{};
};

struct Statement {
  std::string subject;                    // the model's name: informational, but signed
  std::vector<Resource> resources;        // at least one, names distinct
  std::vector<std::string> ignore_paths;  // relative paths the signer left out, subtrees included

  const Resource* find(std::string_view name) const;
  // SHA-256 over the raw digests of `resources`, in their order.
  Sha256Digest root_digest() const;
};

// The payload to sign: compact, resources in code-point order of their names, so that one model
// gives the same bytes every time. Requires names that check_statement accepts.
std::string serialize_statement(const Statement& statement);

// Parses a payload whose signature was verified already. Refuses unknown members (but for resource
// descriptors, where the format asks verifiers to ignore them), names that file_names.h refuses, a
// root digest that does not add up, ignore paths that could hide the model, links that are
// followed, shards, digests other than SHA-256, and versions of the format other than 1.0; each by
// name.
base::Result<Statement> parse_statement(std::string_view payload);

// The rules on names and counts that both directions share.
base::Status check_statement(const Statement& statement);

}  // namespace provisioning

#endif  // PROVISIONING_STATEMENT_H_
