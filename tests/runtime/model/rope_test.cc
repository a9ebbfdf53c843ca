#include "runtime/model/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "runtime/model/gguf_writer.h"

namespace runtime {
namespace {

using base::Json;

std::vector<double> numbers(const Json& array) {
  std::vector<double> values;
  for (const Json& value : array.as_array()) values.push_back(value.as_double());
  return values;
}

// The case's keys as a model file has them.
std::vector<std::byte> metadata_of(const Json& entry) {
  GgufWriter writer;
  writer.add_float32("x.rope.freq_base", static_cast<float>(entry.find("base")->as_double()));
  for (const auto& [key, value] : entry.find("keys")->as_object()) {
    const std::string whole = "x." + key;
    if (value.is_string()) writer.add_string(whole, value.as_string());
    if (value.is_int()) writer.add_uint32(whole, static_cast<std::uint32_t>(value.as_int()));
    if (value.is_double()) writer.add_float32(whole, static_cast<float>(value.as_double()));
  }
  return writer.header();
}

// Float32 holds what the file says and what the backend gets; between them all is double. The angle
// at position 1234 keeps about 1e-12.
TEST(Rope, MatchesTheVectorsOfPublishedConfigurations) {
  const auto text = base::read_text_file("tests/vectors/model/rope.json", 1 << 20);
  ASSERT_TRUE(text.ok()) << text.error().message;
  const auto cases = Json::parse(text.value());
  ASSERT_TRUE(cases.ok());
  ASSERT_GE(cases.value().as_array().size(), 11u);
  for (const Json& entry : cases.value().as_array()) {
    SCOPED_TRACE(entry.find("name")->as_string());
    const auto bytes = metadata_of(entry);
    const auto file = GgufFile::parse(bytes);
    ASSERT_TRUE(file.ok());
    MetadataReader metadata(file.value(), "x");
    const auto dims = static_cast<std::size_t>(entry.find("dims")->as_int());
    const auto spec = read_rope_spec(metadata, kernels::RopePairs::kHalves, dims,
                                     static_cast<std::size_t>(entry.find("context")->as_int()));
    ASSERT_TRUE(spec.ok()) << spec.error().message;
    EXPECT_TRUE(metadata.refuse_unasked().ok());

    std::vector<float> divisors;
    for (const double value : numbers(*entry.find("divisors")))
      divisors.push_back(static_cast<float>(value));
    const RopeTable table(spec.value(), divisors);
    const std::vector<double> frequencies = numbers(*entry.find("frequencies"));
    ASSERT_EQ(table.frequencies().size(), frequencies.size());
    // Divisors come as float32, of which 6e-8 is half a unit.
    const double tolerance = divisors.empty() ? 1e-14 : 6e-8;
    for (std::size_t j = 0; j < frequencies.size(); ++j) {
      EXPECT_NEAR(table.frequencies()[j] / frequencies[j], 1, tolerance) << "pair " << j;
    }
    EXPECT_NEAR(table.magnitude(), entry.find("magnitude")->as_double(), 1e-14);

    std::vector<float> cos_sin(dims);
    table.fill(static_cast<std::int32_t>(entry.find("position")->as_int()), cos_sin);
    const std::vector<double> cosines = numbers(*entry.find("cos"));
    const std::vector<double> sines = numbers(*entry.find("sin"));
    const double angle_tolerance = divisors.empty() ? 1e-7 : 2e-4;
    for (std::size_t j = 0; j < cosines.size(); ++j) {
      EXPECT_NEAR(static_cast<double>(cos_sin[j]), cosines[j], angle_tolerance) << "pair " << j;
      EXPECT_NEAR(static_cast<double>(cos_sin[dims / 2 + j]), sines[j], angle_tolerance)
          << "pair " << j;
    }
  }
}

TEST(Rope, PositionZeroTurnsNothing) {
  RopeSpec spec;
  spec.dims = 8;
  const RopeTable table(spec, {});
  std::vector<float> cos_sin(8);
  table.fill(0, cos_sin);
  EXPECT_EQ(cos_sin, (std::vector<float>{1, 1, 1, 1, 0, 0, 0, 0}));
}

// Even where the whole ramp lies outside the head.
TEST(Rope, StaysFiniteAtTheEndsOfYarn) {
  for (const std::size_t original : {std::size_t{1}, std::size_t{1} << 24}) {
    RopeSpec spec;
    spec.dims = 64;
    spec.scaling = RopeScaling::kYarn;
    spec.factor = 1e6;
    spec.original_context_tokens = original;
    const RopeTable table(spec, {});
    for (const double frequency : table.frequencies()) {
      EXPECT_TRUE(std::isfinite(frequency) && frequency > 0 && frequency <= 1) << frequency;
    }
  }
}

}  // namespace
}  // namespace runtime
