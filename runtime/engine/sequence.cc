#include "runtime/engine/sequence.h"

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/engine/row_draw.h"

namespace runtime {

Sequence::Sequence(const Tokenizer& tokenizer, LiveRequest& owner, std::uint32_t index)
    : request(&owner), choice(index), output(tokenizer, owner.spec, owner.stops) {
  const GenerationRequest& spec = owner.spec;
  const bool resumed = !spec.resume.empty() && !spec.resume[index].empty();
  if ((spec.echo || spec.echo_logprobs) && !resumed) {
    const std::span<const TokenId> before = std::span(spec.prompt).first(spec.echo_from);
    echo.emplace(PromptEcho{{tokenizer, before}, {}, spec.echo_from});
  }
  if (!resumed) return;
  std::string shown_before;
  for (const TokenId token : spec.resume[index]) {
    closing = output.push(token, shown_before);
    shown_before.clear();
    if (closing == FinishReason::kNone) continue;
    phase = Phase::kDone;
    break;
  }
}

std::size_t Sequence::first_logit_position() const {
  if (!echo || !request->spec.echo_logprobs) return tokens.size() - 1;
  // The logits at a position are about the token after it; the first token has none.
  return std::max<std::size_t>(echo->next, 1) - 1;
}

LiveRequest::LiveRequest(const Tokenizer& tokenizer, GenerationRequest request)
    : spec(std::move(request)), stops(spec.stop), from_rows_alone(draws_from_rows_alone(spec)) {
  if (spec.tokens_min > 0) {
    if (!spec.ignore_end_tokens) barred = tokenizer.end_tokens();
    barred.insert(barred.end(), spec.stop_tokens.begin(), spec.stop_tokens.end());
  }
  choices.reserve(spec.choices);
  for (std::uint32_t i = 0; i < spec.choices; ++i) choices.emplace_back(tokenizer, *this, i);
}

bool LiveRequest::done() const {
  return std::ranges::all_of(choices, [](const Sequence& choice) {
    return choice.phase == Sequence::Phase::kDone && choice.closing == FinishReason::kNone;
  });
}

}  // namespace runtime
