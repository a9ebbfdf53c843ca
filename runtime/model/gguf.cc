#include "runtime/model/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>

#include "hardening/base/checked.h"
#include "runtime/model/limits.h"

namespace runtime {
namespace {

using base::ByteReader;
using base::Result;
using base::Status;

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF" read as a little-endian number

Status check_count(std::string_view what, std::uint64_t count, std::uint64_t max) {
  if (count <= max) return {};
  return base::exhausted(fmt::format("{} is {}; the limit is {}", what, count, max));
}

// A key or tensor name: printable ASCII without spaces, so that it can stand in a message as it is.
Result<std::string_view> read_name(ByteReader& reader, std::string_view what,
                                   std::size_t bytes_max) {
  const auto name = TRY(reader.read_string<std::uint64_t>(what, bytes_max));
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (name.empty() || !printable) {
    return base::invalid_input(
        fmt::format("{} is empty or has other bytes than printable ASCII", what));
  }
  return name;
}

// The indexes of `items` in the order of their names; the first name that stands twice is an error.
template <typename Item, typename Name>
Result<std::vector<std::uint32_t>> order_by_name(const std::vector<Item>& items, Name name,
                                                 std::string_view what) {
  std::vector<std::uint32_t> order(items.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return name(items[a]) < name(items[b]); });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (name(items[order[i]]) == name(items[order[i - 1]])) {
      return base::invalid_input(
          fmt::format("{} \"{}\" stands twice", what, name(items[order[i]])));
    }
  }
  return order;
}

template <typename Item, typename Name>
const Item* find_by_name(const std::vector<Item>& items, const std::vector<std::uint32_t>& order,
                         Name name, std::string_view wanted) {
  const auto found =
      std::lower_bound(order.begin(), order.end(), wanted,
                       [&](std::uint32_t i, std::string_view key) { return name(items[i]) < key; });
  if (found == order.end() || name(items[*found]) != wanted) return nullptr;
  return &items[*found];
}

constexpr auto kEntryKey = [](const GgufEntry& entry) { return entry.key; };
constexpr auto kTensorName = [](const GgufTensor& tensor) { return tensor.name; };

struct Header {
  std::uint32_t version;
  std::uint64_t tensors;
  std::uint64_t entries;
};

Result<Header> read_header(ByteReader& reader) {
  const auto magic = TRY(reader.read<std::uint32_t>("magic"));
  if (magic != kMagic) return base::invalid_input("the file does not begin with \"GGUF\"");
  const auto version = TRY(reader.read<std::uint32_t>("version"));
  if (version != 2 && version != 3) {
    if (version != 0 && (version & 0xffff) == 0) return base::unsupported("the file is big-endian");
    return base::unsupported(fmt::format("version is {}; 2 and 3 are read", version));
  }
  Header header{version, TRY(reader.read<std::uint64_t>("tensor count")),
                TRY(reader.read<std::uint64_t>("metadata count"))};
  TRY(check_count("tensor count", header.tensors, limits::kTensorsMax));
  TRY(check_count("metadata count", header.entries, limits::kMetadataEntriesMax));
  return header;
}

Status read_dimensions(ByteReader& reader, GgufTensor& tensor) {
  const auto count = TRY(reader.read<std::uint32_t>("dimension count"));
  if (count == 0 || count > limits::kTensorDimensionsMax) {
    return base::invalid_input(
        fmt::format("has {} dimensions; 1 to {} are read", count, limits::kTensorDimensionsMax));
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto size = TRY(reader.read<std::uint64_t>("dimension"));
    if (size == 0 || size > limits::kDimensionMax) {
      return base::invalid_input(
          fmt::format("dimension {} is {}; 1 to {} are read", i, size, limits::kDimensionMax));
    }
    tensor.dimensions[i] = static_cast<std::size_t>(size);
  }
  return {};
}

Status read_format(ByteReader& reader, GgufTensor& tensor) {
  const auto type = TRY(reader.read<std::uint32_t>("type"));
  const kernels::FormatInfo* info = kernels::find_format(type);
  if (info == nullptr)
    return base::unsupported(fmt::format("has type {}, which is not read", type));
  tensor.format = info->format;
  return {};
}

// Bytes of the whole tensor.
Result<std::size_t> tensor_bytes(const GgufTensor& tensor) {
  std::optional<std::size_t> bytes = kernels::row_bytes(tensor.format, tensor.cols());
  if (!bytes) {
    const kernels::FormatInfo& info = kernels::format_info(tensor.format);
    return base::invalid_input(fmt::format("dimension 0 is {}; {} needs a multiple of {}",
                                           tensor.cols(), info.name, info.block_elements));
  }
  for (std::size_t i = 1; i < tensor.dimensions.size() && bytes; ++i) {
    bytes = base::checked_mul(*bytes, tensor.dimensions[i]);
  }
  if (!bytes) return base::invalid_input("its size overflows");
  return *bytes;
}

}  // namespace

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes) {
  return parse(bytes, bytes.size());
}

