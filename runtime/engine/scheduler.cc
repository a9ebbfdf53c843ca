#include "runtime/engine/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hardening/base/check.h"
#include "runtime/engine/limits.h"

namespace runtime {
namespace {

using Phase = Sequence::Phase;

std::size_t divide_up(std::size_t a, std::size_t b) {
  return (a + b - 1) / b;
}

}  // namespace

Scheduler::Scheduler(const EngineOptions& options, Decoder& decoder)
    : options_(options),
      decoder_(decoder),
      shape_(decoder.shape()),
      blocks_(shape_.blocks),
      cache_({shape_.block_tokens, options.prefix_cache}, blocks_),
      fair_share_(limits::kTenantsMax) {
  running_.reserve(options.sequences_max);
  batch_.reserve(options.sequences_max);
  free_slots_.reserve(options.sequences_max);
  for (std::size_t i = options.sequences_max; i > 0; --i) free_slots_.push_back(i - 1);
  prefix_.blocks.reserve(divide_up(shape_.context_tokens_max, shape_.block_tokens));
}

// ---- requests

base::Status Scheduler::check_place(std::uint64_t id) const {
  if (requests_.contains(id))
    return base::invalid_input(fmt::format("request id {} is in use", id));
  const auto waiting = static_cast<std::size_t>(
      std::ranges::count_if(requests_, [](const auto& entry) { return !entry.second->started; }));
  if (waiting < options_.queue_max) return {};
  return base::unavailable(
      fmt::format("{} requests are waiting, at most {} may", waiting, options_.queue_max));
}

void Scheduler::add(std::unique_ptr<LiveRequest> request) {
  request->arrival = ++arrivals_;
  request->tenant = &fair_share_.begin_request(request->spec.tenant);
  requests_.emplace(request->spec.id, std::move(request));
}

LiveRequest* Scheduler::find(std::uint64_t id) const {
  const auto it = requests_.find(id);
  return it == requests_.end() ? nullptr : it->second.get();
}

void Scheduler::finish(Sequence& sequence) {
  if (sequence.phase == Phase::kRunning) stop_running(sequence);
  sequence.phase = Phase::kDone;
  sequence.tokens = {};
  sequence.blocks = {};
}

std::size_t Scheduler::end_step() {
  for (Sequence* const sequence : batch_) sequence->step_tokens = 0;
  batch_.clear();
  batch_tokens_ = 0;
  batch_logits_ = 0;
  return std::erase_if(requests_, [](const auto& entry) {
    if (!entry.second->done()) return false;
    FairShare::end_request(*entry.second->tenant);
    return true;
  });
}

void Scheduler::add_stats(EngineStats& stats) const {
  stats.prompt_tokens = prompt_tokens_;
  stats.cached_prompt_tokens = cached_prompt_tokens_;
  stats.preemptions = preemptions_;
  stats.running = static_cast<std::uint32_t>(running_.size());
  stats.waiting = static_cast<std::uint32_t>(
      std::ranges::count_if(requests_, [](const auto& entry) { return !entry.second->started; }));
  stats.blocks_used = static_cast<std::uint32_t>(blocks_.used());
  stats.blocks_cached = static_cast<std::uint32_t>(blocks_.idle());
  stats.blocks_total = static_cast<std::uint32_t>(blocks_.total());
}

// ---- one step

base::Result<std::span<Sequence* const>> Scheduler::plan() {
  CHECK(batch_.empty());
  plan_decodes();
  TRY(plan_prefills());
  return std::span<Sequence* const>(batch_);
}

// The oldest first, so that whoever is preempted is not in the batch yet.
void Scheduler::plan_decodes() {
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.remaining() == 1 && grow(sequence)) put_in_batch(sequence, 1);
  }
}

base::Status Scheduler::plan_prefills() {
  bool may_admit = true;
  while (batch_tokens_ < options_.step_tokens_max) {
    Sequence* const next = next_in_turn(may_admit && !free_slots_.empty());
    if (next == nullptr) break;
    if (next->phase == Phase::kWaiting && !TRY(admit(*next))) {
      may_admit = false;
      continue;
    }
    put_in_batch(*next, chunk_tokens(*next));
  }
  return {};
}

// How much of a sequence the step still has room for. Every running sequence that is not in the
// batch keeps the right to one row of logits; a prompt that is echoed with log-probabilities takes
// what is left.
std::size_t Scheduler::chunk_tokens(const Sequence& sequence) const {
  std::size_t tokens = std::min(sequence.remaining(), options_.step_tokens_max - batch_tokens_);
  if (sequence.first_logit_position() + 1 < sequence.tokens.size()) {
    const std::size_t others = options_.sequences_max - batch_.size() - 1;
    const std::size_t rows = shape_.logit_rows_max - batch_logits_ - others;
    const std::size_t without =
        std::max(sequence.first_logit_position(), sequence.computed) - sequence.computed;
    tokens = std::min(tokens, without + rows);
  }
  return tokens;
}

