// What a request's records only name by digest: its body and its tokens, from sealed texts or from
// files that somebody kept. Nothing is believed that does not have the digest of the record.
#ifndef DAEMON_REPLAY_RECORDED_TEXTS_H_
#define DAEMON_REPLAY_RECORDED_TEXTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/audit/log/log_reader.h"
#include "daemon/audit/seal/salt.h"
#include "daemon/audit/seal/sealed_text.h"
#include "daemon/replay/recorded_request.h"
#include "hardening/base/result.h"
#include "hardening/base/secret.h"
#include "runtime/token.h"

namespace daemon_replay {

// Members may all be absent: then nothing can be had.
struct TextKeys {
  std::optional<daemon_audit::OpeningKey> opening;  // the auditor's
  std::optional<base::Secret> site_key;             // salts of every request
  std::optional<daemon_audit::Salt> salt;           // of the one request that is asked for
  std::optional<std::string> body;                  // likewise, as its client kept it
};

using ChoiceTokens = std::vector<std::vector<runtime::TokenId>>;

class RecordedTexts {
 public:
  // Both outlive this.
  RecordedTexts(const daemon_audit::LogReader& log, const TextKeys& keys)
      : log_(log), keys_(keys) {}

  // kNotFound: there is nothing to have it from; kDenied: what there is is not what was recorded.
  base::Result<std::string> body(const RecordedRequest& request) const;
  // Of every choice. As above; an answer that ended without any sealed text is kNotFound.
  base::Result<ChoiceTokens> tokens(const RecordedRequest& request) const;
  // Absent where neither the site key nor its salt is known.
  std::optional<daemon_audit::Salt> salt(const RecordedRequest& request) const;

 private:
  base::Result<std::string> open(const RecordedRequest& request, const std::string& digest) const;

  const daemon_audit::LogReader& log_;
  const TextKeys& keys_;
};

// {"choices":[[token,…],…]}, `choices` of them; bounded by the text.
base::Result<ChoiceTokens> parse_choice_tokens(std::string_view text, std::size_t choices);

}  // namespace daemon_replay

#endif  // DAEMON_REPLAY_RECORDED_TEXTS_H_
