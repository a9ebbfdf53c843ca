// Records of a request as the gateway reports them, with what a test wants otherwise.
#ifndef TESTS_DAEMON_REPLAY_RECORDED_BODIES_H_
#define TESTS_DAEMON_REPLAY_RECORDED_BODIES_H_

#include <string>
#include <vector>

#include "hardening/base/json.h"

namespace daemon_replay {

inline const std::string kTestModel(64, 'a');
inline constexpr std::string_view kTestKernels = "test";

struct TestChoice {
  std::vector<std::int32_t> tokens;
  std::string finish;  // empty: none
};

struct TestRequest {
  std::string id = "req-1";
  std::string endpoint = "/v1/completions";
  std::string body;
  std::uint32_t n = 1;
  std::uint32_t tokens_max = 8;  // as asked for, and as the engine counted
  double temperature = 1;
  std::string seed = "7";
  std::vector<std::uint32_t> prompt_tokens = {3};
  std::string outcome = "ok";
  std::vector<TestChoice> choices;
};

inline base::Json test_model() {
  return base::Json::object({{"name", "m"}, {"digest", kTestModel}});
}

inline base::Json test_parameters(const TestRequest& request) {
  return base::Json::object({{"choices", request.n},
                             {"tokens_max", request.tokens_max},
                             {"tokens_min", 0},
                             {"temperature", request.temperature},
                             {"top_k", 0},
                             {"top_p", 1},
                             {"min_p", 0},
                             {"repetition_penalty", 1},
                             {"presence_penalty", 0},
                             {"frequency_penalty", 0},
                             {"logprobs", false},
                             {"top_logprobs", 0},
                             {"echo", false},
                             {"ignore_end_tokens", false},
                             {"include_stop_text", false},
                             {"continue_final_message", false},
                             {"add_generation_prompt", true}});
}

inline base::Json test_admission(const TestRequest& request) {
  base::Json prompts = base::Json::array();
  for (const std::uint32_t tokens : request.prompt_tokens) {
    prompts.push_back(base::Json::object({{"tokens", tokens}, {"tokens_max", request.tokens_max}}));
  }
  return base::Json::object({{"request", request.id},
                             {"client", base::Json::object({{"address", "127.0.0.1"}})},
                             {"key", "k"},
                             {"endpoint", request.endpoint},
                             {"method", "POST"},
                             {"stream", false},
                             {"model", test_model()},
                             {"kernels", kTestKernels},
                             {"parameters", test_parameters(request)},
                             {"seed", request.seed},
                             {"created", 1'795'284'000},
                             {"prompts", std::move(prompts)}});
}

inline base::Json test_completion(const TestRequest& request) {
  base::Json choices = base::Json::array();
  for (std::size_t i = 0; i < request.choices.size(); ++i) {
    const TestChoice& choice = request.choices[i];
    base::Json json =
        base::Json::object({{"index", static_cast<std::uint64_t>(i)},
                            {"tokens", static_cast<std::uint64_t>(choice.tokens.size())}});
    if (!choice.finish.empty()) json.set("finish", choice.finish);
    choices.push_back(std::move(json));
  }
  return base::Json::object({{"request", request.id},
                             {"client", base::Json::object({{"address", "127.0.0.1"}})},
                             {"key", "k"},
                             {"endpoint", request.endpoint},
                             {"model", test_model()},
                             {"kernels", kTestKernels},
                             {"outcome", request.outcome},
                             {"status", 200},
                             {"prompt_tokens", 3},
                             {"completion_tokens", 8},
                             {"cached_tokens", 0},
                             {"device_us", 1},
                             {"duration_us", 1},
                             {"resumed", 0},
                             {"choices", std::move(choices)}});
}

// The member of an object, for a test to change.
inline base::Json& member(base::Json& object, std::string_view name) {
  for (auto& [key, value] : object.as_object()) {
    if (key == name) return value;
  }
  object.set(std::string(name), {});
  return object.as_object().back().second;
}

}  // namespace daemon_replay

#endif  // TESTS_DAEMON_REPLAY_RECORDED_BODIES_H_