void Scheduler::put_in_batch(Sequence& sequence, std::size_t tokens) {
  const std::size_t end = sequence.computed + tokens;
  sequence.step_tokens = tokens;
  const std::size_t first = std::max(sequence.first_logit_position(), sequence.computed);
  sequence.step_logits = end > first ? end - first : 0;
  sequence.step_row = batch_logits_;
  batch_.push_back(&sequence);
  batch_tokens_ += tokens;
  batch_logits_ += sequence.step_logits;
  CHECK(batch_tokens_ <= options_.step_tokens_max && batch_logits_ <= shape_.logit_rows_max);
  // A new token costs its tenant two: one for being made and one for being read. What is computed
  // again after a preemption was paid for.
  std::uint64_t& served = sequence.request->tenant->served;
  served += std::max(end, sequence.charged) - sequence.charged;
  served += end == sequence.tokens.size() ? 1U : 0U;
  sequence.charged = std::max(end, sequence.charged);
}

void Scheduler::complete() {
  for (Sequence* const sequence : batch_) {
    const std::size_t prompt = sequence->request->prompt_tokens();
    const std::size_t before = std::min(sequence->computed, prompt);
    sequence->computed += sequence->step_tokens;
    prompt_tokens_ += std::min(sequence->computed, prompt) - before;
    share_full_blocks(*sequence);
  }
}

void Scheduler::share_full_blocks(Sequence& sequence) {
  if (!options_.prefix_cache) return;
  while ((sequence.chain_blocks + 1) * shape_.block_tokens <= sequence.computed) {
    BlockId& block = sequence.blocks[sequence.chain_blocks];
    block = cache_.insert(sequence.chain, block_tokens(sequence, sequence.chain_blocks), block);
    ++sequence.chain_blocks;
  }
}

std::span<const TokenId> Scheduler::block_tokens(const Sequence& sequence,
                                                 std::size_t index) const {
  return std::span(sequence.tokens).subspan(index * shape_.block_tokens, shape_.block_tokens);
}

// ---- blocks

// Makes sure that the next token has a place; false when the sequence had to give way itself.
bool Scheduler::grow(Sequence& sequence) {
  while (sequence.blocks.size() * shape_.block_tokens < sequence.tokens.size()) {
    const BlockId block = cache_.allocate();
    if (block != kNoBlock) {
      sequence.blocks.push_back(block);
      continue;
    }
    Sequence& youngest = *running_.back();
    preempt(youngest);
    if (&youngest == &sequence) return false;
  }
  return true;
}

void Scheduler::preempt(Sequence& sequence) {
  stop_running(sequence);
  sequence.phase = Phase::kWaiting;
  ++preemptions_;
}

void Scheduler::stop_running(Sequence& sequence) {
  release_blocks(sequence);
  sequence.computed = 0;
  sequence.chain_blocks = 0;
  free_slots_.push_back(sequence.slot);
  std::erase(running_, &sequence);
}

// The last block first: of a chain, the end is forgotten before the beginning.
void Scheduler::release_blocks(Sequence& sequence) {
  while (!sequence.blocks.empty()) {
    blocks_.release(sequence.blocks.back());
    sequence.blocks.pop_back();
  }
}

// ---- admission

// Among running sequences with a prompt to compute and, with `admit`, waiting ones.
Sequence* Scheduler::next_in_turn(bool admit) {
  Sequence* best = nullptr;
  const auto consider = [&best](Sequence& sequence) {
    if (best == nullptr || sequence.request->tenant->served < best->request->tenant->served ||
        (sequence.request->tenant->served == best->request->tenant->served &&
         is_older(sequence, *best))) {
      best = &sequence;
    }
  };
  for (Sequence* const sequence : running_) {
    if (sequence->step_tokens == 0) consider(*sequence);
  }
  if (!admit) return best;
  for (const auto& [id, request] : requests_) {
    for (Sequence& choice : request->choices) {
      if (choice.phase != Phase::kWaiting || !is_ready(choice)) continue;
      consider(choice);
      break;
    }
  }
  return best;
}

// Choices of one prompt wait until the first of them has computed it.
bool Scheduler::is_ready(const Sequence& sequence) const {
  const LiveRequest& request = *sequence.request;
  if (sequence.echo && request.spec.echo_logprobs) return true;
  bool being_computed = false;
  for (const Sequence& sibling : request.choices) {
    if (sibling.phase != Phase::kRunning) continue;
    if (sibling.computed >= request.prompt_tokens()) return true;
    being_computed = true;
  }
  return !being_computed;
}

