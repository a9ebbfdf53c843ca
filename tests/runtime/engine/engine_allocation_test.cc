// Once its sequences run, the engine takes no memory from the system.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "runtime/engine/engine.h"
#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace {

bool counting = false;
std::size_t allocations = 0;

void* allocate_counted(std::size_t bytes) {
  if (counting) ++allocations;
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return allocate_counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return allocate_counted(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace runtime {
namespace {

// What the decoder takes is its own affair.
class UncountedDecoder final : public Decoder {
 public:
  explicit UncountedDecoder(const DecoderShape& shape) : decoder_(shape) {}
  const DecoderShape& shape() const override { return decoder_.shape(); }
  base::Result<LogitRows> forward(std::span<const SequenceSlice> slices) override {
    const bool before = std::exchange(counting, false);
    auto rows = decoder_.forward(slices);
    counting = before;
    return rows;
  }
  base::Status copy_block(std::int32_t from, std::int32_t to) override {
    return decoder_.copy_block(from, to);
  }

 private:
  HashDecoder decoder_;
};

TEST(EngineAllocation, StepsOfRunningSequencesTakeNoMemory) {
  const SmallTokenizer tokenizer;
  UncountedDecoder decoder({.vocabulary = 48,
                            .context_tokens_max = 512,
                            .block_tokens = 4,
                            .blocks = 1024,
                            .rows_max = 64,
                            .logit_rows_max = 64});
  auto engine = Engine::create({.sequences_max = 8, .queue_max = 8, .step_tokens_max = 64}, decoder,
                               tokenizer);
  ASSERT_TRUE(engine.ok());
  for (std::uint64_t id = 0; id < 4; ++id) {
    GenerationRequest request;
    request.id = id;
    request.prompt.assign(20, static_cast<TokenId>(6 + id));
    request.choices = 2;
    request.tokens_max = 400;
    request.ignore_end_tokens = true;
    request.stop = {"a stop string that never comes"};
    request.logprobs = true;
    request.top_logprobs = 20;
    request.sampling = {.temperature = 0.8F,
                        .top_k = 30,
                        .top_p = 0.9F,
                        .min_p = 0.01F,
                        .repetition_penalty = 1.1F,
                        .presence_penalty = 0.1F,
                        .frequency_penalty = 0.1F,
                        .logit_bias = {{1, 1.0F}},
                        .seed = id};
    ASSERT_TRUE(engine.value()->submit(std::move(request)).ok());
  }
  std::size_t events = 0;
  const Engine::EventSink sink = [&events](const GenerationEvent&) { ++events; };
  // Prompts, and each sequence's first own history.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(engine.value()->step(sink).ok());
  ASSERT_EQ(engine.value()->stats().running, 8U);
  events = 0;
  counting = true;
  for (int i = 0; i < 300; ++i) {
    if (!engine.value()->step(sink).ok()) break;
  }
  counting = false;
  EXPECT_EQ(events, 2400U);
  EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace runtime
