#include "daemon/engine/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/engine/pattern.h"
#include "hardening/base/utf8.h"

namespace daemon_engine {

using base::Json;
using base::Result;
using base::Status;

namespace {

constexpr std::size_t kDepthMax = 32;
constexpr std::size_t kNodesMax = 1'000;
constexpr std::array<std::string_view, 7> kTypes = {"null",   "boolean", "integer", "number",
                                                    "string", "array",   "object"};

// Member names are somebody else's text: as much of one as an error needs.
std::string shown(std::string_view text) {
  return std::string(text.substr(0, 64));
}

// Numbers are equal by value, objects whatever the order of their members (section 4.2.2 of the
// draft).
bool same_value(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    return (a.is_double() || b.is_double()) ? a.as_double() == b.as_double() : a == b;
  }
  if (a.is_array() && b.is_array())
    return std::ranges::equal(a.as_array(), b.as_array(), same_value);
  if (!a.is_object() || !b.is_object()) return a == b;
  if (a.as_object().size() != b.as_object().size()) return false;
  return std::ranges::all_of(a.as_object(), [&b](const Json::Member& member) {
    const Json* other = b.find(member.first);
    return other != nullptr && same_value(member.second, *other);
  });
}

// A number without a fraction is an integer, however it is written (section 6.1.1 of the validation
// draft).
bool has_type(const Json& value, std::string_view type) {
  if (type == "number") return value.is_number();
  if (type != "integer") return value.type_name() == type;
  return value.is_int() || value.is_uint() ||
         (value.is_double() && std::trunc(value.as_double()) == value.as_double());
}

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(base::decode_utf8(text).bytes);
  return count;
}

}  // namespace

struct JsonSchema::Node {
  struct Property;

  bool never = false;                   // the schema `false`
  std::vector<std::string_view> types;  // of kTypes; empty: any
  std::optional<Json> constant;
  std::vector<Json> choices;  // enum
  bool has_choices = false;
  std::vector<Node> any_of;
  std::vector<Property> properties;
  std::vector<std::string> required;
  std::unique_ptr<Node> additional;  // null: anything
  std::unique_ptr<Node> items;
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::optional<std::uint64_t> length_min;
  std::optional<std::uint64_t> length_max;
  std::optional<std::uint64_t> items_min;
  std::optional<std::uint64_t> items_max;
  std::optional<std::string> pattern;
};

struct JsonSchema::Node::Property {
  std::string name;
  Node schema;
};

namespace {

using Node = JsonSchema::Node;

// ---- reading

class Reader {
 public:
  Result<Node> read(const Json& json, const std::string& path, std::size_t depth) {
    if (depth > kDepthMax)
      return base::exhausted(
          fmt::format("{}: schemas nest deeper than {}", where(path), kDepthMax));
    if (++nodes_ > kNodesMax)
      return base::exhausted(fmt::format("the schema has more than {} schemas in it", kNodesMax));
    Node node;
    if (json.is_bool()) {
      node.never = !json.as_bool();
      return node;
    }
    if (!json.is_object()) return base::invalid_input(where(path) + " is not a schema");
    for (const auto& [key, value] : json.as_object()) {
      TRY(read_keyword(node, key, value, path.empty() ? shown(key) : path + "." + shown(key),
                       depth));
    }
    return node;
  }

 private:
  static std::string where(const std::string& path) { return path.empty() ? "the schema" : path; }

  Status read_keyword(Node& node, std::string_view key, const Json& value, const std::string& path,
                      std::size_t depth) {
    if (key == "type") return read_types(node, value, path);
    if (key == "const") {
      node.constant = value;
      return {};
    }
    if (key == "enum") return read_choices(node, value, path);
    if (key == "anyOf") return read_any_of(node, value, path, depth);
    if (key == "properties") return read_properties(node, value, path, depth);
    if (key == "required") return read_required(node, value, path);
    if (key == "additionalProperties") return read_child(node.additional, value, path, depth);
    if (key == "items") return read_child(node.items, value, path, depth);
    if (key == "minimum") return read_number(node.minimum, value, path);
    if (key == "maximum") return read_number(node.maximum, value, path);
    if (key == "minLength") return read_count(node.length_min, value, path);
    if (key == "maxLength") return read_count(node.length_max, value, path);
    if (key == "minItems") return read_count(node.items_min, value, path);
    if (key == "maxItems") return read_count(node.items_max, value, path);
    if (key == "pattern") return read_pattern(node, value, path);
    return base::unsupported(path + " is not a keyword known here");
  }

  static Status read_type(Node& node, const Json& value, const std::string& path) {
    const auto* known =
        value.is_string() ? std::ranges::find(kTypes, value.as_string()) : kTypes.end();
    if (known == kTypes.end()) return base::invalid_input(path + " does not name a type");
    node.types.push_back(*known);
    return {};
  }

  static Status read_types(Node& node, const Json& value, const std::string& path) {
    if (!value.is_array()) return read_type(node, value, path);
    if (value.as_array().empty()) return base::invalid_input(path + " names no type");
    for (const Json& type : value.as_array()) TRY(read_type(node, type, path));
    return {};
  }

  static Status read_choices(Node& node, const Json& value, const std::string& path) {
    if (!value.is_array()) return base::invalid_input(path + " is not an array");
    node.has_choices = true;
    node.choices = value.as_array();
    return {};
  }

