// Any bytes become an evaluation set or an error; every item of a set can judge any answer.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/engine/evaluation_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using daemon_engine::EvaluationKind;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto set = daemon_engine::EvaluationSet::parse(text);
  if (!set.ok()) {
    if (set.error().message.empty()) std::abort();
    return 0;
  }
  if (set.value().items.empty() ||
      daemon_engine::count_requests(set.value()) < set.value().items.size())
    std::abort();
  const auto& item = set.value().items.front();
  for (const std::string_view answer :
       {std::string_view("true"), std::string_view("{\"a\":[1,2.5,\"x\"]}"),
        std::string_view("Paris")}) {
    const auto judged = daemon_engine::judge_answer(set.value().kind, item, answer);
    if (!judged.ok() && judged.error().message.empty()) std::abort();
  }
  if (set.value().kind == EvaluationKind::kExact &&
      !daemon_engine::judge_answer(EvaluationKind::kExact, item, item.answer).ok()) {
    std::abort();
  }
  return 0;
}
