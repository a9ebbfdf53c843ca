// redoubt ask: one question to an appliance, the answer streamed to the terminal.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "daemon/cli/event_stream.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/https_client.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"

namespace daemon_cli {
namespace {

using base::Json;

constexpr std::size_t kQuestionBytesMax = 4u << 20;
constexpr std::size_t kKeyBytesMax = 4'096;
constexpr std::size_t kPlainBodyBytesMax = 1u << 20;
constexpr double kNotGiven = -1;

struct AskOptions {
  std::vector<std::string> words;
  std::string config = "/etc/redoubt/redoubt.toml";
  std::string url;
  std::string ca_file;
  std::string key_file;
  std::string model;
  std::string system;
  std::uint64_t tokens_max = 0;  // 0: the service's choice
  double temperature = kNotGiven;
};

// ---- where, and with which key ------------------------------------------------------------------

base::Result<daemon_config::ListenAddress> parse_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return base::invalid_input("--url begins with https://");
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  return daemon_config::parse_listen_address(url).context("--url");
}

// The address of this machine's own service; "every address" is reached through the loopback.
daemon_config::ListenAddress local_address(daemon_config::ListenAddress address) {
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return address;
}

struct Connection {
  HttpsTarget target;
  base::Secret key;
};

base::Result<base::Secret> read_key(const std::string& path) {
  std::string text = TRY(base::read_text_file(path, kKeyBytesMax).context("API key"));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  auto key = base::Secret::create(text);
  base::wipe(std::as_writable_bytes(std::span(text)));
  return key;
}

base::Result<base::Secret> find_key(const AskOptions& options, const std::string& local_key_file) {
  if (!options.key_file.empty()) return read_key(options.key_file);
  const char* from_environment = ::secure_getenv("REDOUBT_API_KEY");
  if (from_environment != nullptr) return base::Secret::create(std::string_view(from_environment));
  if (!local_key_file.empty()) return read_key(local_key_file);
  return base::not_found("no API key: set REDOUBT_API_KEY or give --key-file");
}

// What the command line does not say comes from the local configuration, which is read only then.
base::Result<Connection> find_connection(const AskOptions& options) {
  if (!options.url.empty() && !options.ca_file.empty()) {
    HttpsTarget target{TRY(parse_url(options.url)), options.ca_file};
    auto key = TRY(find_key(options, ""));
    return Connection{std::move(target), std::move(key)};
  }
  const auto config = TRY(daemon_config::read_config(options.config));
  const daemon_supervisor::StatePaths paths(config);
  HttpsTarget target;
  target.address = options.url.empty() ? local_address(config.server.listen.front())
                                       : TRY(parse_url(options.url));
  target.ca_file = options.ca_file.empty() ? paths.tls_certificate : options.ca_file;
  auto key = TRY(find_key(options, paths.ask_key));
  return Connection{std::move(target), std::move(key)};
}

// ---- the question -------------------------------------------------------------------------------

base::Result<std::string> read_standard_input() {
  std::string text;
  char bytes[16'384];
  for (ssize_t got = 0; (got = ::read(STDIN_FILENO, bytes, sizeof bytes)) > 0;) {
    text.append(bytes, static_cast<std::size_t>(got));
    if (text.size() > kQuestionBytesMax) return base::exhausted("the question is too long");
  }
  return text;
}

base::Result<std::string> find_question(const AskOptions& options) {
  if (options.words.size() == 1 && options.words[0] == "-") return read_standard_input();
  return fmt::format("{}", fmt::join(options.words, " "));
}

Json make_request(const AskOptions& options, const std::string& model,
                  const std::string& question) {
  Json messages = Json::array();
  if (!options.system.empty())
    messages.push_back(Json::object({{"role", "system"}, {"content", options.system}}));
  messages.push_back(Json::object({{"role", "user"}, {"content", question}}));
  Json request =
      Json::object({{"model", model}, {"messages", std::move(messages)}, {"stream", true}});
  if (options.tokens_max > 0) request.set("max_tokens", options.tokens_max);
  if (options.temperature >= 0) request.set("temperature", options.temperature);
  return request;
}

// ---- the answer ---------------------------------------------------------------------------------

// Model text may hold anything; escape sequences would steer the terminal it is shown on.
std::string for_terminal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool steers = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
    if (steers)
      out += "\xEF\xBF\xBD";  // U+FFFD
    else
      out += c;
  }
  return out;
}