  Status read_any_of(Node& node, const Json& value, const std::string& path, std::size_t depth) {
    if (!value.is_array() || value.as_array().empty())
      return base::invalid_input(path + " is not a list of schemas");
    for (const Json& schema : value.as_array()) {
      node.any_of.push_back(
          TRY(read(schema, fmt::format("{}[{}]", path, node.any_of.size()), depth + 1)));
    }
    return {};
  }

  Status read_properties(Node& node, const Json& value, const std::string& path,
                         std::size_t depth) {
    if (!value.is_object()) return base::invalid_input(path + " is not an object");
    for (const auto& [name, schema] : value.as_object()) {
      Node child = TRY(read(schema, path + "." + shown(name), depth + 1));
      node.properties.push_back({name, std::move(child)});
    }
    return {};
  }

  static Status read_required(Node& node, const Json& value, const std::string& path) {
    if (!value.is_array()) return base::invalid_input(path + " is not an array");
    for (const Json& name : value.as_array()) {
      if (!name.is_string()) return base::invalid_input(path + " has an item that is not a string");
      node.required.push_back(name.as_string());
    }
    return {};
  }

  Status read_child(std::unique_ptr<Node>& child, const Json& value, const std::string& path,
                    std::size_t depth) {
    child = std::make_unique<Node>(TRY(read(value, path, depth + 1)));
    return {};
  }

  static Status read_number(std::optional<double>& out, const Json& value,
                            const std::string& path) {
    if (!value.is_number()) return base::invalid_input(path + " is not a number");
    out = value.as_double();
    return {};
  }

  static Status read_count(std::optional<std::uint64_t>& out, const Json& value,
                           const std::string& path) {
    if (!value.is_int() || value.as_int() < 0) return base::invalid_input(path + " is not a count");
    out = static_cast<std::uint64_t>(value.as_int());
    return {};
  }

  static Status read_pattern(Node& node, const Json& value, const std::string& path) {
    if (!value.is_string()) return base::invalid_input(path + " is not a string");
    TRY(check_pattern(value.as_string()).context(path));
    node.pattern = value.as_string();
    return {};
  }

  std::size_t nodes_ = 0;
};

// ---- checking

Status broken(const std::string& path, std::string_view rule) {
  return base::invalid_input(fmt::format("{} {}", path.empty() ? "the value" : path, rule));
}

Status check_node(const Node& node, const Json& value, const std::string& path);

Status check_object(const Node& node, const Json& value, const std::string& path) {
  for (const std::string& name : node.required) {
    if (value.find(name) == nullptr)
      return broken(path, fmt::format("lacks the member {}", shown(name)));
  }
  for (const auto& [name, member] : value.as_object()) {
    const std::string member_path = path.empty() ? shown(name) : path + "." + shown(name);
    const auto known = std::ranges::find(node.properties, name, &Node::Property::name);
    if (known != node.properties.end()) {
      TRY(check_node(known->schema, member, member_path));
    } else if (node.additional != nullptr) {
      TRY(check_node(*node.additional, member, member_path));
    }
  }
  return {};
}

Status check_array(const Node& node, const Json& value, const std::string& path) {
  const Json::Array& items = value.as_array();
  if (node.items_min && items.size() < *node.items_min)
    return broken(path, "has fewer items than minItems");
  if (node.items_max && items.size() > *node.items_max)
    return broken(path, "has more items than maxItems");
  for (std::size_t i = 0; node.items != nullptr && i < items.size(); ++i) {
    TRY(check_node(*node.items, items[i], fmt::format("{}[{}]", path, i)));
  }
  return {};
}

Status check_string(const Node& node, const std::string& text, const std::string& path) {
  if (node.length_min && characters(text) < *node.length_min)
    return broken(path, "is shorter than minLength");
  if (node.length_max && characters(text) > *node.length_max)
    return broken(path, "is longer than maxLength");
  if (node.pattern && !TRY(find_pattern(*node.pattern, text)))
    return broken(path, "does not match its pattern");
  return {};
}

Status check_any_of(const Node& node, const Json& value, const std::string& path) {
  for (const Node& schema : node.any_of) {
    if (check_node(schema, value, path).ok()) return {};
  }
  return node.any_of.empty() ? Status() : broken(path, "fits none of anyOf");
}

Status check_node(const Node& node, const Json& value, const std::string& path) {
  if (node.never) return broken(path, "may not be there");
  const auto fits = [&value](std::string_view type) { return has_type(value, type); };
  if (!node.types.empty() && std::ranges::none_of(node.types, fits)) {
    return broken(path, fmt::format("is of the wrong type: {}", value.type_name()));
  }
  if (node.constant && !same_value(*node.constant, value))
    return broken(path, "is not the constant");
  const auto same = [&value](const Json& choice) { return same_value(choice, value); };
  if (node.has_choices && std::ranges::none_of(node.choices, same))
    return broken(path, "is none of enum");
  if (value.is_number()) {
    if (node.minimum && value.as_double() < *node.minimum) return broken(path, "is below minimum");
    if (node.maximum && value.as_double() > *node.maximum) return broken(path, "is above maximum");
  }
  if (value.is_string()) TRY(check_string(node, value.as_string(), path));
  if (value.is_array()) TRY(check_array(node, value, path));
  if (value.is_object()) TRY(check_object(node, value, path));
  return check_any_of(node, value, path);
}

}  // namespace

Result<JsonSchema> JsonSchema::parse(const Json& json) {
  return JsonSchema(std::make_shared<const Node>(TRY(Reader().read(json, "", 1))));
}

Status JsonSchema::check(const Json& value) const {
  return check_node(*root_, value, "");
}

}  // namespace daemon_engine
