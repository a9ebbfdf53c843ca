// The members of one JSON object of a golden or evaluation set, each asked for by name, type and
// range. Errors name the member by its path from the top of the document.
#ifndef DAEMON_ENGINE_SET_FIELDS_H_
#define DAEMON_ENGINE_SET_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "runtime/token.h"

namespace daemon_engine {

// What any set may hold at most; provisioning/BUNDLE.md section 5.
inline constexpr std::size_t kSetBytesMax = 64u << 20;
inline constexpr std::size_t kSetValuesMax =
    4'000'000;  // of the JSON text, so that its bytes do not multiply in memory
inline constexpr std::size_t kSetItemsMax = 100'000;
inline constexpr std::size_t kPromptBytesMax = 1u << 20;
inline constexpr std::uint32_t kAnswerTokensMax = 4'096;

// The text of a set as JSON, within the limits above.
base::Result<base::Json> parse_set(std::string_view text);

// Borrows the object.
class SetFields {
 public:
  // `path` is the object's own: "" at the top, else "items[3].".
  static base::Result<SetFields> open(const base::Json& json, std::string path);

  std::string path_of(std::string_view key) const { return path_ + std::string(key); }

  // All are required, and bounds are inclusive.
  base::Result<const base::Json*> member(std::string_view key);
  base::Result<std::string> text(std::string_view key, std::size_t bytes_min,
                                 std::size_t bytes_max);
  base::Result<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  base::Result<double> number(std::string_view key, double min, double max);
  base::Result<const base::Json::Array*> list(std::string_view key, std::size_t items_min,
                                              std::size_t items_max);
  base::Result<std::vector<runtime::TokenId>> tokens(std::string_view key, std::size_t items_min,
                                                     std::size_t items_max);
  base::Status expect(std::string_view key, std::string_view text);

  // Refuses the first member that nobody asked for, by name.
  base::Status expect_no_more() const;

 private:
  SetFields(const base::Json& object, std::string path)
      : object_(&object), path_(std::move(path)) {}

  const base::Json* object_;
  std::string path_;
  std::vector<std::string_view> known_;  // literals
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_SET_FIELDS_H_
