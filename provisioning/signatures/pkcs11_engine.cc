// OpenSSL 3 deprecates engines, and 4 has none; on Debian 12 the only way to a token is one.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/opensslconf.h>

#include "provisioning/signatures/pkcs11.h"

#if !defined(OPENSSL_NO_ENGINE) && __has_include(<openssl/engine.h>)
#include <openssl/engine.h>
#define REDOUBT_HAS_ENGINES 1
#else
#define REDOUBT_HAS_ENGINES 0
#endif

namespace provisioning {

#if REDOUBT_HAS_ENGINES

namespace {

void free_engine(void* engine) {
  ENGINE_free(static_cast<ENGINE*>(engine));
}

// Ends the engine's use, which lets go of the token's library, and drops it.
void finish_engine(void* engine) {
  ENGINE_finish(static_cast<ENGINE*>(engine));
  free_engine(engine);
}

}  // namespace

base::Result<TokenKey> open_by_engine(const std::string& uri, const std::string& module,
                                      const base::Secret* pin) {
  ENGINE_load_builtin_engines();  // among them "dynamic", which finds the others in their directory
  TokenLibrary library(ENGINE_by_id("pkcs11"), free_engine);
  if (library == nullptr) return base::unsupported("engine: " + openssl_reason());
  auto* const engine = static_cast<ENGINE*>(library.get());
  ENGINE_ctrl_cmd_string(engine, "QUIET", nullptr, 0);  // what went wrong is ours to say
  if (!module.empty() && ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module.c_str(), 0) != 1) {
    return base::unsupported("engine: module-path: " + openssl_reason());
  }
  if (ENGINE_init(engine) != 1) return base::unsupported("engine: " + openssl_reason());
  TokenKey token;
  token.library = TokenLibrary(library.release(), finish_engine);

  const UiMethodOwner method = make_pin_method();
  token.key.reset(ENGINE_load_private_key(engine, uri.c_str(), method.get(), as_user_data(pin)));
  if (token.key == nullptr) {
    return base::denied("engine: no such private key, a wrong PIN, or no such module: " +
                        openssl_reason());
  }
  return token;
}

#else

base::Result<TokenKey> open_by_engine(const std::string&, const std::string&, const base::Secret*) {
  return base::unsupported("engine: this OpenSSL has none");
}

#endif

}  // namespace provisioning
