#include "daemon/gateway/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace daemon_gateway {
namespace {

// vLLM's edges, so that its dashboards' heat maps fit (vllm/v1/metrics/loggers.py).
constexpr std::array kFirstTokenEdges = {0.001, 0.005, 0.01, 0.02,  0.04,  0.06,  0.08, 0.1,
                                         0.25,  0.5,   0.75, 1.0,   2.5,   5.0,   7.5,  10.0,
                                         20.0,  40.0,  80.0, 160.0, 640.0, 2560.0};
constexpr std::array kAnswerEdges = {0.3,  0.5,   0.8,   1.0,   1.5,   2.0,    2.5,
                                     5.0,  10.0,  15.0,  20.0,  30.0,  40.0,   50.0,
                                     60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0};
static_assert(kFirstTokenEdges.size() <= Histogram::kEdgesMax);
static_assert(kAnswerEdges.size() <= Histogram::kEdgesMax);

// Every code and bare status an error has; the last place is for what an engine may think of.
constexpr std::string_view kCodes[] = {"400",
                                       "404",
                                       "405",
                                       "408",
                                       "413",
                                       "415",
                                       "417",
                                       "500",
                                       "audit_unavailable",
                                       "cancelled",
                                       "context_length_exceeded",
                                       "degraded",
                                       "draining",
                                       "engine_lost",
                                       "invalid_api_key",
                                       "invalid_json",
                                       "invalid_type",
                                       "invalid_value",
                                       "missing_required_parameter",
                                       "model_not_found",
                                       "overloaded",
                                       "rate_limit_exceeded",
                                       "recovering",
                                       "request_quarantined",
                                       "starting",
                                       "unknown_parameter",
                                       "unsupported_parameter",
                                       "unsupported_value",
                                       "other"};

constexpr double kUsPerSecond = 1e6;

// The exposition format escapes three characters in a label's value.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

void begin(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

// One line of one metric; `labels` without braces.
template <typename Value>
void sample(std::string& out, std::string_view name, std::string_view labels, Value value) {
  if (labels.empty()) {
    fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
  } else {
    fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", name, labels, value);
  }
}

}  // namespace

void Histogram::add(double seconds) {
  const auto edge = std::lower_bound(edges_.begin(), edges_.end(), seconds);
  counts_[static_cast<std::size_t>(edge - edges_.begin())]++;
  sum_us_ += static_cast<std::uint64_t>(std::max(seconds, 0.0) * kUsPerSecond);
}

void Histogram::render(std::string_view name, std::string_view labels, std::string& out) const {
  const std::string_view comma = labels.empty() ? "" : ",";
  const auto to = std::back_inserter(out);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    below += counts_[i];
    fmt::format_to(to, "{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, edges_[i], below);
  }
  below += counts_[edges_.size()];
  fmt::format_to(to, "{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, labels, comma, below);
  sample(out, fmt::format("{}_sum", name), labels, static_cast<double>(sum_us_) / kUsPerSecond);
  sample(out, fmt::format("{}_count", name), labels, below);
}

Metrics::Metrics() : first_token_(kFirstTokenEdges), answered_(kAnswerEdges) {
  static_assert(std::size(kCodes) <= kCodesMax);
}

void Metrics::finished(daemon_ipc::EventFinish finish) {
  if (finish == daemon_ipc::EventFinish::kStop) ++stopped_;
  if (finish == daemon_ipc::EventFinish::kLength) ++cut_;
}

void Metrics::refused(std::string_view code) {
  const auto* const known = std::find(std::begin(kCodes), std::end(kCodes) - 1, code);
  ++refused_[static_cast<std::size_t>(known - std::begin(kCodes))];
}

void Metrics::set_gauges(const Gauges& gauges) {
  const std::lock_guard lock(mutex_);
  gauges_ = gauges;
}

void Metrics::set_gpus(std::string text) {
  const std::lock_guard lock(mutex_);
  gpus_ = std::move(text);
}

std::string Metrics::render(std::string_view model) const {
  Gauges now;
  std::string gpus;
  {
    const std::lock_guard lock(mutex_);
    now = gauges_;
    gpus = gpus_;
  }
  const std::string name = fmt::format("model_name=\"{}\"", escaped(model));
  std::string out;
  const auto metric = [&out](std::string_view metric_name, std::string_view type,
                             std::string_view help, std::string_view labels, auto value) {
    begin(out, metric_name, type, help);
    sample(out, metric_name, labels, value);
  };
  metric("vllm:num_requests_running", "gauge", "Prompts that the engine computes.", name,
         now.requests_running);
  metric("vllm:num_requests_waiting", "gauge", "Prompts that wait for the engine.", name,
         now.requests_waiting);
  metric("vllm:prompt_tokens_total", "counter", "Tokens of admitted prompts.", name,
         prompt_tokens_.load());
  metric("vllm:prompt_tokens_cached_total", "counter", "Of them, those computed before.", name,
         cached_tokens_.load());
  metric("vllm:generation_tokens_total", "counter", "Tokens generated.", name,
         generated_tokens_.load());
  begin(out, "vllm:request_success_total", "counter", "Choices that came to their natural end.");
  sample(out, "vllm:request_success_total", name + ",finished_reason=\"stop\"", stopped_.load());
  sample(out, "vllm:request_success_total", name + ",finished_reason=\"length\"", cut_.load());
  begin(out, "vllm:time_to_first_token_seconds", "histogram",
        "From the complete request to its first token.");
  first_token_.render("vllm:time_to_first_token_seconds", name, out);
  begin(out, "vllm:e2e_request_latency_seconds", "histogram",
        "From the complete request to the end of its answer.");
  answered_.render("vllm:e2e_request_latency_seconds", name, out);
  metric("redoubt_connections", "gauge", "Connections of clients.", "", now.connections);
  metric("redoubt_requests_total", "counter", "Requests taken up.", "", now.requests_total);
  metric("redoubt_requests_resumed_total", "counter", "Prompts that went on with another engine.",
         "", now.resumed_total);
  metric("redoubt_requests_quarantined_total", "counter", "Requests that killed engines.", "",
         now.quarantined_total);
  begin(out, "redoubt_requests_refused_total", "counter", "Requests that got an error instead.");
  for (std::size_t i = 0; i < std::size(kCodes); ++i) {
    sample(out, "redoubt_requests_refused_total", fmt::format("code=\"{}\"", kCodes[i]),
           refused_[i].load());
  }
  metric("redoubt_audit_up", "gauge", "1: what is admitted can be recorded.", "",
         now.audit_up ? 1 : 0);
  metric("redoubt_audit_failing_seconds", "gauge", "For how long it could not.", "",
         now.audit_failing_seconds);
  metric("redoubt_audit_records_total", "counter", "Records of the gateway that are durable.", "",
         now.audit_records_total);
  metric("redoubt_audit_pending", "gauge", "Records of the gateway that are not durable yet.", "",
         now.audit_pending);
  return out + gpus;
}

}  // namespace daemon_gateway