const Json* at_path(const Json& json, std::initializer_list<std::string_view> keys) {
  const Json* value = &json;
  for (const std::string_view key : keys) {
    if (value == nullptr || !value->is_object()) return nullptr;
    value = value->find(key);
  }
  return value;
}

base::Error api_error(int status, const std::string& body) {
  const auto json = Json::parse(body);
  const Json* message = json.ok() ? at_path(json.value(), {"error", "message"}) : nullptr;
  const std::string text =
      message != nullptr && message->is_string() ? message->as_string() : "no reason given";
  return base::denied(fmt::format("the service answered {}: {}", status, for_terminal(text)));
}

base::Status show_event(const Json& event) {
  const Json* error = at_path(event, {"error", "message"});
  if (error != nullptr && error->is_string())
    return base::unavailable(for_terminal(error->as_string()));
  const Json* choices = at_path(event, {"choices"});
  if (choices == nullptr || !choices->is_array() || choices->as_array().empty()) return {};
  const Json* content = at_path(choices->as_array().front(), {"delta", "content"});
  if (content == nullptr || !content->is_string()) return {};
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const std::string text = terminal ? for_terminal(content->as_string()) : content->as_string();
  return base::write_all(base::Fd(::dup(STDOUT_FILENO)), std::as_bytes(std::span(text)));
}

base::Result<std::string> fetch(const Connection& connection, const std::string& path) {
  std::string body;
  const auto status = TRY(exchange(connection.target, {"GET", path, "", &connection.key},
                                   [&body](int, std::string_view bytes) -> base::Status {
                                     body += bytes;
                                     if (body.size() > kPlainBodyBytesMax)
                                       return base::exhausted("the answer is too long");
                                     return {};
                                   }));
  if (status != 200) return api_error(status, body);
  return body;
}

base::Result<std::string> find_model(const AskOptions& options, const Connection& connection) {
  if (!options.model.empty()) return options.model;
  const auto list = TRY(Json::parse(TRY(fetch(connection, "/v1/models"))));
  const Json* data = at_path(list, {"data"});
  if (data == nullptr || !data->is_array() || data->as_array().empty())
    return base::not_found("the service has no model");
  const Json* id = at_path(data->as_array().front(), {"id"});
  if (id == nullptr || !id->is_string())
    return base::invalid_input("the service's list of models is malformed");
  return id->as_string();
}

base::Status ask(const AskOptions& options) {
  const Connection connection = TRY(find_connection(options));
  const std::string question = TRY(find_question(options));
  const std::string model = TRY(find_model(options, connection));
  EventStream events;
  std::string error_body;
  const HttpsRequest request{"POST", "/v1/chat/completions",
                             make_request(options, model, question).dump(), &connection.key};
  const auto status = TRY(
      exchange(connection.target, request, [&](int code, std::string_view bytes) -> base::Status {
        if (code == 200) return events.feed(bytes, show_event);
        error_body +=
            bytes.substr(0, kPlainBodyBytesMax - std::min(kPlainBodyBytesMax, error_body.size()));
        return {};
      }));
  if (status != 200) return api_error(status, error_body);
  if (!events.done()) return base::unavailable("the answer broke off");
  fmt::print("\n");
  return {};
}

int run_ask(const AskOptions& options) {
  const auto status = ask(options);
  if (status.ok()) return kExitOk;
  if (status.error().code == base::ErrorCode::kNotFound) {
    return report_failure(
        status.error(), "Make a key for this machine with: redoubt api-keys create NAME --for-ask");
  }
  return report_failure(status.error());
}

}  // namespace

void add_ask(Command& parent) {
  Command& verb = parent.add("ask", "ask the service a question and show its answer");
  auto options = std::make_shared<AskOptions>();
  verb.arguments("QUESTION", options->words, "the question; '-' reads it from standard input");
  verb.option("--config", options->config, "the configuration file of the local service");
  verb.option("--url", options->url, "another service: https://IP:PORT");
  verb.option("--ca-file", options->ca_file,
              "the certificate to trust (PEM); the local service's own when not given");
  verb.option("--key-file", options->key_file,
              "a file with an API key; else REDOUBT_API_KEY, else this machine's ask.key");
  verb.option("--model", options->model, "which model; the service's first when not given");
  verb.option("--system", options->system, "instructions that come before the question");
  verb.option("--max-tokens", options->tokens_max,
              "longest answer, in tokens; 0: the service's choice");
  verb.option("--temperature", options->temperature,
              "0 is always the same answer; below 0: the service's choice");
  verb.runs([options] { return run_ask(*options); });
}

}  // namespace daemon_cli
