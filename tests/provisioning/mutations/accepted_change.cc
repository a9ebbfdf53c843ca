#include "tests/provisioning/mutations/accepted_change.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "hardening/base/json.h"
#include "provisioning/base64.h"

namespace mutations {
namespace {

using base::Json;

constexpr std::size_t kBlock = 512;

struct Texts {
  std::string_view release;
  std::string_view signature;
  std::string_view rest;  // everything behind model.sig
};

// The size of the member whose header begins there: IEEE 1003.1, ustar.
std::optional<std::size_t> member_size(std::string_view archive, std::size_t at) {
  if (archive.size() < at + kBlock) return std::nullopt;
  std::size_t size = 0;
  for (const char digit : archive.substr(at + 124, 11)) {
    if (digit < '0' || digit > '7') return std::nullopt;
    size = size * 8 + static_cast<std::size_t>(digit - '0');
  }
  if (size % kBlock != 0 || archive.size() - at - kBlock < size) return std::nullopt;
  return size;
}

std::optional<Texts> take_apart(std::string_view archive) {
  const auto release = member_size(archive, 0);
  if (!release) return std::nullopt;
  const std::size_t second = kBlock + *release;
  const auto signature = member_size(archive, second);
  if (!signature) return std::nullopt;
  return Texts{archive.substr(kBlock, *release), archive.substr(second + kBlock, *signature),
               archive.substr(second + kBlock + *signature)};
}

// JSON without the white space outside of its strings.
std::string without_spaces(std::string_view text) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') inside = !inside;
    if (inside && text[i] == '\\' && i + 1 < text.size()) out += text[i++];
    if (inside || std::string_view(" \t\r\n").find(text[i]) == std::string_view::npos)
      out += text[i];
  }
  return out;
}

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

Number order_of(int curve) {
  const std::unique_ptr<EC_GROUP, decltype(&EC_GROUP_free)> group(EC_GROUP_new_by_curve_name(curve),
                                                                  &EC_GROUP_free);
  Number order(BN_new(), &BN_free);
  EC_GROUP_get_order(group.get(), order.get(), nullptr);
  return order;
}

using Signature = std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)>;

Signature parse_signature(const std::string& text) {
  const auto der = provisioning::from_base64(text);
  if (!der.ok()) return {nullptr, &ECDSA_SIG_free};
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.value().data());
  return {d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.value().size())), &ECDSA_SIG_free};
}

// The twin, and whether its s is the smaller of the two.
std::optional<std::pair<std::string, bool>> make_twin(const std::string& text) {
  const Signature given = parse_signature(text);
  if (given == nullptr) return std::nullopt;
  const BIGNUM* const s = ECDSA_SIG_get0_s(given.get());
  const int curve =
      BN_num_bytes(ECDSA_SIG_get0_r(given.get())) > 32 ? NID_secp384r1 : NID_X9_62_prime256v1;
  const Number order = order_of(curve);
  if (BN_is_negative(s) != 0 || BN_cmp(s, order.get()) >= 0) return std::nullopt;
  Number other(BN_new(), &BN_free);
  BN_sub(other.get(), order.get(), s);
  const bool smaller = BN_cmp(other.get(), s) < 0;
  const Signature twin(ECDSA_SIG_new(), &ECDSA_SIG_free);
  ECDSA_SIG_set0(twin.get(), BN_dup(ECDSA_SIG_get0_r(given.get())), other.release());
  unsigned char* bytes = nullptr;
  const int size = i2d_ECDSA_SIG(twin.get(), &bytes);
  std::string encoded = provisioning::to_base64(
      std::as_bytes(std::span(bytes, static_cast<std::size_t>(std::max(size, 0)))));
  OPENSSL_free(bytes);
  return std::pair{std::move(encoded), smaller};
}

// One text for a value in base64; for a signature that of the smaller twin.
std::string canonical_value(const std::string& text, bool signature) {
  const auto bytes = provisioning::from_base64(text);
  if (!bytes.ok()) return text;
  std::string standard = provisioning::to_base64(bytes.value());
  if (!signature) return standard;
  const auto twin = make_twin(standard);
  return twin && twin->second ? twin->first : standard;
}

// Which of the liberties are taken away.
struct Canon {
  bool alphabet = false;
  bool twins = false;
};

void canonicalize(Json& json, const Canon& canon) {
  if (json.is_array()) {
    for (Json& value : json.as_array()) canonicalize(value, canon);
  } else if (json.is_object()) {
    for (auto& [name, value] : json.as_object()) {
      if (value.is_string() && (name == "payload" || name == "sig") && canon.alphabet) {
        value = Json(canonical_value(value.as_string(), name == "sig" && canon.twins));
      } else {
        canonicalize(value, canon);
      }
    }
  }
}

std::optional<std::string> canonical(std::string_view text, const Canon& canon) {
  auto json = Json::parse(text);
  if (!json.ok()) return std::nullopt;
  canonicalize(json.value(), canon);
  return json.value().dump();
}

Liberty judge_text(std::string_view original, std::string_view changed) {
  if (original == changed) return Liberty::kUnchanged;
  if (without_spaces(original) == without_spaces(changed)) return Liberty::kWhiteSpace;
  const auto same = [&](const Canon& canon) {
    const auto one = canonical(original, canon);
    return one && one == canonical(changed, canon);
  };
  if (same({})) return Liberty::kEscape;
  if (same({.alphabet = true})) return Liberty::kAlphabet;
  if (same({.alphabet = true, .twins = true})) return Liberty::kTwin;
  return Liberty::kNone;
}

}  // namespace

std::string_view liberty_name(Liberty liberty) {
  constexpr std::array<std::string_view, 6> kNames{
      "unchanged", "white space", "the other alphabet", "a twin's form", "an escape", "none"};
  return kNames[static_cast<std::size_t>(liberty)];
}

Liberty judge_change(std::string_view original, std::string_view changed) {
  if (original == changed) return Liberty::kUnchanged;
  const auto one = take_apart(original);
  const auto two = take_apart(changed);
  if (!one || !two || one->rest != two->rest) return Liberty::kNone;
  return std::max(judge_text(one->release, two->release),
                  judge_text(one->signature, two->signature));
}

std::string twin_signature(const std::string& text) {
  const auto twin = make_twin(text);
  return twin ? twin->first : text;
}

}  // namespace mutations
