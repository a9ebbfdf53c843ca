#include "runtime/model/packed_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "hardening/base/byte_reader.h"
#include "hardening/base/check.h"
#include "hardening/base/checked.h"
#include "runtime/model/kernel_status.h"
#include "runtime/model/limits.h"
#include "runtime/model/tensor_release.h"

namespace runtime {
namespace {

using base::Result;
using base::Status;

constexpr std::uint64_t kMagic = 0x6c65'646f'6d20'7852;  // "Rx model"
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kAlignment = 64;  // what pack_weight asks for

// Where each tensor lies, and where the last one ends.
struct Places {
  struct Place {
    std::size_t offset;
    std::size_t bytes;
  };
  std::vector<Place> tensors;
  std::size_t end = 0;
};

Result<Places> place_tensors(const GgufFile& file, std::span<const TensorSpec> expected,
                             const kernels::Ops& ops) {
  Places places;
  places.end = kHeaderBytes + file.head_bytes();
  for (const TensorSpec& each : expected) {
    const GgufTensor& tensor = *file.find_tensor(each.name);
    const std::size_t bytes =
        each.vector ? tensor.bytes : ops.weight_bytes(tensor.format, each.rows, each.cols);
    const auto offset = base::checked_align_up(places.end, kAlignment);
    const auto end = offset ? base::checked_add(*offset, bytes) : std::nullopt;
    if (bytes == 0 || !end) {
      return base::unsupported(fmt::format("tensor \"{}\" cannot be packed", each.name));
    }
    places.tensors.push_back({*offset, bytes});
    places.end = *end;
  }
  return places;
}

// Fills a draft, tensor by tensor.
class Packer {
 public:
  Packer(base::VerifiedFile& bytes, const GgufFile& file, kernels::Ops& ops,
         const LoadProgress& progress)
      : bytes_(bytes), file_(file), ops_(ops), file_memory_(bytes, file, progress) {}

  // Makes the draft and sees whether it may be used; nothing of the file was touched.
  Status open(std::span<const TensorSpec> expected, bool small_pages) {
    places_ = TRY(place_tensors(file_, expected, ops_));
    auto draft = base::WeightsDraft::create(bytes_, places_.end);
    if (!draft.ok()) return base::unavailable(std::move(draft).error().message);
    draft_.emplace(std::move(draft).value());
    draft_->back(kHeaderBytes + file_.head_bytes());
    if (!small_pages && draft_->small_page_bytes() > 0) {
      return base::unavailable("the system gives shared memory no large pages");
    }
    return {};
  }

  void write_head() {
    base::ByteWriter writer;
    writer.write(kMagic);
    writer.write(ops_.packed_layout());
    writer.write(std::uint32_t{0});
    writer.write(std::uint64_t{file_.file_bytes()});
    writer.write(std::uint64_t{file_.head_bytes()});
    CHECK(writer.bytes().size() == kHeaderBytes);
    std::ranges::copy(writer.bytes(), draft_->bytes().begin());
    std::ranges::copy(bytes_.bytes().first(file_.head_bytes()),
                      draft_->bytes().begin() + kHeaderBytes);
  }

  Status write_tensor(std::size_t index, const TensorSpec& expected) {
    const GgufTensor& tensor = *file_.find_tensor(expected.name);
    const Places::Place& place = places_.tensors[index];
    draft_->back(place.offset + place.bytes);
    const auto to = draft_->bytes().subspan(place.offset, place.bytes);
    if (expected.vector) {
      CHECK(tensor.data.size() == to.size());
      std::ranges::copy(tensor.data, to.begin());
    } else {
      const kernels::WeightSource source{tensor.format, expected.rows, expected.cols,
                                         tensor.data.data()};
      TRY(to_status(ops_.pack_weight(source, to.data()), "pack " + expected.name));
    }
    file_memory_.release(tensor);
    return {};
  }

  Result<base::VerifiedWeights> seal() && { return std::move(*draft_).seal(); }

 private:
  base::VerifiedFile& bytes_;
  const GgufFile& file_;
  kernels::Ops& ops_;
  TensorRelease file_memory_;
  Places places_;
  std::optional<base::WeightsDraft> draft_;
};

}  // namespace

Result<PackedModel> PackedModel::parse(std::span<const std::byte> bytes) {
  base::ByteReader reader(bytes);
  if (TRY(reader.read<std::uint64_t>("magic")) != kMagic) {
    return base::invalid_input("the weights are not those of a model");
  }
  const auto layout = TRY(reader.read<std::uint32_t>("layout"));
  if (const auto reserved = TRY(reader.read<std::uint32_t>("reserved")); reserved != 0) {
    return base::invalid_input(fmt::format("reserved is {}; 0 is read", reserved));
  }
  const auto file_bytes = TRY(reader.read<std::uint64_t>("file bytes"));
  if (file_bytes > limits::kFileBytesMax) {
    return base::exhausted(
        fmt::format("file bytes is {}; the limit is {}", file_bytes, limits::kFileBytesMax));
  }
  const auto head_bytes = TRY(reader.read<std::uint64_t>("head bytes"));
  const auto head = TRY(reader.take(head_bytes, "head"));
  return PackedModel(bytes, layout, TRY(GgufFile::parse_head(head, file_bytes)));
}

Result<std::vector<std::span<const std::byte>>> PackedModel::tensors(
    std::span<const TensorSpec> expected, const kernels::Ops& ops) const {
  if (layout_ == 0 || layout_ != ops.packed_layout()) {
    return base::unsupported(
        fmt::format("weights in layout {}; {} is computed with", layout_, ops.packed_layout()));
  }
  const Places places = TRY(place_tensors(file_, expected, ops));
  if (places.end != bytes_.size()) {
    return base::invalid_input(
        fmt::format("weights of {} bytes; these tensors take {}", bytes_.size(), places.end));
  }
  std::vector<std::span<const std::byte>> tensors;
  for (const Places::Place& place : places.tensors) {
    tensors.push_back(bytes_.subspan(place.offset, place.bytes));
  }
  return tensors;
}

Result<base::VerifiedWeights> pack_model(base::VerifiedFile& bytes, kernels::Ops& ops,
                                         const PackOptions& options) {
  if (ops.packed_layout() == 0) {
    return base::unsupported(fmt::format("{} keeps its weights itself", ops.name()));
  }
  const GgufFile file = TRY(GgufFile::parse(bytes.bytes()));
  const StageDevice device{.ops = &ops};
  const PlannedModel model = TRY(plan_model(file, std::span(&device, 1), options.memory));
  const std::vector<TensorSpec> expected = expected_tensors(model.spec);
  Packer packer(bytes, file, ops, options.progress);
  TRY(packer.open(expected, options.small_pages));
  packer.write_head();
  for (std::size_t i = 0; i < expected.size(); ++i) TRY(packer.write_tensor(i, expected[i]));
  return std::move(packer).seal();
}

}  // namespace runtime
