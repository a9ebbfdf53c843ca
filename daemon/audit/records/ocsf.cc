// Classes, objects and their members as OCSF 1.9.0 defines them (repository ocsf/ocsf-schema:
// events/, objects/, profiles/).
#include "daemon/audit/records/ocsf.h"

#include <fmt/format.h>

#include <utility>

#include "daemon/audit/records/ocsf_class.h"
#include "daemon/audit/records/record_text.h"
#include "daemon/audit/records/safe_text.h"
#include "hardening/base/canonical_json.h"
#include "hardening/base/hex.h"
#include "provisioning/sha256.h"

namespace daemon_audit {
namespace {

using base::Json;

constexpr std::string_view kProduct = "Redoubt";

// The member at "a.b", or null.
const Json* find(const Json& value, std::string_view path) {
  const auto dot = path.find('.');
  const Json* member = value.is_object() ? value.find(path.substr(0, dot)) : nullptr;
  if (member == nullptr || dot == path.npos) return member;
  return find(*member, path.substr(dot + 1));
}

void copy(Json& to, std::string_view name, const Json& body, std::string_view path) {
  if (const Json* member = find(body, path)) to.set(std::string(name), *member);
}

std::string text_at(const Json& body, std::string_view path, std::string_view otherwise = "") {
  const Json* member = find(body, path);
  return std::string(member != nullptr && member->is_string() ? member->as_string() : otherwise);
}

std::int64_t count_at(const Json& body, std::string_view path) {
  const Json* member = find(body, path);
  return member != nullptr && member->is_int() ? member->as_int() : 0;
}

Json fingerprint(std::string value) {
  return Json::object({{"algorithm_id", 3}, {"algorithm", "SHA-256"}, {"value", std::move(value)}});
}

Json metadata(const Record& record, const OcsfSource& source) {
  const std::string uid = fmt::format("{}#{}", source.origin, record.index);
  Json product =
      Json::object({{"name", kProduct}, {"vendor_name", kProduct}, {"version", source.version}});
  Json json = Json::object({{"version", kOcsfVersion},
                            {"uid", uid},
                            {"original_event_uid", uid},
                            {"original_time", format_time_us(record.time_us)},
                            {"event_code", record.type},
                            {"log_name", source.origin},
                            {"log_provider", record.host},
                            {"log_version", "1"},
                            {"sequence", record.index}});
  json.set("product", std::move(product));
  copy(json, "correlation_uid", record.body, "request");
  return json;
}

Json client_endpoint(const Record& record) {
  Json endpoint = Json::object();
  copy(endpoint, "ip", record.body, "client.address");
  copy(endpoint, "port", record.body, "client.port");
  // An endpoint has to say something: refusals of many clients are counted together.
  if (endpoint.as_object().empty()) endpoint.set("name", "several");
  return endpoint;
}

void set_status(Json& event, int id, std::string_view status) {
  event.set("status_id", id);
  event.set("status", status);
}

void set_outcome(Json& event, const std::string& outcome) {
  if (outcome == "ok") {
    set_status(event, 1, "Success");
  } else if (outcome == "cancelled") {
    set_status(event, 99, "Cancelled");
  } else {
    set_status(event, 2, "Failure");
  }
  event.set("status_code", outcome);
}

// Profile ai_operation.
void add_model(Json& event, const Record& record) {
  const Json& body = record.body;
  if (find(body, "model") == nullptr) return;
  Json model = Json::object({{"ai_provider", kProduct}});
  copy(model, "name", body, "model.name");
  copy(model, "uid", body, "model.digest");
  copy(model, "version", body, "model.release");
  event.set("ai_model", std::move(model));

  Json context = Json::object({{"ai_role_id", 2}, {"ai_role", "Assistant"}});
  context.set("service", Json::object({{"name", kProduct}}));
  copy(context, "uid", body, "request");
  if (record.type == "request.finished") {
    copy(context, "prompt_tokens", body, "prompt_tokens");
    copy(context, "completion_tokens", body, "completion_tokens");
    context.set("total_tokens",
                count_at(body, "prompt_tokens") + count_at(body, "completion_tokens"));
  }
  event.set("message_context", std::move(context));
}

void add_http(Json& event, const Record& record) {
  const Json& body = record.body;
  if (find(body, "endpoint") != nullptr) {
    Json request = Json::object();
    copy(request, "http_method", body, "method");
    Json url = Json::object();
    copy(url, "path", body, "endpoint");
    request.set("url", std::move(url));
    copy(request, "uid", body, "request");
    copy(request, "body_length", body, "body.bytes");
    event.set("http_request", std::move(request));
  }
  if (find(body, "status") != nullptr) {
    Json response = Json::object();
    copy(response, "code", body, "status");
    event.set("http_response", std::move(response));
  }
}

void add_api_activity(Json& event, const Record& record) {
  const Json& body = record.body;
  Json user = Json::object();
  copy(user, "uid", body, "key");
  Json actor = Json::object();
  actor.set("user", std::move(user));
  event.set("actor", std::move(actor));

  Json api = Json::object({{"operation", text_at(body, "endpoint", "several")}});
  api.set("service", Json::object({{"name", kProduct}}));
  if (find(body, "request") != nullptr) {
    Json request = Json::object();
    copy(request, "uid", body, "request");
    api.set("request", std::move(request));
  }
  event.set("api", std::move(api));
  event.set("src_endpoint", client_endpoint(record));
  event.set("dst_endpoint", Json::object({{"name", record.host}}));
  add_http(event, record);
  add_model(event, record);
  if (record.type == "request.finished") {
    set_outcome(event, text_at(body, "outcome"));
    event.set("duration", count_at(body, "duration_us") / 1'000);
  } else if (record.type == "request.refused") {
    set_outcome(event, text_at(body, "code", "refused"));
  }
}

// A command of an administrator: what it is, and who has given it.
void add_command(Json& event, const Record& record) {
  const Json& body = record.body;
  Json user = Json::object({{"type_id", 2}, {"uid", fmt::format("{}", count_at(body, "uid"))}});
  copy(user, "name", body, "user");
  Json actor = Json::object();
  actor.set("user", std::move(user));
  event.set("actor", std::move(actor));
  Json api = Json::object({{"operation", text_at(body, "command", "unknown")}});
  api.set("service", Json::object({{"name", kProduct}}));
  event.set("api", std::move(api));
  event.set("src_endpoint", Json::object({{"name", record.host}}));
  if (find(body, "outcome") != nullptr) set_outcome(event, text_at(body, "outcome"));
}

void add_authentication(Json& event, const Record& record) {
  event.set("user", Json::object({{"name", "unknown"}, {"type_id", 0}}));
  event.set("service", Json::object({{"name", kProduct}}));
  event.set("src_endpoint", client_endpoint(record));
  event.set("dst_endpoint", Json::object({{"name", record.host}}));
  event.set("auth_protocol_id", 99);
  event.set("auth_protocol", "API key");
  event.set("is_remote", true);
  add_http(event, record);
  set_status(event, 2, "Failure");
  copy(event, "status_detail", record.body, "reason");
}

void add_application(Json& event, const Record& record) {
  Json app = Json::object({{"vendor_name", kProduct}});
  if (record.type.starts_with("model.")) {
    copy(app, "uid", record.body, "id");
    copy(app, "name", record.body, "name");
    copy(app, "version", record.body, "release.version");
  } else if (record.type.starts_with("role.")) {
    app.set("name", fmt::format("{} {}", kProduct, text_at(record.body, "name")));
  } else {
    app.set("name", kProduct);
    copy(app, "version", record.body, "version");
  }
  event.set("app", std::move(app));
}

void add_class(Json& event, const Record& record, const OcsfMapping& mapping) {
  if (record.type == "act") return add_command(event, record);
  switch (mapping.of) {
    case OcsfClass::kApiActivity:
      return add_api_activity(event, record);
    case OcsfClass::kAuthentication:
      return add_authentication(event, record);
    case OcsfClass::kApplicationLifecycle:
      return add_application(event, record);
    case OcsfClass::kApplicationError:
      return set_status(event, 2, "Failure");
    case OcsfClass::kBaseEvent:
      return;
  }
}

Json profiles(const Json& event) {
  Json names = Json::array();
  names.push_back("record_integrity");
  if (event.find("ai_model") != nullptr) names.push_back("ai_operation");
  return names;
}

}  // namespace

Json ocsf_event(const Record& record, std::string_view text, std::string_view leaf_hash,
                const OcsfSource& source) {
  const OcsfMapping& mapping = ocsf_mapping(record.type);
  const int class_uid = static_cast<int>(mapping.of);
  Json event = Json::object({{"category_uid", class_uid / 1'000},
                             {"class_uid", class_uid},
                             {"class_name", ocsf_class_name(mapping.of)},
                             {"activity_id", mapping.activity_id},
                             {"activity_name", mapping.activity_name},
                             {"type_uid", class_uid * 100 + mapping.activity_id},
                             {"severity_id", static_cast<int>(mapping.severity)},
                             {"time", record.time_us / 1'000},
                             {"message", record_sentence(record)}});
  add_class(event, record, mapping);
  copy(event, "count", record.body, "count");
  Json meta = metadata(record, source);
  meta.set("profiles", profiles(event));
  Json attestation = Json::object({{"uid", *find(meta, "uid")},
                                   {"chain_uid", source.origin},
                                   {"authority_uid", source.origin}});
  event.set("metadata", std::move(meta));
  event.set("attestation", std::move(attestation));
  event.set("raw_data", text);
  event.set("raw_data_hash", fingerprint(base::to_hex(provisioning::sha256(text))));
  event.set("unmapped", Json::object({{"leaf_hash", leaf_hash}, {"body", record.body}}));
  return event;
}

base::Result<std::string> ocsf_line(Json event) {
  const std::string attested = TRY(base::canonical_json(event).context("event"));
  for (auto& [name, value] : event.as_object()) {
    if (name == "attestation") {
      value.set("fingerprint", fingerprint(base::to_hex(provisioning::sha256(attested))));
    }
  }
  return safe_json(TRY(base::canonical_json(event).context("event"))) + "\n";
}

}  // namespace daemon_audit
