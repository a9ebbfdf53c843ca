#include "bench/synth/synth.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "bench/synth/synthetic_model.h"
#include "hardening/base/fd.h"
#include "hardening/base/file.h"
#include "runtime/model/gguf_writer.h"

namespace bench {
namespace {

using base::Result;
using base::Status;

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
constexpr int kUsageError = 2;

struct Options {
  const SyntheticShape* shape = nullptr;
  const QuantMix* mix = nullptr;
  std::uint64_t seed = 1;
  std::string path;
};

template <typename Items>
std::string names_of(const Items& items) {
  std::string names;
  for (const auto& item : items) names += fmt::format(" {}", item.name);
  return names;
}

Status set_option(std::string_view name, std::string_view value, Options& options) {
  if (name == "--shape") {
    options.shape = find_synthetic_shape(value);
    if (options.shape == nullptr)
      return base::invalid_input("--shape is one of" + names_of(synthetic_shapes()));
  } else if (name == "--quant") {
    options.mix = find_quant_mix(value);
    if (options.mix == nullptr)
      return base::invalid_input("--quant is one of" + names_of(quant_mixes()));
  } else if (name == "--seed") {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), options.seed);
    if (error != std::errc() || end != value.data() + value.size())
      return base::invalid_input("--seed is a number");
  } else if (name == "-o") {
    options.path = value;
  } else {
    return base::invalid_input("unknown option: " + std::string(name));
  }
  return {};
}

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) return base::invalid_input(std::string(argv[i]) + " wants a value");
    TRY(set_option(argv[i], argv[i + 1], options));
  }
  if (options.shape == nullptr || options.mix == nullptr || options.path.empty()) {
    return base::invalid_input("--shape, --quant and -o are needed");
  }
  return options;
}

// Gathers rows into large writes.
class ChunkedWriter {
 public:
  explicit ChunkedWriter(const base::Fd& fd) : fd_(fd) {}

  Result<std::span<std::byte>> reserve(std::size_t bytes) {
    if (used_ + bytes > chunk_.size()) {
      TRY(flush());
      if (bytes > chunk_.size()) chunk_.resize(bytes);
    }
    const auto place = std::span(chunk_).subspan(used_, bytes);
    used_ += bytes;
    return place;
  }

  Status flush() {
    TRY(base::write_all(fd_, std::span(chunk_).first(used_)));
    used_ = 0;
    return {};
  }

 private:
  const base::Fd& fd_;
  std::vector<std::byte> chunk_ = std::vector<std::byte>(kChunkBytes);
  std::size_t used_ = 0;
};

Status write_model(const Options& options) {
  const SyntheticModel model(*options.shape, *options.mix, options.seed);
  base::Fd fd = TRY(base::open_file(options.path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  TRY(base::write_all(fd, model.header()));
  ChunkedWriter writer(fd);
  for (std::size_t index = 0; index < model.tensors().size(); ++index) {
    const SyntheticTensor& tensor = model.tensors()[index];
    const std::size_t bytes = tensor.row_bytes();
    for (std::size_t row = 0; row < tensor.row_count(); ++row)
      model.fill_row(index, row, TRY(writer.reserve(bytes)));
    const auto padding =
        TRY(writer.reserve(runtime::GgufWriter::padding_after(bytes * tensor.row_count())));
    for (std::byte& byte : padding) byte = std::byte{0};
  }
  TRY(writer.flush());
  return fd.close();
}

}  // namespace

int run_synth(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (!options.ok()) {
    std::fprintf(stderr, "synth: %s\nusage: synth --shape NAME --quant NAME [--seed N] -o FILE\n",
                 options.error().message.c_str());
    return kUsageError;
  }
  const Status written = write_model(options.value()).context("write " + options.value().path);
  if (!written.ok()) {
    std::fprintf(stderr, "synth: %s\n", written.error().message.c_str());
    return 1;
  }
  return 0;
}

}  // namespace bench
