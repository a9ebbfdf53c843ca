#include "kernels/cpu/arena.h"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "kernels/check.h"

namespace kernels::cpu {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20U;
constexpr std::size_t kChunk = 16 * kHugePage;
constexpr std::size_t kAlignment = 64;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Address space aligned to a huge page, or null. What alignment wastes is given back.
std::byte* map_aligned(std::size_t bytes) {
  const std::size_t whole = bytes + kHugePage;
  void* mapped = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(mapped);
  const auto address = reinterpret_cast<std::uintptr_t>(mapped);
  const std::size_t skip = round_up(address, kHugePage) - address;
  if (skip > 0) (void)munmap(begin, skip);
  if (skip < kHugePage) (void)munmap(begin + skip + bytes, kHugePage - skip);
  (void)madvise(begin + skip, bytes, MADV_HUGEPAGE);  // a wish: without it everything works, slower
  return begin + skip;
}

}  // namespace

Arena::Piece::Piece(Piece&& other) noexcept
    : arena_(std::exchange(other.arena_, nullptr)), data_(std::exchange(other.data_, nullptr)) {}

Arena::Piece& Arena::Piece::operator=(Piece&& other) noexcept {
  std::swap(arena_, other.arena_);
  std::swap(data_, other.data_);
  return *this;
}

Arena::Piece::~Piece() {
  if (arena_ != nullptr) arena_->release(data_);
}

Arena::~Arena() {
  for (const Chunk& chunk : chunks_) (void)munmap(chunk.begin, chunk.bytes);
}

bool Arena::allocate(std::size_t bytes, bool touch, Piece* out) {
  if (bytes > PTRDIFF_MAX / 2) return false;
  const std::size_t needed = round_up(bytes == 0 ? 1 : bytes, kAlignment);
  const bool fits = !chunks_.empty() && chunks_.back().bytes - chunks_.back().used >= needed;
  if (!fits && !add_chunk(needed)) return false;
  Chunk& chunk = chunks_.back();
  Piece piece;
  piece.arena_ = this;
  piece.data_ = chunk.begin + chunk.used;
  chunk.used += needed;
  ++chunk.pieces;
  if (touch) Arena::touch(piece.data_, needed);
  *out = std::move(piece);
  return true;
}

// The system fills a page with zeros when it is first written; writing the rest of it would be a
// second pass.
void Arena::touch(void* data, std::size_t bytes) {
  auto* const begin = static_cast<volatile std::byte*>(data);
  for (std::size_t offset = 0; offset < bytes; offset += kPage) begin[offset] = std::byte{0};
  if (bytes > 0) begin[bytes - 1] = std::byte{0};
}

bool Arena::add_chunk(std::size_t bytes) {
  const std::size_t whole = bytes > kChunk ? round_up(bytes, kHugePage) : kChunk;
  std::byte* begin = map_aligned(whole);
  if (begin == nullptr) return false;
  chunks_.push_back({begin, whole, 0, 0});
  return true;
}

void Arena::release(const void* data) {
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    Chunk& chunk = chunks_[i];
    const auto* at = static_cast<const std::byte*>(data);
    if (at < chunk.begin || at >= chunk.begin + chunk.bytes) continue;
    if (--chunk.pieces == 0) {
      (void)munmap(chunk.begin, chunk.bytes);
      chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return;
  }
  check_failed(__FILE__, __LINE__, "a piece of no chunk");
}

}  // namespace kernels::cpu
