// Why a changed bundle may be taken all the same: the few ways to write down the same signed
// things.
#ifndef TESTS_PROVISIONING_MUTATIONS_ACCEPTED_CHANGE_H_
#define TESTS_PROVISIONING_MUTATIONS_ACCEPTED_CHANGE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace mutations {

enum class Liberty : std::uint8_t {
  kUnchanged,   // the very bytes
  kWhiteSpace,  // of JSON, outside of its strings; the padding of the two texts is that
  kAlphabet,    // base64 in the URL-safe alphabet throughout a value
  kTwin,        // an ECDSA signature (r, n - s) for (r, s)
  kEscape,      // a character of a JSON string written as \u00XX
  kNone,        // none of these: nobody may take it
};
std::string_view liberty_name(Liberty liberty);

// Compares two archives: release.dsse and model.sig may differ by one of the above, everything else
// not at all. Reads both by itself, with nothing of the product's but JSON and base64.
Liberty judge_change(std::string_view original, std::string_view changed);

// The base64 text of the ECDSA signature (r, n - s) of P-384 or P-256, whichever the numbers are
// of; `text` itself when it is none.
std::string twin_signature(const std::string& text);

}  // namespace mutations

#endif  // TESTS_PROVISIONING_MUTATIONS_ACCEPTED_CHANGE_H_
