#include "runtime/model/vocabulary_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "runtime/model/gguf_writer.h"
#include "runtime/model/limits.h"

namespace runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A vocabulary of three tokens and what `add` adds to it.
template <typename Add>
std::vector<std::byte> file_with(Add add) {
  GgufWriter writer;
  writer.add_string("tokenizer.ggml.model", "gpt2");
  writer.add_strings("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab"});
  add(writer);
  return writer.header();
}

template <typename Add>
std::string error_with(Add add) {
  const std::vector<std::byte> bytes = file_with(add);
  const auto file = GgufFile::parse(bytes);
  if (!file.ok()) return file.error().message;
  const auto vocabulary = read_vocabulary(file.value());
  return vocabulary.ok() ? "accepted" : vocabulary.error().message;
}

TEST(VocabularyReader, ReadsAllKeys) {
  const std::vector<std::byte> bytes = file_with([](GgufWriter& writer) {
    writer.add_string("tokenizer.ggml.pre", "qwen2");
    writer.add_floats("tokenizer.ggml.scores", std::vector<float>{0, -1, -2});
    writer.add_int32s("tokenizer.ggml.token_type", std::vector<std::int32_t>{1, 3, 6});
    writer.add_strings("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
    writer.add_uint32("tokenizer.ggml.bos_token_id", 0);
    writer.add_uint32("tokenizer.ggml.eos_token_id", 1);
    writer.add_uint32("tokenizer.ggml.eot_token_id", 2);
    writer.add_uint32("tokenizer.ggml.unknown_token_id", 0xffff'ffff);
    writer.add_uint32("tokenizer.ggml.seperator_token_id", 2);
    writer.add_uint32("tokenizer.ggml.padding_token_id", 1);
    writer.add_bool("tokenizer.ggml.add_bos_token", true);
    writer.add_bool("tokenizer.ggml.add_space_prefix", false);
    writer.add_string("tokenizer.chat_template", "{{ messages }}");
  });
  const auto file = GgufFile::parse(bytes);
  ASSERT_TRUE(file.ok());
  const auto vocabulary = read_vocabulary(file.value());
  ASSERT_TRUE(vocabulary.ok()) << vocabulary.error().message;
  const Vocabulary& v = vocabulary.value();
  EXPECT_EQ(v.model, "gpt2");
  EXPECT_EQ(v.pre, "qwen2");
  EXPECT_THAT(v.tokens, ElementsAre("a", "b", "ab"));
  EXPECT_THAT(v.scores, ElementsAre(0.0f, -1.0f, -2.0f));
  EXPECT_THAT(v.types, ElementsAre(TokenType::kNormal, TokenType::kControl, TokenType::kByte));
  EXPECT_THAT(v.merges, ElementsAre("a b"));
  EXPECT_EQ(v.bos, 0);
  EXPECT_EQ(v.eos, 1);
  EXPECT_EQ(v.eot, 2);
  EXPECT_EQ(v.eom, kNoToken);
  EXPECT_EQ(v.unknown, kNoToken);
  EXPECT_EQ(v.separator, 2);
  EXPECT_EQ(v.padding, 1);
  EXPECT_EQ(v.add_bos, true);
  EXPECT_EQ(v.add_eos, std::nullopt);
  EXPECT_EQ(v.add_space_prefix, false);
  const auto chat_template = read_chat_template(file.value());
  ASSERT_TRUE(chat_template.ok());
  EXPECT_EQ(chat_template.value(), "{{ messages }}");
}

TEST(VocabularyReader, RefusesWhatContradictsTheVocabulary) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_with([](GgufWriter& w) {
                w.add_floats("tokenizer.ggml.scores", std::vector<float>{0});
              }),
              HasSubstr("\"tokenizer.ggml.scores\" has 1 elements; there are 3 tokens"));
  EXPECT_THAT(error_with([=](GgufWriter& w) {
                w.add_floats("tokenizer.ggml.scores", std::vector<float>{0, nan, 0});
              }),
              HasSubstr("\"tokenizer.ggml.scores\": element 1 is not a number"));
  EXPECT_THAT(error_with([](GgufWriter& w) {
                w.add_int32s("tokenizer.ggml.token_type", std::vector<std::int32_t>{1, 1, 7});
              }),
              HasSubstr("\"tokenizer.ggml.token_type\": element 2 is none of 0 to 6"));
  EXPECT_THAT(error_with([](GgufWriter& w) {
                w.add_int32s("tokenizer.ggml.token_type", std::vector<std::int32_t>{1, -1, 1});
              }),
              HasSubstr("element 1 is none of 0 to 6"));
  EXPECT_THAT(error_with([](GgufWriter& w) { w.add_uint32("tokenizer.ggml.eos_token_id", 3); }),
              HasSubstr("\"tokenizer.ggml.eos_token_id\" is not one of the 3 tokens"));
  EXPECT_THAT(error_with([](GgufWriter& w) { w.add_uint32("tokenizer.ggml.add_bos_token", 1); }),
              HasSubstr("\"tokenizer.ggml.add_bos_token\" is not a bool"));
  EXPECT_THAT(error_with([](GgufWriter& w) { w.add_string("tokenizer.ggml.merges", "a b"); }),
              HasSubstr("\"tokenizer.ggml.merges\" is not an array"));
  EXPECT_THAT(error_with([](GgufWriter& w) {
                w.add_floats("tokenizer.ggml.merges", std::vector<float>{1});
              }),
              HasSubstr("\"tokenizer.ggml.merges\" does not hold strings"));
  EXPECT_THAT(error_with([](GgufWriter& w) {
                const std::string longer(limits::kTokenBytesMax + 1, 'x');
                w.add_strings("tokenizer.ggml.merges", std::vector<std::string>{longer});
              }),
              HasSubstr("element 0 has 16385 bytes; the limit is 16384"));
}

TEST(VocabularyReader, RefusesAFileWithoutTokens) {
  GgufWriter writer;
  const std::vector<std::byte> bytes = writer.header();
  const auto file = GgufFile::parse(bytes);
  ASSERT_TRUE(file.ok());
  const auto vocabulary = read_vocabulary(file.value());
  ASSERT_FALSE(vocabulary.ok());
  EXPECT_THAT(vocabulary.error().message,
              HasSubstr("\"tokenizer.ggml.tokens\" is missing or empty"));
}

TEST(VocabularyReader, DescribesTheModel) {
  GgufWriter writer;
  writer.add_string("general.architecture", "llama");
  writer.add_string("general.name", "Größe 7");
  writer.add_string("general.license", "line\nbreak");
  writer.add_tensor("a", kernels::Format::kQ8_0, 4, 64);
  writer.add_tensor("b", kernels::Format::kF32, 0, 8);
  std::vector<std::byte> bytes = writer.header();
  bytes.resize(bytes.size() + 4 * 68 + GgufWriter::padding_after(4 * 68) + 32);
  const auto file = GgufFile::parse(bytes);
  ASSERT_TRUE(file.ok());
  const ModelDescription description = describe_model(file.value());
  EXPECT_EQ(description.architecture, "llama");
  EXPECT_EQ(description.name, "Größe 7");
  EXPECT_EQ(description.license, "");
  EXPECT_EQ(description.weights, "Q8_0");
  EXPECT_EQ(description.parameters, 4u * 64 + 8);
  EXPECT_EQ(description.weights_bytes, 4u * 68 + 32);
}

}  // namespace
}  // namespace runtime
