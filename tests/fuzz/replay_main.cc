// Runs a fuzz target over every file of its corpus, and over each with a few bytes flipped, cut and doubled,
// so that ordinary builds exercise what libFuzzer found. An empty corpus is a failure.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kMutationsPerFile = 64;

void run(const std::vector<std::uint8_t>& input) { LLVMFuzzerTestOneInput(input.data(), input.size()); }

std::vector<std::uint8_t> mutate(std::vector<std::uint8_t> input, std::mt19937& random) {
  for (int edits = 1 + static_cast<int>(random() % 4); edits > 0 && !input.empty(); --edits) {
    const std::size_t at = random() % input.size();
    switch (random() % 4) {
      case 0: input[at] = static_cast<std::uint8_t>(random()); break;
      case 1: input[at] = static_cast<std::uint8_t>(input[at] ^ (1u << (random() % 8))); break;
      case 2: input.resize(at); break;
      default: input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), input[at]); break;
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t inputs = 0;
  std::mt19937 random(1);
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], error)) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<std::uint8_t> input{std::istreambuf_iterator<char>(file), {}};
      run(input);
      for (int m = 0; m < kMutationsPerFile; ++m) run(mutate(input, random));
      ++inputs;
    }
  }
  std::printf("replayed %zu inputs, %d mutations of each\n", inputs, kMutationsPerFile);
  return inputs > 0 ? 0 : 1;
}
