// Who holds which KV block.
//
// A block is free, used (one or more references), or idle: without references but with contents
// worth keeping. Idle blocks wait in the order in which they were released and are taken, the
// longest idle first, once no free one is left. What the contents are is the prefix cache's
// business.
#ifndef RUNTIME_ENGINE_KV_BLOCKS_H_
#define RUNTIME_ENGINE_KV_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace runtime {

using BlockId = std::int32_t;
inline constexpr BlockId kNoBlock = -1;

// All memory is taken at creation; every operation takes constant time.
class KvBlocks {
 public:
  explicit KvBlocks(std::size_t count);

  std::size_t total() const { return blocks_.size(); }
  std::size_t used() const { return total() - available(); }
  std::size_t idle() const { return idle_; }
  std::size_t available() const { return free_.size() + idle_; }  // what allocate() can give

  // A block with one reference, or kNoBlock. Its former contents, if any, are no longer kept: the
  // caller tells who might look for them.
  BlockId allocate();

  // One more reference, to a used or an idle block.
  void retain(BlockId block);
  // One reference less. The last one makes the block idle when its contents are kept, else free.
  void release(BlockId block);

  bool is_used(BlockId block) const { return at(block).references > 0; }
  bool is_kept(BlockId block) const { return at(block).kept; }
  // Whether the contents outlive the last reference. An idle block whose contents are no longer
  // kept is free.
  void set_kept(BlockId block, bool kept);

 private:
  struct Block {
    std::uint32_t references = 0;
    bool kept = false;
    BlockId older = kNoBlock;  // among the idle
    BlockId newer = kNoBlock;
  };

  Block& at(BlockId block);
  const Block& at(BlockId block) const;
  void append_idle(BlockId block);
  void remove_idle(BlockId block);

  std::vector<Block> blocks_;
  std::vector<BlockId> free_;  // a stack
  BlockId oldest_idle_ = kNoBlock;
  BlockId newest_idle_ = kNoBlock;
  std::size_t idle_ = 0;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_KV_BLOCKS_H_
