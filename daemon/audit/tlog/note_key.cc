// The keys of signed notes: who may have signed, and who signs.
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include <array>
#include <optional>

#include "daemon/audit/tlog/cosignature.h"
#include "daemon/audit/tlog/note.h"
#include "daemon/audit/tlog/signature_scheme.h"
#include "daemon/audit/tlog/text_fields.h"
#include "hardening/base/check.h"
#include "hardening/base/utf8.h"
#include "provisioning/openssl_objects.h"
#include "provisioning/sha256.h"

namespace daemon_audit {
namespace {

using provisioning::PkeyOwner;

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kPemBytesMax = 4'096;
constexpr std::size_t kKeyTextBytesMax = 2'048;  // an ML-DSA-44 key has 1,752 in base64

// Unicode's White_Space property.
bool is_space(char32_t c) {
  return c == 0x20 || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

std::optional<NoteKeyType> find_type(char byte) {
  for (const NoteKeyType type : {NoteKeyType::kEd25519, NoteKeyType::kCosignatureEd25519,
                                 NoteKeyType::kCosignatureMlDsa44}) {
    if (static_cast<NoteKeyType>(byte) == type) return type;
  }
  return std::nullopt;
}

std::string typed_key(NoteKeyType type, std::string_view key) {
  return std::string(1, static_cast<char>(type)).append(key);
}

std::uint32_t make_key_id(std::string_view name, NoteKeyType type, std::string_view key) {
  const auto digest = provisioning::sha256(fmt::format("{}\n{}", name, typed_key(type, key)));
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) id = (id << 8) | std::to_integer<std::uint32_t>(digest[i]);
  return id;
}

}  // namespace

bool is_key_name(std::string_view name) {
  if (name.empty() || !base::is_utf8(name)) return false;
  while (!name.empty()) {
    const base::Utf8Char c = base::decode_utf8(name);
    if (c.code_point < 0x20 || c.code_point == '+' || is_space(c.code_point)) return false;
    name.remove_prefix(c.bytes);
  }
  return true;
}

base::Result<VerifierKey> VerifierKey::create(std::string name, NoteKeyType type,
                                              std::string public_key) {
  if (name.size() > kKeyNameBytesMax) {
    return base::exhausted(
        fmt::format("verifier key: a name of {} bytes, limit {}", name.size(), kKeyNameBytesMax));
  }
  if (!is_key_name(name)) {
    return base::invalid_input("verifier key: the name is empty or has a space or a plus");
  }
  TRY(check_public_key(type, public_key));
  VerifierKey key;
  key.id_ = make_key_id(name, type, public_key);
  key.name_ = std::move(name);
  key.type_ = type;
  key.public_key_ = std::move(public_key);
  return key;
}

base::Result<VerifierKey> VerifierKey::parse(std::string_view text) {
  if (text.size() > kKeyTextBytesMax) {
    return base::exhausted(
        fmt::format("verifier key: {} bytes, limit {}", text.size(), kKeyTextBytesMax));
  }
  const auto first = text.find('+');
  const auto second = first == text.npos ? first : text.find('+', first + 1);
  if (second == text.npos) return base::invalid_input("verifier key: not NAME+ID+KEY");
  const std::string bytes = TRY(decode_base64(text.substr(second + 1), "verifier key"));
  const auto type = bytes.empty() ? std::nullopt : find_type(bytes[0]);
  if (!type) return base::invalid_input("verifier key: of a type that is unknown here");
  VerifierKey key =
      TRY(VerifierKey::create(std::string(text.substr(0, first)), *type, bytes.substr(1)));
  if (text.substr(first + 1, second - first - 1) != fmt::format("{:08x}", key.id())) {
    return base::invalid_input(
        fmt::format("verifier key: its id is not that of its key, {:08x}", key.id()));
  }
  return key;
}

std::string VerifierKey::text() const {
  return fmt::format("{}+{:08x}+{}", name_, id_, encode_base64(typed_key(type_, public_key_)));
}

base::Result<std::uint64_t> VerifierKey::check(std::string_view text,
                                               std::string_view signature) const {
  if (type_ == NoteKeyType::kEd25519) {
    TRY(verify_signature(type_, public_key_, text, signature));
    return std::uint64_t{0};
  }
  const Cosignature cosignature = TRY(parse_cosignature(signature));
  const std::string message = type_ == NoteKeyType::kCosignatureEd25519
                                  ? cosigned_text(cosignature.time, text)
                                  : TRY(cosigned_message(name_, cosignature.time, text));
  TRY(verify_signature(type_, public_key_, message, cosignature.signature));
  return cosignature.time;
}

struct SignerKey::State {
  PkeyOwner key;
  VerifierKey verifier;

