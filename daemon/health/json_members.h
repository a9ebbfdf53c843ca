// The members of one JSON object of this folder's messages, each asked for by name, type and range.
// Errors name the member by its path from the top of the message.
#ifndef DAEMON_HEALTH_JSON_MEMBERS_H_
#define DAEMON_HEALTH_JSON_MEMBERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_health {

// An integer from `min` to `max`, both included.
base::Result<std::int64_t> integer_value(const base::Json& value, const std::string& path,
                                         std::int64_t min, std::int64_t max);

// Printable ASCII of `bytes_min` to `bytes_max` bytes.
base::Result<std::string> text_value(const base::Json& value, const std::string& path,
                                     std::size_t bytes_min, std::size_t bytes_max);

// Borrows the object.
class JsonMembers {
 public:
  static base::Result<JsonMembers> open(const base::Json& json, std::string path);

  std::string path_of(std::string_view key) const { return path_ + "." + std::string(key); }

  // Null when there is none. Each member is to be asked for once.
  const base::Json* find(std::string_view key);

  // These want the member to be there.
  base::Result<std::string> text(std::string_view key, std::size_t bytes_min,
                                 std::size_t bytes_max);
  base::Result<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);

  // Null when it is absent. One that is there is not empty, so that there is one text for one
  // value.
  base::Result<const base::Json::Array*> list(std::string_view key, std::size_t items_max);

  // Refuses an object that has more members than were asked for.
  base::Status expect_no_more() const;

 private:
  JsonMembers(const base::Json& object, std::string path)
      : object_(&object), path_(std::move(path)) {}

  const base::Json* object_;
  std::string path_;
  std::size_t found_ = 0;
};

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_JSON_MEMBERS_H_
