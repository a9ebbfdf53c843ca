#include "provisioning/signatures/pkcs11.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include <algorithm>

#include "hardening/base/hex.h"

namespace provisioning {
namespace {

constexpr std::string_view kScheme = "pkcs11:";
constexpr std::size_t kUriBytesMax = 4096;

// "%2F" is "/" (RFC 3986, section 2.1).
base::Result<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    std::string digits(text.substr(i + 1, 2));
    std::ranges::transform(digits, digits.begin(),
                           [](char c) { return c >= 'A' && c <= 'F' ? char(c - 'A' + 'a') : c; });
    const auto byte = base::from_hex(digits);
    if (!byte.ok() || byte.value().size() != 1)
      return base::invalid_input("PKCS#11 URI: % without two hex digits");
    decoded.push_back(std::to_integer<char>(byte.value()[0]));
    i += 2;
  }
  return decoded;
}

// A URI in its two parts: what names the key, and the library to find it with.
struct KeyUri {
  std::string key;
  std::string module;
};

// The part behind the question mark is not handed on: the engine takes none, and of its attributes
// (RFC 7512, section 2.4) `module-path` alone is of use here.
base::Result<KeyUri> split_uri(std::string_view uri) {
  constexpr std::string_view kModule = "module-path=";
  const std::size_t mark = uri.find('?');
  KeyUri parts{std::string(uri.substr(0, mark)), {}};
  if (mark == uri.npos) return parts;
  const std::string_view query = uri.substr(mark + 1);
  if (!query.starts_with(kModule) || query.find('&') != query.npos) {
    return base::unsupported("PKCS#11 URI: module-path alone may follow the question mark");
  }
  parts.module = TRY(percent_decode(query.substr(kModule.size())));
  return parts;
}

base::Status check_uri(std::string_view uri) {
  if (!uri.starts_with(kScheme)) return base::invalid_input("a key's URI begins with pkcs11:");
  if (uri.size() > kUriBytesMax)
    return base::exhausted(fmt::format("PKCS#11 URI above {} bytes", kUriBytesMax));
  if (!std::ranges::all_of(uri, [](char c) { return c > ' ' && c <= '~'; })) {
    return base::invalid_input("PKCS#11 URI: has other than printable ASCII");
  }
  for (const std::string_view pin : {"pin-value=", "pin-source="}) {
    if (uri.find(pin) != uri.npos)
      return base::invalid_input("PKCS#11 URI: give the PIN by a password file");
  }
  return {};
}

int give_pin(UI* ui, UI_STRING* prompt) {
  const auto* pin = static_cast<const base::Secret*>(UI_get0_user_data(ui));
  if (pin == nullptr) return 0;
  return UI_set_result_ex(ui, prompt, pin->expose_text().data(), static_cast<int>(pin->size())) == 0
             ? 1
             : 0;
}

using StoreOwner = std::unique_ptr<OSSL_STORE_CTX, OpensslFree<OSSL_STORE_close>>;
using StoreInfoOwner = std::unique_ptr<OSSL_STORE_INFO, OpensslFree<OSSL_STORE_INFO_free>>;

}  // namespace

void FreeUiMethod::operator()(ui_method_st* method) const {
  UI_destroy_method(method);
}

UiMethodOwner make_pin_method() {
  UiMethodOwner method = make_surely<UiMethodOwner>([] { return UI_create_method("redoubt"); });
  CHECK(UI_method_set_reader(method.get(), give_pin) == 0);
  return method;
}

void* as_user_data(const base::Secret* pin) {  // OpenSSL's types are not const
  return const_cast<void*>(static_cast<const void*>(pin));
}

base::Result<TokenKey> open_by_provider(const std::string& uri, const base::Secret* pin) {
  constexpr int kKeepDefault = 1;  // the default provider stays for everything else
  if (OSSL_PROVIDER_try_load(nullptr, "pkcs11", kKeepDefault) == nullptr) {
    return base::unsupported("provider: " + openssl_reason());
  }
  const UiMethodOwner method = make_pin_method();
  const StoreOwner store(OSSL_STORE_open_ex(uri.c_str(), nullptr, "provider=pkcs11", method.get(),
                                            as_user_data(pin), nullptr, nullptr, nullptr));
  if (store == nullptr) return base::denied("provider: " + openssl_reason());
  OSSL_STORE_expect(store.get(), OSSL_STORE_INFO_PKEY);
  while (OSSL_STORE_eof(store.get()) == 0) {
    const StoreInfoOwner info(OSSL_STORE_load(store.get()));
    if (info == nullptr) break;
    if (OSSL_STORE_INFO_get_type(info.get()) != OSSL_STORE_INFO_PKEY) continue;
    TokenKey found;
    found.key.reset(OSSL_STORE_INFO_get1_PKEY(info.get()));
    if (found.key != nullptr) return found;
  }
  return base::denied("provider: no such private key, or a wrong PIN: " + openssl_reason());
}

base::Result<TokenKey> open_pkcs11_key(std::string_view uri, const base::Secret* pin) {
  TRY(check_uri(uri));
  const KeyUri parts = TRY(split_uri(uri));
  auto by_provider = open_by_provider(parts.key, pin);
  if (by_provider.ok()) return by_provider;
  auto by_engine = open_by_engine(parts.key, parts.module, pin);
  if (by_engine.ok()) return by_engine;
  const base::ErrorCode code = by_engine.error().code == base::ErrorCode::kUnsupported
                                   ? by_provider.error().code
                                   : by_engine.error().code;
  return base::Error{code, 0,
                     fmt::format("key in a token: {}; {}", by_provider.error().message,
                                 by_engine.error().message)};
}

}  // namespace provisioning
