#include "provisioning/openssl_objects.h"

#include <openssl/err.h>

#include <cstring>

#include "hardening/base/secret.h"

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

}  // namespace provisioning