base::Result<bool> Scheduler::admit(Sequence& sequence) {
  LiveRequest& request = *sequence.request;
  const GenerationRequest& spec = request.spec;
  if (sequence.tokens.empty()) {
    sequence.tokens.reserve(spec.prompt.size() + spec.tokens_max);
    sequence.tokens = spec.prompt;
    if (!spec.resume.empty()) {
      const std::vector<TokenId>& emitted = spec.resume[sequence.choice];
      sequence.tokens.insert(sequence.tokens.end(), emitted.begin(), emitted.end());
    }
    sequence.blocks.reserve(divide_up(spec.prompt.size() + spec.tokens_max, shape_.block_tokens));
  }
  find_prefix(sequence);
  const std::size_t count = divide_up(sequence.tokens.size(), shape_.block_tokens);
  const auto idle = static_cast<std::size_t>(std::ranges::count_if(
      prefix_.blocks, [this](BlockId block) { return !blocks_.is_used(block); }));
  // One more for each running sequence, or the newcomer would have to go again at once.
  const std::size_t wanted = count - prefix_.blocks.size() + running_.size();
  if (blocks_.available() - idle < wanted) return false;

  take_blocks(sequence, count);
  if (prefix_.partial != kNoBlock) {
    TRY(decoder_.copy_block(prefix_.partial, sequence.blocks[prefix_.blocks.size()]));
  }
  if (sequence.charged == 0) {
    const std::size_t cached = std::min(prefix_.tokens, spec.prompt.size());
    cached_prompt_tokens_ += cached;
    if (!request.started) request.cached_prompt_tokens = static_cast<std::uint32_t>(cached);
    sequence.charged = prefix_.tokens;
  }
  request.started = true;
  sequence.phase = Phase::kRunning;
  sequence.slot = free_slots_.back();
  free_slots_.pop_back();
  sequence.history_stale = true;
  running_.insert(std::ranges::upper_bound(
                      running_, &sequence,
                      [](const Sequence* a, const Sequence* b) { return is_older(*a, *b); }),
                  &sequence);
  return true;
}

void Scheduler::take_blocks(Sequence& sequence, std::size_t count) {
  for (const BlockId block : prefix_.blocks) {
    blocks_.retain(block);
    sequence.blocks.push_back(block);
  }
  while (sequence.blocks.size() < count) {
    const BlockId block = cache_.allocate();
    CHECK(block != kNoBlock);
    sequence.blocks.push_back(block);
  }
  sequence.computed = prefix_.tokens;
  sequence.chain = prefix_.chain;
  sequence.chain_blocks = prefix_.blocks.size();
}

// At least the last token is left to compute: its logits are wanted. With an echo, all those whose
// are.
void Scheduler::find_prefix(const Sequence& sequence) {
  prefix_.blocks.clear();
  prefix_.chain = cache_.root(sequence.request->spec.tenant);
  prefix_.partial = kNoBlock;
  prefix_.tokens = 0;
  find_cached(sequence);
  if (sequence.first_logit_position() + 1 == sequence.tokens.size()) find_sibling(sequence);
}

void Scheduler::find_cached(const Sequence& sequence) {
  const std::size_t blocks_max = sequence.first_logit_position() / shape_.block_tokens;
  while (prefix_.blocks.size() < blocks_max) {
    const BlockId block = cache_.find(prefix_.chain, block_tokens(sequence, prefix_.blocks.size()));
    if (block == kNoBlock) break;
    prefix_.blocks.push_back(block);
  }
  prefix_.tokens = prefix_.blocks.size() * shape_.block_tokens;
}

// A running choice of the same prompt has all of it but the last token to give, the last block as a
// copy.
void Scheduler::find_sibling(const Sequence& sequence) {
  const LiveRequest& request = *sequence.request;
  const std::size_t tokens = request.prompt_tokens() - 1;
  if (prefix_.tokens >= tokens) return;
  const auto sibling = std::ranges::find_if(request.choices, [&request](const Sequence& other) {
    return other.phase == Phase::kRunning && other.computed >= request.prompt_tokens();
  });
  if (sibling == request.choices.end()) return;
  const std::size_t full = tokens / shape_.block_tokens;
  for (std::size_t i = prefix_.blocks.size(); i < full; ++i) {
    if (options_.prefix_cache) {
      CHECK(cache_.find(prefix_.chain, block_tokens(sequence, i)) == sibling->blocks[i]);
    }
    prefix_.blocks.push_back(sibling->blocks[i]);
  }
  if (tokens % shape_.block_tokens != 0) prefix_.partial = sibling->blocks[full];
  prefix_.tokens = tokens;
}

}  // namespace runtime
