// Members of a JSON object that must be there, of the type they must have. Errors name the member
// by its path from the top of the document.
#ifndef PROVISIONING_JSON_FIELDS_H_
#define PROVISIONING_JSON_FIELDS_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace provisioning {

// Somebody else's text for a message of ours: in quotes, printable ASCII, cut when it is long.
std::string quoted(std::string_view text);

// Each requires an object; `path` is the object's own.
base::Result<const base::Json*> object_member(const base::Json& object, std::string_view key,
                                              std::string_view path);
base::Result<const base::Json*> array_member(const base::Json& object, std::string_view key,
                                             std::string_view path);
base::Result<std::string> string_member(const base::Json& object, std::string_view key,
                                        std::string_view path);
base::Result<bool> bool_member(const base::Json& object, std::string_view key,
                               std::string_view path);

// kUnsupported unless the member is exactly this text; says what it is instead.
base::Status expect_string(const base::Json& object, std::string_view key,
                           std::string_view expected, std::string_view path);

// kInvalidInput when the object has a member that is not listed; says which.
base::Status only_members(const base::Json& object, std::initializer_list<std::string_view> known,
                          std::string_view path);

}  // namespace provisioning

#endif  // PROVISIONING_JSON_FIELDS_H_
