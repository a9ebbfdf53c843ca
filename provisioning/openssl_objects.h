// OpenSSL's objects as owned pointers, its buffers as spans, its errors as text. For sources,
// not for headers that others include.
#ifndef PROVISIONING_OPENSSL_OBJECTS_H_
#define PROVISIONING_OPENSSL_OBJECTS_H_

#include <openssl/bio.h>
#include <openssl/evp.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/check.h"
#include "hardening/base/memory_reserve.h"
#include "hardening/base/result.h"
#include "hardening/base/secret.h"

namespace provisioning {

template <auto kFree>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using PkeyOwner = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using PkeyContextOwner = std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>>;
using MdContextOwner = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using BioOwner = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;

// What an OpenSSL function makes that fails for want of memory alone: the reserve is spent then, as
// `new` would.
template <typename Owner, typename Make>
Owner make_surely(Make make) {
  Owner made(make());
  if (made == nullptr) {
    base::spend_memory_reserve();
    made.reset(make());
  }
  CHECK(made != nullptr);
  return made;
}

BioOwner make_bio(const BIO_METHOD* method);
BioOwner make_reader(std::string_view text);  // the text outlives it
std::span<const std::byte> contents_of(BIO* memory);

inline const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// The newest OpenSSL error as text; empties the queue, so that the next failure tells its own
// story.
std::string openssl_reason();

// A pem_password_cb: hands over the base::Secret that `user` points to. With null it says "none"
// instead of asking the terminal, which is OpenSSL's default.
int give_password(char* buffer, int size, int writing, void* user);

// A private key of whatever kind; `password` may be null. kDenied when it is encrypted and that
// does not open it.
base::Result<PkeyOwner> read_private_pkey(const base::Secret& pem, const base::Secret* password);

}  // namespace provisioning

#endif  // PROVISIONING_OPENSSL_OBJECTS_H_
