#include "provisioning/openssl_objects.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstring>

#include "provisioning/limits.h"

namespace provisioning {

BioOwner make_bio(const BIO_METHOD* method) {
  return make_surely<BioOwner>([method] { return BIO_new(method); });
}

BioOwner make_reader(std::string_view text) {
  const char* const begin = text.empty() ? "" : text.data();  // null would be refused
  return make_surely<BioOwner>(
      [=] { return BIO_new_mem_buf(begin, static_cast<int>(text.size())); });
}

std::span<const std::byte> contents_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return std::as_bytes(std::span(data, static_cast<std::size_t>(size)));
}

std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason == nullptr ? "no reason given" : reason;
  ERR_clear_error();
  return text;
}

int give_password(char* buffer, int size, int, void* user) {
  const auto* password = static_cast<const base::Secret*>(user);
  if (password == nullptr || password->size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, password->expose_bytes().data(), password->size());
  return static_cast<int>(password->size());
}

base::Result<PkeyOwner> read_private_pkey(const base::Secret& pem, const base::Secret* password) {
  if (pem.size() > kKeyFileBytesMax) {
    return base::exhausted(
        fmt::format("private key of {} bytes, limit {}", pem.size(), kKeyFileBytesMax));
  }
  const BioOwner in = make_reader(pem.expose_text());
  auto* user = const_cast<void*>(
      static_cast<const void*>(password));  // OpenSSL's callback type is not const
  PkeyOwner key(PEM_read_bio_PrivateKey(in.get(), nullptr, give_password, user));
  if (key != nullptr) return key;
  const bool encrypted = pem.expose_text().find("ENCRYPTED") != std::string_view::npos;
  const std::string reason = openssl_reason();
  if (encrypted)
    return base::denied("the private key is encrypted and the password is missing or wrong");
  return base::invalid_input("not a PEM private key: " + reason);
}

}  // namespace provisioning
