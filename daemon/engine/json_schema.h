// A small, closed part of JSON Schema (draft 2020-12), enough to say what an answer must look like:
//
//   type  enum  const  anyOf  properties  required  additionalProperties  items  minItems  maxItems
//   minimum  maximum  minLength  maxLength  pattern
//
// and the schemas true and false. Any other keyword is refused by name when the schema is read: one
// that is overlooked would let an answer pass that it forbids. There are no references, so checking
// takes at most schema times answer.
#ifndef DAEMON_ENGINE_JSON_SCHEMA_H_
#define DAEMON_ENGINE_JSON_SCHEMA_H_

#include <memory>
#include <string_view>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_engine {

class JsonSchema {
 public:
  // kUnsupported names a keyword that is not in the list, kInvalidInput one whose value is wrong;
  // both say where
  // ("items.properties.age"). At most 32 schemas deep and 1,000 in all.
  static base::Result<JsonSchema> parse(const base::Json& json);

  // kInvalidInput says which value breaks which keyword.
  base::Status check(const base::Json& value) const;

  struct Node;

 private:
  explicit JsonSchema(std::shared_ptr<const Node> root) : root_(std::move(root)) {}

  std::shared_ptr<const Node> root_;  // immutable: copies share it
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_JSON_SCHEMA_H_
