#include "bench/model/generate.h"

#include <fmt/format.h>

#include <cstdio>

#include "bench/model/local_model.h"
#include "bench/model/sequence.h"
#include "bench/options.h"

namespace bench {
namespace {

using base::Result;
using base::Status;

Result<std::vector<runtime::TokenId>> parse_tokens(const Options& options, std::size_t vocabulary) {
  std::vector<runtime::TokenId> tokens;
  for (const std::uint64_t id : TRY(options.numbers("--tokens", ""))) {
    if (id >= vocabulary)
      return base::invalid_input(fmt::format("token {} of a vocabulary of {}", id, vocabulary));
    tokens.push_back(static_cast<runtime::TokenId>(id));
  }
  if (tokens.empty()) return base::invalid_input("--tokens is needed");
  return tokens;
}

Status generate(int argc, char** argv) {
  const Options options = TRY(
      Options::parse(argc, argv, {"--tokens", "--count", "--threads", "--backend", "--context"}));
  if (options.arguments().size() != 1) return base::invalid_input("one model file is needed");
  LocalModelOptions load;
  load.backend = options.text("--backend", load.backend);
  load.threads = TRY(options.number("--threads", load.threads));
  load.context_tokens = TRY(options.number("--context", load.context_tokens));
  LocalModel model = TRY(LocalModel::load(options.arguments()[0], load));
  runtime::Decoder& decoder = *model.decoder;

  const auto prompt = TRY(parse_tokens(options, decoder.shape().vocabulary));
  const std::size_t count = TRY(options.number("--count", 200));
  if (count == 0 || prompt.size() + count > decoder.shape().context_tokens_max) {
    return base::exhausted(fmt::format("{} + {} tokens, context {}", prompt.size(), count,
                                       decoder.shape().context_tokens_max));
  }
  Sequence sequence(0, decoder.shape().blocks);
  runtime::TokenId token = TRY(prefill(decoder, sequence, prompt));
  fmt::print("{}", token);
  for (std::size_t i = 1; i < count; ++i) {
    const runtime::TokenId last = token;
    token = TRY(prefill(decoder, sequence, {&last, 1}));
    fmt::print(" {}", token);
  }
  fmt::print("\n");
  return {};
}

}  // namespace

int run_generate(int argc, char** argv) {
  const Status status = generate(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "generate: {}\n", status.error().message);
  return 1;
}

}  // namespace bench