Result<GgufFile> GgufFile::parse_head(std::span<const std::byte> head, std::size_t file_bytes) {
  if (file_bytes < head.size()) {
    return base::invalid_input(
        fmt::format("a head of {} bytes, a file of {}", head.size(), file_bytes));
  }
  GgufFile file = TRY(parse(head, file_bytes));
  if (file.head_bytes() != head.size()) {
    return base::invalid_input(
        fmt::format("a head of {} bytes; it ends at {}", head.size(), file.head_bytes()));
  }
  for (GgufTensor& tensor : file.tensors_) tensor.data = {};
  return file;
}

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::size_t file_bytes) {
  ByteReader reader(bytes);
  const Header header = TRY(read_header(reader));
  GgufFile file;
  file.bytes_ = bytes;
  file.file_bytes_ = file_bytes;
  file.version_ = header.version;
  TRY(file.read_entries(reader, header.entries));
  const std::uint32_t alignment = TRY(file.alignment());
  TRY(file.read_tensor_infos(reader, header.tensors));
  file.head_bytes_ = reader.position();
  const auto data_start = base::checked_align_up<std::size_t>(reader.position(), alignment);
  if (!data_start) return base::invalid_input("the tensor data begins beyond all addresses");
  TRY(file.place_tensors(*data_start, alignment));
  TRY(file.refuse_overlap());
  return file;
}

Status GgufFile::read_entries(ByteReader& reader, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto key = TRY(read_name(reader, "key", limits::kKeyBytesMax)
                             .context(fmt::format("metadata entry {}", i)));
    const auto named = [&] { return fmt::format("metadata \"{}\"", key); };
    const auto type = TRY(reader.read<std::uint32_t>("value type").context(named()));
    entries_.push_back({key, TRY(GgufValue::parse(reader, type).context(named()))});
  }
  entries_by_key_ = TRY(order_by_name(entries_, kEntryKey, "metadata"));
  return {};
}

Result<std::uint32_t> GgufFile::alignment() const {
  const GgufValue* value = find("general.alignment");
  if (value == nullptr) return limits::kAlignmentDefault;
  const auto number = value->as_uint();
  if (!number || *number < limits::kAlignmentMin || *number > limits::kAlignmentMax ||
      !std::has_single_bit(*number)) {
    return base::invalid_input(
        fmt::format("metadata \"general.alignment\" is not a power of two from {} to {}",
                    limits::kAlignmentMin, limits::kAlignmentMax));
  }
  return static_cast<std::uint32_t>(*number);
}

Status GgufFile::read_tensor_infos(ByteReader& reader, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    GgufTensor tensor;
    tensor.name = TRY(read_name(reader, "name", limits::kTensorNameBytesMax)
                          .context(fmt::format("tensor info {}", i)));
    const auto named = [&] { return fmt::format("tensor \"{}\"", tensor.name); };
    TRY(read_dimensions(reader, tensor).context(named()));
    TRY(read_format(reader, tensor).context(named()));
    const auto offset = TRY(reader.read<std::uint64_t>("offset").context(named()));
    // From the start of the data for now; place_tensors makes it an offset in the file.
    tensor.file_offset = static_cast<std::size_t>(offset);
    tensors_.push_back(tensor);
  }
  tensors_by_name_ = TRY(order_by_name(tensors_, kTensorName, "tensor"));
  return {};
}

Status GgufFile::place_tensors(std::size_t data_start, std::size_t alignment) {
  for (GgufTensor& tensor : tensors_) {
    const auto named = [&] { return fmt::format("tensor \"{}\"", tensor.name); };
    const std::size_t bytes = TRY(tensor_bytes(tensor).context(named()));
    if (tensor.file_offset % alignment != 0) {
      return base::invalid_input(fmt::format("{}: offset {} is not a multiple of {}", named(),
                                             tensor.file_offset, alignment));
    }
    const auto start = base::checked_add(data_start, tensor.file_offset);
    const auto end = start ? base::checked_add(*start, bytes) : std::nullopt;
    if (!end || *end > file_bytes_) {
      return base::invalid_input(
          fmt::format("{}: {} bytes at offset {} of the data end beyond the file ({} bytes)",
                      named(), bytes, tensor.file_offset, file_bytes_));
    }
    tensor.file_offset = *start;
    tensor.bytes = bytes;
    if (*end <= bytes_.size()) tensor.data = bytes_.subspan(*start, bytes);
  }
  return {};
}

Status GgufFile::refuse_overlap() const {
  std::vector<const GgufTensor*> by_offset;
  for (const GgufTensor& tensor : tensors_) by_offset.push_back(&tensor);
  std::sort(by_offset.begin(), by_offset.end(), [](const GgufTensor* a, const GgufTensor* b) {
    return a->file_offset < b->file_offset;
  });
  for (std::size_t i = 1; i < by_offset.size(); ++i) {
    const GgufTensor& before = *by_offset[i - 1];
    if (before.file_offset + before.bytes > by_offset[i]->file_offset) {
      return base::invalid_input(
          fmt::format("tensors \"{}\" and \"{}\" overlap", before.name, by_offset[i]->name));
    }
  }
  return {};
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const GgufEntry* entry = find_by_name(entries_, entries_by_key_, kEntryKey, key);
  return entry == nullptr ? nullptr : &entry->value;
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  return find_by_name(tensors_, tensors_by_name_, kTensorName, name);
}

}  // namespace runtime
