// Whatever memory an engine leaves behind: header and head are read or refused, and every tensor
// that a successor would compute with lies inside it, aligned, and shares no byte with another.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "hardening/base/verified_weights.h"
#include "kernels/ops.h"
#include "runtime/model/model_file.h"
#include "runtime/model/packed_model.h"

namespace {

constexpr std::size_t kAlignment = 64;

void require(bool condition) {
  if (!condition) std::abort();
}

// As memory begins that is mapped.
struct FreeAligned {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};

void check_tensors(const runtime::PackedModel& packed, std::span<const std::byte> bytes) {
  const auto spec = runtime::read_model_spec(packed.file());
  if (!spec.ok()) return;
  const auto expected = runtime::expected_tensors(spec.value());
  if (!runtime::check_tensors(packed.file(), expected).ok()) return;
  const auto ops = kernels::make_cpu_ops({.limits = {.rows_max = 1, .cols_max = 64}, .threads = 1});
  const auto tensors = packed.tensors(expected, *ops);
  if (!tensors.ok()) return;
  require(tensors.value().size() == expected.size());
  const std::byte* end = bytes.data();
  for (const auto& tensor : tensors.value()) {
    require(tensor.data() >= end);
    require(static_cast<std::size_t>(tensor.data() - bytes.data()) % kAlignment == 0);
    end = tensor.data() + tensor.size();
  }
  require(end == bytes.data() + bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::size_t room = (size / kAlignment + 1) * kAlignment;
  const std::unique_ptr<std::byte, FreeAligned> copy(
      static_cast<std::byte*>(std::aligned_alloc(kAlignment, room)));
  std::memcpy(copy.get(), data, size);
  const std::span<const std::byte> bytes(copy.get(), size);
  const auto header = base::WeightsHeader::parse(bytes);
  if (header.ok()) {
    require(header.value().weights_bytes <= size - base::WeightsHeader::kBytes);
  }
  const auto packed = runtime::PackedModel::parse(bytes);
  if (!packed.ok()) return 0;
  require(packed.value().file().head_bytes() < size);
  (void)runtime::read_model_file(packed.value().file());
  check_tensors(packed.value(), bytes);
  return 0;
}
