#include "daemon/audit/tlog/hash.h"

#include <openssl/evp.h>

#include "hardening/base/check.h"
#include "provisioning/openssl_objects.h"

namespace daemon_audit {
namespace {

// Looked up once: for inputs as short as a node, OpenSSL 3.0 takes longer to find the algorithm
// than to run it.
const EVP_MD* sha256() {
  static const EVP_MD* const kMethod = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHECK(kMethod != nullptr);
  return kMethod;
}

struct Part {
  const void* data;
  std::size_t bytes;
};

Hash hash_of(std::initializer_list<Part> parts) {
  // One for each thread that hashes, for the same reason.
  thread_local const auto context =
      provisioning::make_surely<provisioning::MdContextOwner>([] { return EVP_MD_CTX_new(); });
  CHECK(EVP_DigestInit_ex2(context.get(), sha256(), nullptr) == 1);
  for (const Part& part : parts) {
    CHECK(EVP_DigestUpdate(context.get(), part.data, part.bytes) == 1);
  }
  Hash hash;
  CHECK(EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(hash.data()), nullptr) ==
        1);
  return hash;
}

}  // namespace

Hash hash_leaf(std::string_view entry) {
  return hash_of({{"\0", 1}, {entry.data(), entry.size()}});
}

Hash hash_node(const Hash& left, const Hash& right) {
  return hash_of({{"\1", 1}, {left.data(), left.size()}, {right.data(), right.size()}});
}

Hash hash_empty_tree() {
  return hash_of({});
}

}  // namespace daemon_audit
