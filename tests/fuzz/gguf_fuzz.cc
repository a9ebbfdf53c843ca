// Whatever bytes a model file has: parsing ends, every tensor that was accepted lies inside the
// file, and every array walks to its count. What is read from an accepted file (spec, vocabulary,
// description) ends, too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "runtime/model/gguf.h"
#include "runtime/model/model_spec.h"
#include "runtime/model/rope.h"
#include "runtime/model/vocabulary_reader.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_tensors_inside(const runtime::GgufFile& file, std::span<const std::byte> bytes) {
  for (const runtime::GgufTensor& tensor : file.tensors()) {
    require(tensor.file_offset <= bytes.size());
    require(tensor.data.size() <= bytes.size() - tensor.file_offset);
    require(tensor.data.data() == bytes.data() + tensor.file_offset);
    require(file.find_tensor(tensor.name) == &tensor);
  }
}

void check_arrays(const runtime::GgufFile& file) {
  for (const runtime::GgufEntry& entry : file.entries()) {
    require(file.find(entry.key) == &entry.value);
    if (!entry.value.is_array()) continue;
    std::uint64_t walked = 0;
    for (auto walk = entry.value.elements(); walk.next();) ++walked;
    require(walked == entry.value.count());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto file = runtime::GgufFile::parse(bytes);
  if (!file.ok()) return 0;
  check_tensors_inside(file.value(), bytes);
  check_arrays(file.value());
  (void)runtime::read_vocabulary(file.value());
  (void)runtime::describe_model(file.value());
  const auto spec = runtime::read_model_spec(file.value());
  if (!spec.ok()) return 0;
  (void)runtime::check_tensors(file.value(), runtime::expected_tensors(spec.value()));
  const runtime::RopeTable rope(spec.value().rope, {});
  for (const double frequency : rope.frequencies()) require(frequency >= 0);
  return 0;
}
