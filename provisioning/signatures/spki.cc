#include "provisioning/signatures/spki.h"

#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstdint>

#include "provisioning/base64.h"
#include "provisioning/limits.h"
#include "provisioning/openssl_objects.h"

namespace provisioning {
namespace {

constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kObjectIdentifier = 0x06;
constexpr std::uint8_t kSequence = 0x30;

struct Element {
  std::uint8_t tag = 0;
  std::span<const std::byte> contents;
  std::span<const std::byte> whole;
};

// Takes one element off the front. Lengths of up to 2 bytes, which is beyond any key file; shortest
// forms are enforced by writing everything again and comparing.
base::Result<Element> take(std::span<const std::byte>& rest, std::string_view what) {
  const auto cut = [&] { return base::invalid_input(fmt::format("{} is cut short", what)); };
  if (rest.size() < 2) return cut();
  std::size_t header = 2;
  std::size_t length = std::to_integer<std::size_t>(rest[1]);
  if (length >= 0x80) {
    const std::size_t count = length & 0x7F;
    if (count < 1 || count > 2)
      return base::invalid_input(fmt::format("{} has a length that DER has not", what));
    if (rest.size() < 2 + count) return cut();
    length = 0;
    for (std::size_t i = 0; i < count; ++i)
      length = length << 8 | std::to_integer<std::size_t>(rest[2 + i]);
    header += count;
  }
  if (rest.size() - header < length) return cut();
  const Element element{std::to_integer<std::uint8_t>(rest[0]), rest.subspan(header, length),
                        rest.first(header + length)};
  rest = rest.subspan(header + length);
  return element;
}

base::Result<Element> take_tag(std::span<const std::byte>& rest, std::uint8_t tag,
                               std::string_view what) {
  const Element element = TRY(take(rest, what));
  if (element.tag != tag) {
    return base::invalid_input(
        fmt::format("{} has tag {:#04x}, not {:#04x}", what, element.tag, tag));
  }
  return element;
}

void append(Bytes& out, std::span<const std::byte> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_element(Bytes& out, std::uint8_t tag, std::span<const std::byte> contents) {
  const std::size_t size = contents.size();
  out.push_back(std::byte{tag});
  if (size >= 0x100) {
    append(out, std::array{std::byte{0x82}, static_cast<std::byte>(size >> 8)});
  } else if (size >= 0x80) {
    out.push_back(std::byte{0x81});
  }
  out.push_back(static_cast<std::byte>(size & 0xFF));
  append(out, contents);
}

Bytes copy(std::span<const std::byte> bytes) {
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace

base::Result<Spki> parse_spki(std::span<const std::byte> der) {
  std::span<const std::byte> rest = der;
  const Element whole = TRY(take_tag(rest, kSequence, "the public key"));
  if (!rest.empty()) return base::invalid_input("bytes follow the public key");

  std::span<const std::byte> fields = whole.contents;
  std::span<const std::byte> algorithm = TRY(take_tag(fields, kSequence, "the algorithm")).contents;
  const Element key = TRY(take_tag(fields, kBitString, "the key's bit string"));
  const Element oid = TRY(take_tag(algorithm, kObjectIdentifier, "the algorithm's identifier"));
  if (key.contents.empty()) return base::invalid_input("the key's bit string is empty");

  Spki spki{copy(der), copy(oid.contents), copy(algorithm), copy(key.contents.subspan(1))};
  if (make_spki(spki.algorithm, spki.parameters, spki.key) != spki.der) {
    return base::invalid_input("the public key is not written as DER has it");
  }
  return spki;
}

Bytes make_spki(std::span<const std::byte> algorithm, std::span<const std::byte> parameters,
                std::span<const std::byte> key) {
  Bytes identifier;
  append_element(identifier, kObjectIdentifier, algorithm);
  append(identifier, parameters);
  Bytes bits{std::byte{0}};  // no unused bits
  append(bits, key);
  Bytes fields;
  append_element(fields, kSequence, identifier);
  append_element(fields, kBitString, bits);
  Bytes der;
  append_element(der, kSequence, fields);
  return der;
}

std::string oid_name(std::span<const std::byte> contents) {
  Bytes der;
  append_element(der, kObjectIdentifier, contents);
  const unsigned char* at = raw(der);
  using ObjectOwner = std::unique_ptr<ASN1_OBJECT, OpensslFree<ASN1_OBJECT_free>>;
  const ObjectOwner object(d2i_ASN1_OBJECT(nullptr, &at, static_cast<long>(der.size())));
  char text[80] = {};
  const int length = object == nullptr ? 0 : OBJ_obj2txt(text, sizeof text, object.get(), 0);
  ERR_clear_error();
  return length > 0 ? std::string(text) : std::string("unreadable identifier");
}

base::Result<Bytes> public_pem_to_der(std::string_view pem) {
  if (pem.size() > kKeyFileBytesMax) {
    return base::exhausted(
        fmt::format("public key of {} bytes, limit {}", pem.size(), kKeyFileBytesMax));
  }
  constexpr std::string_view kBegin = "-----BEGIN ";
  const std::size_t first = pem.find(kBegin);
  if (first == pem.npos) return base::invalid_input("no PEM public key in it");
  if (pem.find(kBegin, first + 1) != pem.npos)
    return base::invalid_input("more than one PEM block in it");

  const BioOwner in = make_reader(pem);
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(in.get(), &name, &header, &data, &size) != 1) {
    return base::invalid_input("not a PEM public key: " + openssl_reason());
  }
  const std::string kind = name;
  const bool plain = *header == '\0';
  const Bytes der = copy(std::as_bytes(std::span(data, static_cast<std::size_t>(size))));
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<std::size_t>(size));  // it may have been a private key
  if (kind != "PUBLIC KEY" || !plain)
    return base::invalid_input(fmt::format("a PEM {}, not a PUBLIC KEY", kind));
  return der;
}

std::string der_to_public_pem(std::span<const std::byte> der) {
  constexpr std::size_t kLine = 64;
  const std::string text = to_base64(der);
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t i = 0; i < text.size(); i += kLine) {
    pem.append(text, i, kLine).push_back('\n');
  }
  return pem += "-----END PUBLIC KEY-----\n";
}

}  // namespace provisioning
