// Whole models against other programs: logits of tiny random models of every family, rotary scaling
// and weight format, worked out in float64 (tests/oracles/exact_logits.py) and by llama.cpp. Errors
// are measured in spreads, the standard deviation of the model's logits.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "bench/synth/synthetic_model.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "runtime/model/model_file.h"
#include "runtime/model/transformer.h"
#include "tests/runtime/model/test_file.h"

namespace runtime {
namespace {

using base::Json;

constexpr const char* kShapes[] = {"tiny-llama",   "tiny-llama-linear", "tiny-llama-yarn",
                                   "tiny-llama3",  "tiny-qwen2",        "tiny-qwen3",
                                   "tiny-mistral", "tiny-mistral-yarn"};

// The largest error, and the root mean square of all.
struct Tolerance {
  double largest;
  double rms;
};

// Each bound is about three times the largest error seen, over all shapes and instruction sets.

// Sums in double, activations as they are, keys and values in float32: only float32 in between.
constexpr Tolerance kReference{3e-6, 1e-6};
// The CPU backend sums in float32, and multiplies quantised weights by activations rounded to int8:
// each of the four products of a layer adds errors of up to half of 1/127 of the largest activation
// in a block.
constexpr Tolerance kCpuFloat{1e-5, 3e-6};
constexpr Tolerance kCpuQuantised{0.2, 0.06};

// llama.cpp rounds activations to the kind of the weights: float16 (11 bits), bfloat16 (8 bits), or
// int8.
Tolerance llama_tolerance(std::string_view quant) {
  if (quant == "F32") return {2e-5, 5e-6};
  if (quant == "F16") return {6e-3, 2e-3};
  if (quant == "BF16") return {5e-2, 1.8e-2};
  return {0.3, 0.1};
}

bool is_float(std::string_view quant) {
  return quant == "F32" || quant == "F16" || quant == "BF16";
}

class Errors {
 public:
  void add(double got, double wanted, double spread) {
    const double error = std::abs(got - wanted) / spread;
    largest_ = std::max(largest_, error);
    squares_ += error * error;
    ++count_;
  }
  void expect_within(const Tolerance& tolerance, const std::string& what) const {
    ASSERT_GT(count_, 0u);
    const double rms = std::sqrt(squares_ / static_cast<double>(count_));
    EXPECT_LE(largest_, tolerance.largest) << what;
    EXPECT_LE(rms, tolerance.rms) << what;
  }

 private:
  double largest_ = 0;
  double squares_ = 0;
  std::size_t count_ = 0;
};

// Logits [rows][columns] as the vectors have them.
using Table = std::vector<std::vector<double>>;

Table table_of(const Json& rows) {
  Table table;
  for (const Json& row : rows.as_array()) {
    auto& values = table.emplace_back();
    for (const Json& value : row.as_array()) values.push_back(value.as_double());
  }
  return table;
}

template <typename T>
std::vector<T> integers(const Json& array) {
  std::vector<T> values;
  for (const Json& value : array.as_array()) values.push_back(static_cast<T>(value.as_int()));
  return values;
}

// Our logits at the vectors' rows and columns.
base::Result<Table> run(const Json& vectors, const std::string& quant, kernels::Ops& ops) {
  const bench::SyntheticModel model(
      *bench::find_synthetic_shape(vectors.find("shape")->as_string()),
      *bench::find_quant_mix(quant), static_cast<std::uint64_t>(vectors.find("seed")->as_int()));
  const auto tokens = integers<TokenId>(*vectors.find("tokens"));
  const auto decoder = TRY(Transformer::load(provisioning::FileVerifier::trust(model.file()), ops,
                                             {.memory = {.context_tokens = 64,
                                                         .sequences = 1,
                                                         .kv_format = kernels::KvFormat::kF32,
                                                         .rows_max = 64,
                                                         .logit_rows_max = 64},
                                              .progress = {}}));
  const std::vector<std::int32_t> blocks{1, 0};
  const SequenceSlice slice{tokens, 0, blocks, tokens.size()};
  const LogitRows rows = TRY(decoder->forward(std::span(&slice, 1)));
  Table table;
  for (const std::size_t row : integers<std::size_t>(*vectors.find("rows"))) {
    auto& values = table.emplace_back();
    for (const std::size_t column : integers<std::size_t>(*vectors.find("columns"))) {
      values.push_back(
          static_cast<double>(rows.logits[row * decoder->shape().vocabulary + column]));
    }
  }
  return table;
}

void expect_close(const Table& got, const Table& wanted, double spread, const Tolerance& tolerance,
                  const std::string& what) {
  Errors errors;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (std::size_t j = 0; j < wanted[i].size(); ++j) errors.add(got[i][j], wanted[i][j], spread);
  }
  errors.expect_within(tolerance, what);
}

// As large as the largest of the tiny shapes needs.
constexpr kernels::Limits kLimits{
    .rows_max = 64, .cols_max = 512, .heads_max = 4, .head_dim_max = 128, .context_tokens_max = 64};

class LogitsVectors : public testing::TestWithParam<const char*> {
 protected:
  void compare(kernels::Ops& ops, const Tolerance& floats, const Tolerance& quantised) {
    const std::string path = std::string("tests/vectors/model/logits_") + GetParam() + ".json";
    const auto text = base::read_text_file(path, 1 << 20);
    ASSERT_TRUE(text.ok()) << text.error().message;
    const auto vectors = Json::parse(text.value());
    ASSERT_TRUE(vectors.ok()) << vectors.error().message;
    for (const Json& entry : vectors.value().find("cases")->as_array()) {
      const std::string quant = entry.find("quant")->as_string();
      const auto got = run(vectors.value(), quant, ops);
      ASSERT_TRUE(got.ok()) << got.error().message;
      const double spread = entry.find("spread")->as_double();
      const std::string name = std::string(ops.name()) + ", " + GetParam() + " " + quant;
      expect_close(got.value(), table_of(*entry.find("exact")), spread,
                   is_float(quant) ? floats : quantised, name + ", exact");
      expect_close(got.value(), table_of(*entry.find("llama_cpp")), spread, llama_tolerance(quant),
                   name + ", llama.cpp");
    }
  }
};

TEST_P(LogitsVectors, ReferenceAgrees) {
  const auto ops = kernels::make_reference_ops(kLimits);
  compare(*ops, kReference, kReference);
}

TEST_P(LogitsVectors, CpuAgrees) {
  const auto ops = kernels::make_cpu_ops({.limits = kLimits, .threads = 2});
  ASSERT_NE(ops, nullptr);
  compare(*ops, kCpuFloat, kCpuQuantised);
}

INSTANTIATE_TEST_SUITE_P(Shapes, LogitsVectors, testing::ValuesIn(kShapes), [](const auto& shape) {
  std::string name = shape.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace runtime