  static base::Result<SignerKey> make_signer(std::string name, PkeyOwner key);
};

SignerKey::SignerKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
SignerKey::SignerKey(SignerKey&&) noexcept = default;
SignerKey& SignerKey::operator=(SignerKey&&) noexcept = default;
SignerKey::~SignerKey() = default;

const VerifierKey& SignerKey::verifier() const {
  return state_->verifier;
}

base::Result<SignerKey> SignerKey::State::make_signer(std::string name, PkeyOwner key) {
  std::array<unsigned char, 32> bytes;
  std::size_t size = bytes.size();
  if (EVP_PKEY_is_a(key.get(), "ED25519") != 1 ||
      EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) != 1) {
    return base::invalid_input("log key: not an Ed25519 key");
  }
  auto state = std::make_unique<State>();
  state->verifier =
      TRY(VerifierKey::create(std::move(name), NoteKeyType::kEd25519,
                              std::string(reinterpret_cast<const char*>(bytes.data()), size)));
  state->key = std::move(key);
  return SignerKey(std::move(state));
}

base::Result<SignerKey> SignerKey::generate(std::string name) {
  // An Ed25519 private key is any 32 random bytes (RFC 8032 section 5.1.5). The kernel's are taken
  // as they are: OpenSSL's own generator wants more system calls than the auditor's sandbox has.
  std::array<std::byte, kSeedBytes> seed;
  base::fill_random(seed);
  auto key = provisioning::make_surely<PkeyOwner>([&seed] {
    return EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, provisioning::raw(seed),
                                           seed.size());
  });
  base::wipe(seed);
  return State::make_signer(std::move(name), std::move(key));
}

base::Result<SignerKey> SignerKey::from_pem(std::string name, std::string_view pem) {
  if (pem.size() > kPemBytesMax) {
    return base::exhausted(fmt::format("log key: {} bytes, limit {}", pem.size(), kPemBytesMax));
  }
  const provisioning::BioOwner in = provisioning::make_reader(pem);
  PkeyOwner key(PEM_read_bio_PrivateKey(in.get(), nullptr, provisioning::give_password, nullptr));
  if (key == nullptr) {
    return base::invalid_input("log key: not a PEM private key: " + provisioning::openssl_reason());
  }
  return State::make_signer(std::move(name), std::move(key));
}

base::Result<base::Secret> SignerKey::pem() const {
  const provisioning::BioOwner out = provisioning::make_bio(BIO_s_mem());
  CHECK(PEM_write_bio_PKCS8PrivateKey(out.get(), state_->key.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) == 1);
  const auto bytes = provisioning::contents_of(out.get());
  auto secret = base::Secret::create(bytes);
  OPENSSL_cleanse(const_cast<std::byte*>(bytes.data()), bytes.size());
  return secret;
}

base::Result<std::string> SignerKey::sign(std::string_view text) const {
  TRY(check_note_text(text));
  const auto context =
      provisioning::make_surely<provisioning::MdContextOwner>([] { return EVP_MD_CTX_new(); });
  std::array<unsigned char, 64> signature;
  std::size_t size = signature.size();
  const auto* message = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, state_->key.get(),
                            nullptr) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message, text.size()) != 1) {
    return base::unavailable("log key: signing failed: " + provisioning::openssl_reason());
  }
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(state_->verifier.id() >> shift);
  }
  bytes.append(reinterpret_cast<const char*>(signature.data()), size);
  return fmt::format("\xE2\x80\x94 {} {}\n", state_->verifier.name(), encode_base64(bytes));
}

}  // namespace daemon_audit
