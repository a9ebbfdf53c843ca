// Weights in a backend's own layout, made of a VerifiedFile: what a model computes with, in memory
// that outlives an engine.
//
// "Only signed weights run" has to hold for an engine that reads nothing of the model's file, too.
// Two ways lead to this type:
//
//   seal     WeightsDraft wants the VerifiedFile the weights are made of, and puts its digest in
//   front
//            of them. Who fills the draft has the verified bytes before him.
//   inherit  Memory that a former engine sealed. Only provisioning::FileVerifier can ask for it,
//   and it
//            names a digest out of a statement whose signature was verified in this process.
//
// That inherited bytes are those of the digest is not computed again; it is known by who can have
// written them. They were sealed by an engine that had verified the file and read no byte of a
// client yet (the supervisor takes weights only before an engine is ready, PROTOCOL.md section 3),
// nobody can write them since, and the descriptor comes from the supervisor as the model's
// directory does.
#ifndef HARDENING_BASE_VERIFIED_WEIGHTS_H_
#define HARDENING_BASE_VERIFIED_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "hardening/base/sealed_memory.h"
#include "hardening/base/verified_file.h"

namespace base {

// What stands in front of the weights: magic, version, the digest of the file, and how many bytes
// of weights there are.
struct WeightsHeader {
  static constexpr std::size_t kBytes = 64;  // a multiple of every alignment a vector unit wants

  VerifiedFile::Sha256Digest file_sha256{};
  std::uint64_t weights_bytes = 0;

  void serialize(std::span<std::byte, kBytes> out) const;
  // `memory` is header and weights; kInvalidInput names the field that is wrong.
  static Result<WeightsHeader> parse(std::span<const std::byte> memory);
};

class VerifiedWeights {
 public:
  // kDenied when the memory is not sealed, or not made of the file with that digest; kInvalidInput
  // when it holds no weights.
  static Result<VerifiedWeights> inherit(VerifiedFile::PassKey, Fd memfd,
                                         const VerifiedFile::Sha256Digest& file_sha256);

  const VerifiedFile::Sha256Digest& file_sha256() const { return header_.file_sha256; }
  // 64-byte aligned.
  std::span<const std::byte> bytes() const {
    return memory_.bytes().subspan(WeightsHeader::kBytes, header_.weights_bytes);
  }

  // For the engine that comes after, once; the weights stay.
  Fd take_descriptor() { return memory_.take_descriptor(); }
  std::size_t memory_bytes() const { return memory_.bytes().size(); }
  // Of these, how many the system refused large pages for when they were made here.
  std::size_t small_page_bytes() const { return small_page_bytes_; }

 private:
  friend class WeightsDraft;
  VerifiedWeights(SealedMemory memory, const WeightsHeader& header, std::size_t small_page_bytes)
      : memory_(std::move(memory)), header_(header), small_page_bytes_(small_page_bytes) {}

  SealedMemory memory_;
  WeightsHeader header_;
  std::size_t small_page_bytes_;
};

// Weights that are being made.
class WeightsDraft {
 public:
  // Room for `bytes`, all zeros. Errors as of UnsealedMemory::create.
  static Result<WeightsDraft> create(const VerifiedFile& made_of, std::size_t bytes);

  std::span<std::byte> bytes() {
    return memory_.bytes().subspan(WeightsHeader::kBytes, header_.weights_bytes);
  }
  // As of UnsealedMemory; `end` counts in bytes().
  void back(std::size_t end) { memory_.back(WeightsHeader::kBytes + end); }
  std::size_t small_page_bytes() const { return memory_.small_page_bytes(); }

  Result<VerifiedWeights> seal() &&;

 private:
  WeightsDraft(UnsealedMemory memory, const WeightsHeader& header)
      : memory_(std::move(memory)), header_(header) {}

  UnsealedMemory memory_;
  WeightsHeader header_;
};

}  // namespace base

#endif  // HARDENING_BASE_VERIFIED_WEIGHTS_H_
