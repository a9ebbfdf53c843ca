#include "hardening/base/verified_weights.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/byte_reader.h"
#include "hardening/base/check.h"
#include "hardening/base/checked.h"
#include "hardening/base/hex.h"

namespace base {
namespace {

constexpr std::uint64_t kMagic = 0x7374'6867'6965'7752;  // "Rweights"
constexpr std::uint64_t kVersion = 1;

}  // namespace

void WeightsHeader::serialize(std::span<std::byte, kBytes> out) const {
  ByteWriter writer;
  writer.write(kMagic);
  writer.write(kVersion);
  writer.write_bytes(file_sha256);
  writer.write(weights_bytes);
  CHECK(writer.bytes().size() <= out.size());
  std::ranges::copy(writer.bytes(), out.begin());
}

Result<WeightsHeader> WeightsHeader::parse(std::span<const std::byte> memory) {
  ByteReader whole(memory);
  ByteReader reader = TRY(whole.sub_reader(kBytes, "weights header"));
  if (TRY(reader.read<std::uint64_t>("magic")) != kMagic) {
    return invalid_input("the memory does not begin as weights do");
  }
  const auto version = TRY(reader.read<std::uint64_t>("version"));
  if (version != kVersion) {
    return invalid_input(fmt::format("weights of version {}; {} is read", version, kVersion));
  }
  WeightsHeader header;
  std::ranges::copy(TRY(reader.take(header.file_sha256.size(), "digest")),
                    header.file_sha256.begin());
  header.weights_bytes = TRY(reader.read<std::uint64_t>("weights bytes"));
  if (header.weights_bytes > whole.remaining()) {
    return invalid_input(
        fmt::format("weights of {} bytes in a memory of {}", header.weights_bytes, memory.size()));
  }
  return header;
}

Result<VerifiedWeights> VerifiedWeights::inherit(VerifiedFile::PassKey, Fd memfd,
                                                 const VerifiedFile::Sha256Digest& file_sha256) {
  SealedMemory memory = TRY(SealedMemory::open(std::move(memfd)));
  const WeightsHeader header = TRY(WeightsHeader::parse(memory.bytes()));
  if (header.file_sha256 != file_sha256) {
    return denied(fmt::format("weights of a file with sha256 {}, the signature says {}",
                              to_hex(header.file_sha256), to_hex(file_sha256)));
  }
  return VerifiedWeights(std::move(memory), header, 0);
}

Result<WeightsDraft> WeightsDraft::create(const VerifiedFile& made_of, std::size_t bytes) {
  const auto whole = checked_add(bytes, WeightsHeader::kBytes);
  if (!whole) return exhausted(fmt::format("weights of {} bytes", bytes));
  WeightsHeader header;
  header.file_sha256 = made_of.sha256();
  header.weights_bytes = bytes;
  return WeightsDraft(TRY(UnsealedMemory::create("redoubt-weights", *whole)), header);
}

Result<VerifiedWeights> WeightsDraft::seal() && {
  header_.serialize(memory_.bytes().first<WeightsHeader::kBytes>());
  const std::size_t small = small_page_bytes();
  return VerifiedWeights(TRY(std::move(memory_).seal()), header_, small);
}

}  // namespace base
