#include "daemon/replay/recorded_texts.h"

#include <fmt/format.h>

#include <limits>

#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/sha256.h"

namespace daemon_replay {
namespace {

using base::Json;
using base::Result;
using runtime::TokenId;

constexpr std::size_t kTokensMax = std::size_t{16} << 20;  // of one answer, all choices

Result<std::vector<TokenId>> parse_tokens(const Json& list) {
  if (!list.is_array()) return base::denied("sealed tokens: a choice is not a list");
  std::vector<TokenId> tokens;
  tokens.reserve(list.as_array().size());
  for (const Json& token : list.as_array()) {
    if (!token.is_int() || token.as_int() < 0 ||
        token.as_int() > std::numeric_limits<TokenId>::max()) {
      return base::denied("sealed tokens: not a token");
    }
    tokens.push_back(static_cast<TokenId>(token.as_int()));
  }
  return tokens;
}

}  // namespace

Result<ChoiceTokens> parse_choice_tokens(std::string_view text, std::size_t choices) {
  const Json json = TRY(
      Json::parse(text, {.bytes_max = daemon_audit::kSealedBytesMax, .values_max = kTokensMax}));
  const Json* const lists = json.is_object() ? json.find("choices") : nullptr;
  if (lists == nullptr || !lists->is_array() || lists->as_array().size() != choices) {
    return base::denied(fmt::format("sealed tokens: not those of {} choices", choices));
  }
  ChoiceTokens tokens;
  for (const Json& list : lists->as_array()) tokens.push_back(TRY(parse_tokens(list)));
  return tokens;
}

Result<std::string> RecordedTexts::open(const RecordedRequest& request,
                                        const std::string& digest) const {
  const std::string sealed = TRY(log_.sealed(digest));
  if (base::to_hex(provisioning::sha256(sealed)) != digest) {
    return base::denied(fmt::format("the sealed text {} was changed", digest));
  }
  return daemon_audit::open_text(*keys_.opening, request.id, sealed)
      .context(fmt::format("sealed text {}", digest));
}

std::optional<daemon_audit::Salt> RecordedTexts::salt(const RecordedRequest& request) const {
  if (keys_.salt) return keys_.salt;
  if (!keys_.site_key) return std::nullopt;
  return daemon_audit::make_salt(*keys_.site_key, request.id);
}

Result<std::string> RecordedTexts::body(const RecordedRequest& request) const {
  const auto own_salt = salt(request);
  std::string body;
  if (keys_.body) {
    // A body from anywhere is that of this request by its digest alone.
    if (!own_salt) return base::not_found("its salt is wanted to check the body: --salt");
    if (request.body_digest.empty()) return base::not_found("the record has no digest of its body");
    body = *keys_.body;
  } else {
    if (request.sealed_body.empty()) return base::not_found("its body was not kept");
    if (!keys_.opening) return base::not_found("its body is sealed: --key");
    body = TRY(open(request, request.sealed_body));
  }
  const bool known = own_salt && !request.body_digest.empty();
  if (known && daemon_audit::digest_body(*own_salt, body) != request.body_digest) {
    return base::denied("the body is not the one that was sent: its digest differs");
  }
  return body;
}

Result<ChoiceTokens> RecordedTexts::tokens(const RecordedRequest& request) const {
  if (request.sealed_tokens.empty()) return base::not_found("its tokens were not kept");
  if (!keys_.opening) return base::not_found("its tokens are sealed: --key");
  const std::string text = TRY(open(request, request.sealed_tokens));
  const std::size_t choices = request.choices.size();
  ChoiceTokens tokens = TRY(parse_choice_tokens(text, choices));
  const auto own_salt = salt(request);
  for (std::size_t i = 0; i < choices; ++i) {
    const RecordedChoice& choice = request.choices[i];
    const bool counted = tokens[i].size() == choice.tokens;
    const bool digested = !own_salt || choice.tokens_digest.empty() ||
                          daemon_audit::digest_tokens(*own_salt, static_cast<std::uint32_t>(i),
                                                      tokens[i]) == choice.tokens_digest;
    if (counted && digested) continue;
    return base::denied(fmt::format("the sealed tokens of choice {} are not the recorded ones", i));
  }
  return tokens;
}

}  // namespace daemon_replay
