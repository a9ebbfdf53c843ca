// A private key in a token or HSM, by the provider that OpenSSL 3 has for PKCS#11 where it is
// installed, else by the engine of earlier days (Debian: libengine-pkcs11-openssl). For
// signature_key.cc alone.
#ifndef PROVISIONING_SIGNATURES_PKCS11_H_
#define PROVISIONING_SIGNATURES_PKCS11_H_

#include <memory>
#include <string>
#include <string_view>

#include "hardening/base/result.h"
#include "hardening/base/secret.h"
#include "provisioning/openssl_objects.h"

struct ui_method_st;

namespace provisioning {

// What gives the key its life: an engine in use. Dropped after the key.
using TokenLibrary = std::unique_ptr<void, void (*)(void*)>;

struct TokenKey {
  TokenLibrary library{nullptr, nullptr};
  PkeyOwner key;
};

// As SigningKey::open_uri. A PIN inside the URI is refused: command lines are there for everybody
// to read.
base::Result<TokenKey> open_pkcs11_key(std::string_view uri, const base::Secret* pin);

// The two ways in. `module` is the token's library as the URI names it (`module-path`, RFC 7512
// section 2.3), or empty: the one that is configured. A provider takes the configured one alone
// (PKCS11_PROVIDER_MODULE or openssl.cnf). kUnsupported where the way is not installed. An engine
// keeps its session for the rest of the process: whoever opens a second key is logged in already,
// whatever PIN comes with it.
base::Result<TokenKey> open_by_provider(const std::string& uri, const base::Secret* pin);
base::Result<TokenKey> open_by_engine(const std::string& uri, const std::string& module,
                                      const base::Secret* pin);

// How OpenSSL asks for a PIN: the UI_METHOD answers with the base::Secret its user data points to,
// and with null says that there is none instead of asking the terminal.
struct FreeUiMethod {
  void operator()(ui_method_st* method) const;
};
using UiMethodOwner = std::unique_ptr<ui_method_st, FreeUiMethod>;
UiMethodOwner make_pin_method();
void* as_user_data(const base::Secret* pin);

}  // namespace provisioning

#endif  // PROVISIONING_SIGNATURES_PKCS11_H_
