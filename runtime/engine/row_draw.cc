#include "runtime/engine/row_draw.h"

#include "runtime/engine/sampler.h"

namespace runtime {

bool draws_from_rows_alone(const GenerationRequest& spec) {
  return !uses_history(spec.sampling) && spec.sampling.logit_bias.empty() && spec.tokens_min == 0 &&
         !spec.logprobs && !spec.echo_logprobs;
}

kernels::SampleRow row_draw(const Sequence& sequence) {
  const SamplingParams& params = sequence.request->spec.sampling;
  return {.temperature = params.temperature,
          .top_k = params.top_k,
          .top_p = params.top_p,
          .min_p = params.min_p,
          .seed = params.seed,
          .choice = sequence.choice,
          .position = static_cast<std::uint32_t>(sequence.tokens.size())};
}

}  // namespace runtime
