// Memory of the CPU backend: anonymous, aligned to 2 MiB, on huge pages where the system gives them
// (a fifth of decode speed, since a token reads every weight once).
//
// Pieces are cut one after another from large chunks, so that many small matrices share huge pages;
// a chunk goes back when its last piece does. Used by one thread.
#ifndef KERNELS_CPU_ARENA_H_
#define KERNELS_CPU_ARENA_H_

#include <cstddef>
#include <memory>
#include <vector>

namespace kernels::cpu {

class Arena {
 public:
  // A piece: 64-byte aligned, zero-filled. Gives itself back; the arena outlives it.
  class Piece {
   public:
    Piece() = default;
    Piece(Piece&& other) noexcept;
    Piece& operator=(Piece&& other) noexcept;
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;
    ~Piece();

    void* data() const { return data_; }
    template <typename T>
    T* as() const {
      return static_cast<T*>(data_);
    }

   private:
    friend class Arena;
    Arena* arena_ = nullptr;
    void* data_ = nullptr;
  };

  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // False when the system refuses memory. `touch` backs the piece with memory at once, for what is
  // written while requests run; otherwise it is backed when first written.
  bool allocate(std::size_t bytes, bool touch, Piece* out);

  // Backs fresh memory of a piece, all zeros, with pages: for pieces so large that several threads
  // should.
  static void touch(void* data, std::size_t bytes);

 private:
  struct Chunk {
    std::byte* begin;
    std::size_t bytes;
    std::size_t used;
    std::size_t pieces;
  };

  bool add_chunk(std::size_t bytes);
  void release(const void* data);

  std::vector<Chunk> chunks_;  // the last is the one being cut
};

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_ARENA_H_
