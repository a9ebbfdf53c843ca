#include "bench/gpu/random_model.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include "bench/synth/synthetic_model.h"
#include "runtime/model/gguf_writer.h"

// The bench vouches for its own bytes. This program does not link provisioning, whose FileVerifier
// is the only one elsewhere.
namespace provisioning {

class FileVerifier {
 public:
  static base::VerifiedFile vouch(std::span<std::byte> mapped) {
    return {base::VerifiedFile::PassKey(), "random.gguf", {}, mapped, mapped.size()};
  }
};

}  // namespace provisioning

namespace bench {
namespace {

constexpr std::size_t kDistinctRows = 64;

constexpr SyntheticShape kLlama8b{
    .name = "llama-3.1-8b",
    .architecture = "llama",
    .pre_tokenizer = "llama-bpe",
    .layers = 32,
    .dim = 4096,
    .heads = 32,
    .kv_heads = 8,
    .head_dim = 128,
    .ff_dim = 14'336,
    .vocabulary = 128'256,
    .context_tokens = 131'072,
    .rope_base = 5e5F,
    .rms_eps = 1e-5F,
    .rope = SyntheticRope::kLlama3,
    .rope_factor = 8,
    .rope_original_context = 8192,
};

constexpr SyntheticShape llama_70b() {
  SyntheticShape shape = kLlama8b;
  shape.name = "llama-3.1-70b";
  shape.layers = 80;
  shape.dim = 8192;
  shape.heads = 64;
  shape.ff_dim = 28'672;
  return shape;
}
constexpr SyntheticShape kLlama70b = llama_70b();

void fill_tensor(const SyntheticModel& model, std::size_t index, std::span<std::byte> out) {
  const SyntheticTensor& tensor = model.tensors()[index];
  const std::size_t row_bytes = tensor.row_bytes();
  const std::size_t distinct = std::min(tensor.row_count(), kDistinctRows);
  for (std::size_t row = 0; row < distinct; ++row)
    model.fill_row(index, row, out.subspan(row * row_bytes, row_bytes));
  const std::size_t all = tensor.row_count() * row_bytes;
  for (std::size_t done = distinct * row_bytes; done < all; done += std::min(done, all - done)) {
    std::memcpy(out.data() + done, out.data(), std::min(done, all - done));
  }
}

}  // namespace

const SyntheticShape* find_large_shape(const std::string& name) {
  if (name == kLlama8b.name) return &kLlama8b;
  if (name == kLlama70b.name) return &kLlama70b;
  return find_synthetic_shape(name);
}

base::Result<RandomModel> make_random_model(const SyntheticShape& shape, const std::string& mix,
                                            std::size_t threads) {
  const QuantMix* const quant = find_quant_mix(mix);
  if (quant == nullptr) return base::invalid_input("no mix " + mix);
  const SyntheticModel model(shape, *quant, 1);
  const std::vector<std::byte> header = model.header();
  std::vector<std::size_t> starts;
  std::size_t bytes = header.size();
  double streamed = 0, flops = 0, head_flops = 0;
  for (const SyntheticTensor& tensor : model.tensors()) {
    const std::size_t data = tensor.row_bytes() * tensor.row_count();
    starts.push_back(bytes);
    bytes += data + runtime::GgufWriter::padding_after(data);
    if (tensor.rows == 0) continue;
    const double products =
        2.0 * static_cast<double>(tensor.rows) * static_cast<double>(tensor.cols);
    const bool embedding = tensor.name == "token_embd.weight";
    if (!embedding || shape.tied_output) {
      streamed += static_cast<double>(data);
      flops += products;
    }
    if (tensor.name == (shape.tied_output ? "token_embd.weight" : "output.weight"))
      head_flops = products;
  }
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return base::exhausted("no memory for a model of " + std::to_string(bytes) + " bytes");
  (void)::madvise(memory, bytes, MADV_HUGEPAGE);
  const std::span<std::byte> all(static_cast<std::byte*>(memory), bytes);
  std::memcpy(all.data(), header.data(), header.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < starts.size(); i = next++)
      fill_tensor(model, i, all.subspan(starts[i]));
  };
  std::vector<std::thread> workers;
  for (std::size_t i = 1; i < threads; ++i) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  return RandomModel{provisioning::FileVerifier::vouch(all), streamed, flops, head_flops};
}

}  // namespace bench
