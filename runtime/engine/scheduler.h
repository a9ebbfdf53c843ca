// Decides, step by step, which tokens of which sequences are computed, and gives them KV blocks.
//
// A step first takes every sequence that generates (one token each), the oldest first, then fills
// what the token budget leaves with chunks of prompts: of running sequences and of waiting ones,
// which are admitted as their turn comes. The turn is the least served tenant's (fair_share.h),
// within a tenant the oldest sequence's.
//
// A sequence is admitted with blocks for all its tokens and grows block by block. When none is
// left, the youngest running sequence gives up its blocks and waits again with the tokens it has;
// they are computed once more later, to the same bits. The oldest one can always grow (submission
// refuses what would not fit alone), so something always gets done. A waiting sequence that does
// not fit keeps younger and better served ones from being admitted: it is not starved by small
// ones.
#ifndef RUNTIME_ENGINE_SCHEDULER_H_
#define RUNTIME_ENGINE_SCHEDULER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/fair_share.h"
#include "runtime/engine/kv_blocks.h"
#include "runtime/engine/prefix_cache.h"
#include "runtime/engine/sequence.h"
#include "runtime/model/decoder.h"

namespace runtime {

class Scheduler {
 public:
  using Requests = std::map<std::uint64_t, std::unique_ptr<LiveRequest>>;

  // The decoder outlives the scheduler. Options are checked (EngineOptions, Engine::create).
  Scheduler(const EngineOptions& options, Decoder& decoder);

  // kInvalidInput: the id is in use; kUnavailable: the queue is full.
  base::Status check_place(std::uint64_t id) const;
  // Requires check_place and check_request to have passed.
  void add(std::unique_ptr<LiveRequest> request);

  // By id: the order in which events are given.
  const Requests& requests() const { return requests_; }
  LiveRequest* find(std::uint64_t id) const;

  // Chooses the sequences of the next step and sets their step_tokens and step_logits. Slices of
  // the batch go to the decoder in this order. Fails when the decoder fails to copy a block.
  base::Result<std::span<Sequence* const>> plan();
  // The decoder has computed the batch.
  void complete();
  // The batch's results were used. Forgets it, and requests whose choices are done and closed;
  // returns how many.
  std::size_t end_step();

  // The sequence makes no more tokens: gives back all it holds.
  void finish(Sequence& sequence);

  // Fills in all but generated_tokens, steps and requests_finished.
  void add_stats(EngineStats& stats) const;

 private:
  // Where a sequence's first tokens are to be had without computing them.
  struct Prefix {
    std::vector<BlockId> blocks;  // to be shared
    ChainPoint chain;
    BlockId partial = kNoBlock;  // to be copied: its first tokens are the sequence's next ones
    std::size_t tokens = 0;
  };

  void plan_decodes();
  base::Status plan_prefills();
  void put_in_batch(Sequence& sequence, std::size_t tokens);
  std::size_t chunk_tokens(const Sequence& sequence) const;
  bool grow(Sequence& sequence);
  void preempt(Sequence& sequence);

  Sequence* next_in_turn(bool admit);
  bool is_ready(const Sequence& sequence) const;
  base::Result<bool> admit(Sequence& sequence);
  void find_prefix(const Sequence& sequence);
  void find_cached(const Sequence& sequence);
  void find_sibling(const Sequence& sequence);
  void take_blocks(Sequence& sequence, std::size_t count);
  void release_blocks(Sequence& sequence);
  void stop_running(Sequence& sequence);
  void share_full_blocks(Sequence& sequence);
  std::span<const TokenId> block_tokens(const Sequence& sequence, std::size_t index) const;

  EngineOptions options_;
  Decoder& decoder_;
  DecoderShape shape_;
  KvBlocks blocks_;
  PrefixCache cache_;
  FairShare fair_share_;
  Requests requests_;
  std::uint64_t arrivals_ = 0;

  std::vector<Sequence*> running_;  // the oldest first
  std::vector<std::size_t> free_slots_;
  std::vector<Sequence*> batch_;
  std::size_t batch_tokens_ = 0;
  std::size_t batch_logits_ = 0;
  Prefix prefix_;

  std::uint64_t prompt_tokens_ = 0;
  std::uint64_t cached_prompt_tokens_ = 0;
  std::uint64_t preemptions_ = 0;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_SCHEDULER_H_
