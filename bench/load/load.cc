#include "bench/load/load.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "bench/load/arrivals.h"
#include "bench/load/load_run.h"
#include "bench/options.h"
#include "bench/process_memory.h"
#include "bench/statistics.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace bench {
namespace {

using base::Json;
using base::Result;
using base::Status;

struct Plan {
  LoadPlan load;
  double rate = 0;  // 0: closed loop
  std::vector<std::uint64_t> pids;
  std::string json_path;
};

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<HttpTarget> parse_target(const Options& options) {
  HttpTarget target;
  target.url = options.text("--url", from_environment("REDOUBT_URL"));
  target.ca_file = options.text("--ca", from_environment("REDOUBT_CA"));
  target.api_key = from_environment("REDOUBT_API_KEY");
  if (target.url.empty()) return base::invalid_input("--url is needed: https://ADDRESS:PORT");
  return target;
}

Status plan_open_loop(const Options& options, Plan& plan) {
  const std::string text = options.text("--rate", "");
  if (text.empty()) return {};
  char* end = nullptr;
  plan.rate = std::strtod(text.c_str(), &end);
  if (*end != '\0' || !(plan.rate > 0)) return base::invalid_input("--rate is a number above 0");
  plan.load.arrivals_ns = plan_arrivals({.rate = plan.rate,
                                         .count = plan.load.requests,
                                         .burst = TRY(options.number("--burst", 1)),
                                         .seed = TRY(options.number("--seed", 1))});
  plan.load.streams = TRY(options.number("--streams", 256));
  return {};
}

Result<Plan> parse_plan(int argc, char** argv) {
  const Options options = TRY(
      Options::parse(argc, argv,
                     {"--url", "--ca", "--model", "--endpoint", "--streams", "--rate", "--burst",
                      "--seed", "--requests", "--tokens", "--prompt-bytes", "--pids", "--json"}));
  Plan plan;
  LoadPlan& load = plan.load;
  load.target = TRY(parse_target(options));
  load.model = options.text("--model", from_environment("REDOUBT_MODEL"));
  const std::string endpoint = options.text("--endpoint", "completions");
  if (endpoint != "chat" && endpoint != "completions")
    return base::invalid_input("--endpoint is chat or completions");
  load.chat = endpoint == "chat";
  load.streams = TRY(options.number("--streams", load.streams));
  load.requests = TRY(options.number("--requests", load.requests));
  load.tokens = TRY(options.number("--tokens", load.tokens));
  load.prompt_bytes = TRY(options.number("--prompt-bytes", load.prompt_bytes));
  plan.pids = TRY(options.numbers("--pids", ""));
  plan.json_path = options.text("--json", "");
  TRY(plan_open_loop(options, plan));
  if (load.streams == 0 || load.streams > 4096)
    return base::invalid_input("--streams is 1 to 4096");
  if (load.requests == 0 || load.requests > 1'000'000)
    return base::invalid_input("--requests is 1 to 1000000");
  if (load.prompt_bytes == 0 || load.prompt_bytes > 1'000'000)
    return base::invalid_input("--prompt-bytes is 1 to 1000000");
  return plan;
}

Json summary(std::string_view what, const std::vector<double>& values_ms) {
  Json json = Json::object({{"samples", static_cast<std::uint64_t>(values_ms.size())}});
  fmt::print("  {:<20}", what);
  for (const auto& [name, share] :
       {std::pair{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1.0}}) {
    const double value = percentile(values_ms, share);
    fmt::print("  {} {:9.2f}", name, value);
    json.set(name, value);
  }
  fmt::print("\n");
  return json;
}

Json report(const Plan& plan, const LoadResult& result) {
  const std::string kind = plan.rate > 0 ? fmt::format("{} requests per second", plan.rate)
                                         : fmt::format("{} streams", plan.load.streams);
  fmt::print("{} requests, {}: {:.1f} tokens/s, {} faults\n", plan.load.requests, kind,
             result.tokens_per_second(), result.faults.size());
  Json json = Json::object({{"requests", static_cast<std::uint64_t>(plan.load.requests)},
                            {"streams", static_cast<std::uint64_t>(plan.load.streams)},
                            {"rate", plan.rate},
                            {"faults", static_cast<std::uint64_t>(result.faults.size())},
                            {"seconds", result.seconds},
                            {"tokens", static_cast<std::uint64_t>(result.tokens)},
                            {"tokens_per_second", result.tokens_per_second()}});
  json.set("first_token_ms", summary("first token, ms", result.first_token_ms));
  json.set("between_tokens_ms", summary("between tokens, ms", result.between_tokens_ms));
  json.set("request_ms", summary("whole request, ms", result.request_ms));
  for (std::size_t i = 0; i < result.faults.size() && i < 5; ++i)
    fmt::print("  fault: {}\n", result.faults[i]);
  Json processes = Json::array();
  for (const std::uint64_t pid : plan.pids) {
    const ProcessMemory memory = process_memory(static_cast<pid_t>(pid));
    fmt::print("  process {}: {} MiB resident, {} MiB at most\n", pid, memory.resident_bytes >> 20,
               memory.peak_bytes >> 20);
    processes.push_back(Json::object({{"pid", pid},
                                      {"resident_bytes", memory.resident_bytes},
                                      {"peak_resident_bytes", memory.peak_bytes}}));
  }
  json.set("processes", std::move(processes));
  return json;
}

Status load(int argc, char** argv) {
  const Plan plan = TRY(parse_plan(argc, argv));
  const LoadResult result = run_load(plan.load);
  const Json json = report(plan, result);
  if (!plan.json_path.empty())
    TRY(base::replace_file(plan.json_path, json.dump_pretty() + "\n", 0644));
  if (!result.faults.empty())
    return base::unavailable(fmt::format("{} requests failed", result.faults.size()));
  return {};
}

Status wait(int argc, char** argv) {
  constexpr std::chrono::milliseconds kStep{10};
  const Options options = TRY(Options::parse(argc, argv, {"--url", "--ca", "--path", "--seconds"}));
  const HttpTarget target = TRY(parse_target(options));
  const std::string path = options.text("--path", "/ready");
  const auto seconds = static_cast<std::int64_t>(TRY(options.number("--seconds", 60)));
  const base::SystemClock clock;
  const std::int64_t started_ns = clock.monotonic_ns();
  Status answered = base::unavailable("not asked yet");
  while (!answered.ok() && clock.monotonic_ns() - started_ns < seconds * 1'000'000'000) {
    auto stream = HttpStream::create(target);
    answered = stream.ok() ? stream.value().get(path) : Status(stream.error());
    if (!answered.ok()) std::this_thread::sleep_for(kStep);
  }
  return answered;
}

int finish(std::string_view verb, const Status& status) {
  if (status.ok()) return 0;
  fmt::print(stderr, "{}: {}\n", verb, status.error().message);
  return 1;
}

}  // namespace

int run_load_bench(int argc, char** argv) {
  return finish("load", load(argc, argv));
}

int run_wait(int argc, char** argv) {
  return finish("wait", wait(argc, argv));
}

}  // namespace bench
