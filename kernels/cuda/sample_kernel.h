// The sampling kernel: a block of 512 threads draws from one row. Included by sample.cu and
// emulated/sample.cc alone.
//
// Nothing is sorted and nothing is kept but 2,048 sums: the row, which lies in the second-level
// cache, is read a few times.
//   scan         the best, the worst, and whether all are finite                       1 pass
//   temperature  0 ends here
//   top_k        find_cut counts tokens: by distance from the best (2,048 buckets),     5 passes
//                then by digits of the rank inside one bucket, then ties by id
//   top_p        find_cut adds up weights in the same way                               5 passes
//   draw         sums of runs of tokens, ascending; the run, then the token             1 pass
// top_k and top_p cut the one order (larger logit first, lower id among equals), so the later cut
// is inside the former. min_p asks for a weight and no order. These are the sets of runtime's
// Sampler (sampler.h), found another way.
#ifndef KERNELS_CUDA_SAMPLE_KERNEL_H_
#define KERNELS_CUDA_SAMPLE_KERNEL_H_

#include "kernels/cuda/sample_bins.h"
#include "kernels/cuda/sample_numbers.h"

namespace kernels::cuda {

using SampleArguments = SampleCall;

#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

inline constexpr std::uint32_t kSampleWarps = kSampleThreads / 32;

struct SampleShared {
  Bins bins;
  std::uint32_t best[kSampleWarps];   // rank
  std::uint32_t token[kSampleWarps];  // of the best
  std::uint32_t worst[kSampleWarps];  // rank
  std::uint32_t finite[kSampleWarps];
  std::uint32_t drawn;
};
static_assert(sizeof(SampleShared) <= kSampleSharedBytes);

// The last token, best first, that is kept.
struct Cut {
  std::uint32_t rank = 0xFFFFFFFFU;
  std::uint32_t token = 0xFFFFFFFFU;
  KERNELS_DEVICE bool keeps(std::uint32_t other_rank, std::uint32_t other) const {
    return other_rank < rank || (other_rank == rank && other <= token);
  }
};

struct SampledRow {
  const float* logits;
  std::uint32_t vocabulary;
  double best;
  double worst;
  double beta;  // 1 / temperature
};

// What a token counts. Zero where it does not.
struct Measure {
  Cut among;
  std::uint64_t weight_min = 1;
  bool counting = false;  // 1 for each token; otherwise its weight
  bool of_one_rank = false;
  std::uint32_t rank = 0;

  KERNELS_DEVICE std::uint64_t of(const SampledRow& row, std::uint32_t token, float logit) const {
    const std::uint32_t own = rank_of(logit);
    if (!among.keeps(own, token) || (of_one_rank && own != rank)) return 0;
    if (counting) return 1;
    const std::uint64_t weight = token_weight((row.best - static_cast<double>(logit)) * row.beta);
    return weight >= weight_min ? weight : 0;
  }
};

// Calls body(token, logit) for every token; a thread's are 512 apart, and four loads are under way
// at a time.
template <typename Body>
KERNELS_DEVICE void for_each_token(const SampledRow& row, const Body& body) {
  for (std::uint32_t first = thread(); first < row.vocabulary; first += 4 * kSampleThreads) {
    float logits[4];
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t token = first + i * kSampleThreads;
      logits[i] = token < row.vocabulary ? row.logits[token] : 0.0F;
    }
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t token = first + i * kSampleThreads;
      if (token < row.vocabulary) body(token, logits[i]);
    }
  }
}

struct Scan {
  std::uint32_t best;
  std::uint32_t token;  // the lowest of the best
  std::uint32_t worst;
  bool finite;
};

KERNELS_DEVICE void join(Scan& scan, std::uint32_t best, std::uint32_t token, std::uint32_t worst,
                         bool finite) {
  if (best < scan.best || (best == scan.best && token < scan.token)) {
    scan.best = best;
    scan.token = token;
  }
  scan.worst = worst > scan.worst ? worst : scan.worst;
  scan.finite = scan.finite && finite;
}

KERNELS_DEVICE Scan scan_row(const SampledRow& row, SampleShared& shared) {
  Scan scan = {0xFFFFFFFFU, 0xFFFFFFFFU, 0, true};
  for_each_token(row, [&scan](std::uint32_t token, float logit) {
    const std::uint32_t rank = rank_of(logit);
    join(scan, rank, token, rank, is_finite(logit));
  });
  KERNELS_UNROLL
  for (unsigned mask = 1; mask < 32; mask *= 2) {
    const std::uint32_t best = shuffle_xor(scan.best, mask);
    const std::uint32_t token = shuffle_xor(scan.token, mask);
    const std::uint32_t worst = shuffle_xor(scan.worst, mask);
    join(scan, best, token, worst, shuffle_xor(std::uint32_t{scan.finite}, mask) != 0);
  }
  if (lane() == 0) {
    shared.best[warp()] = scan.best;
    shared.token[warp()] = scan.token;
    shared.worst[warp()] = scan.worst;
    shared.finite[warp()] = scan.finite;
  }
  sync_block();
  for (std::uint32_t w = 0; w < kSampleWarps; ++w)
    join(scan, shared.best[w], shared.token[w], shared.worst[w], shared.finite[w] != 0);
  return scan;
}

// Buckets by distance from the best logit: never less for a smaller logit.
struct Buckets {
  double best;
  double scale;
  KERNELS_DEVICE std::uint32_t of(float logit) const {
    const double place = (best - static_cast<double>(logit)) * scale;
    return place < kBins - 1 ? static_cast<std::uint32_t>(place) : kBins - 1;
  }
};

// The buckets span what can matter: all that weighs anything; of a count, the 64 below the best,
// the rest being one.
KERNELS_DEVICE Buckets make_buckets(const SampledRow& row, bool counting) {
  const double limit = counting ? 64 : kTokenWeightXMax / row.beta;
  const double span = row.best - row.worst;
  const double range = span < limit ? span : limit;
  return {row.best, range > 0 ? (kBins - 1) / range : 0};
}

// The sums of runs of equally many tokens, ascending, one to a bin; a warp to a run.
KERNELS_DEVICE std::uint32_t tokens_of_run(const SampledRow& row) {
  return 32 * ((row.vocabulary + 32 * kBins - 1) / (32 * kBins));
}
KERNELS_DEVICE void sum_runs(const SampledRow& row, const Measure& measure, Bins& bins) {
  clear_bins(bins);
  const std::uint32_t length = tokens_of_run(row);
  for (std::uint32_t run = warp(); run * length < row.vocabulary; run += kSampleWarps) {
    std::uint64_t sum = 0;
    for (std::uint32_t i = lane(); i < length; i += 32) {
      const std::uint32_t token = run * length + i;
      if (token < row.vocabulary) sum += measure.of(row, token, row.logits[token]);
    }
    sum = sum_of_warp(sum);
    if (lane() == 0) set_bin(bins, run, sum);
  }
}

// By all threads, after sum_runs with the same measure: the first token, ascending, at which the
// sum reaches `target`.
KERNELS_DEVICE std::uint32_t find_token(const SampledRow& row, const Measure& measure,
                                        std::uint64_t target, SampleShared& shared) {
  const FoundBin run = find_bin(shared.bins, target);
  if (warp() == 0) {
    const std::uint32_t length = tokens_of_run(row);
    std::uint64_t rest = run.rest;
    for (std::uint32_t i = 0; i < length; i += 32) {
      const std::uint32_t token = run.bin * length + i + lane();
      const std::uint64_t own =
          token < row.vocabulary ? measure.of(row, token, row.logits[token]) : 0;
      const std::uint64_t sum = running_sum(own);
      if (sum - own < rest && rest <= sum) shared.drawn = token;
      const std::uint64_t all = shuffle_wide(sum, 31);
      if (rest <= all) break;
      rest -= all;
    }
  }
  sync_block();
  return shared.drawn;
}

// By all threads: what all tokens of the measure come to by bucket, into the bins. Of a count the
// last bucket is left out: nearly every token is in it.
KERNELS_DEVICE void sum_buckets(const SampledRow& row, const Measure& measure,
                                const Buckets& buckets, Bins& bins) {
  clear_bins(bins);
  for_each_token(row, [&](std::uint32_t token, float logit) {
    const std::uint32_t bucket = buckets.of(logit);
    if (measure.counting && bucket == kBins - 1) return;
    const std::uint64_t value = measure.of(row, token, logit);
    if (value != 0) add_to_bin(bins, bucket, value);
  });
}

// By all threads, after sum_buckets: the end of the fewest best tokens that come to `target`, 1 …
// the sum of all.
KERNELS_DEVICE Cut find_cut(const SampledRow& row, Measure measure, const Buckets& buckets,
                            std::uint64_t target, SampleShared& shared) {
  const FoundBin bucket = find_bin(shared.bins, target);
  target = bucket.rest;
  std::uint32_t prefix = 0;
  int shift = 32;
  for (int digits = 0; digits < 3; ++digits) {
    const int bits = digits < 2 ? 11 : 10;
    clear_bins(shared.bins);
    for_each_token(row, [&](std::uint32_t token, float logit) {
      const std::uint32_t rank = rank_of(logit);
      if (buckets.of(logit) != bucket.bin || (shift < 32 && rank >> shift != prefix)) return;
      const std::uint64_t value = measure.of(row, token, logit);
      if (value != 0) add_to_bin(shared.bins, (rank >> (shift - bits)) & ((1U << bits) - 1), value);
    });
    const FoundBin digit = find_bin(shared.bins, target);
    target = digit.rest;
    prefix = (prefix << bits) | digit.bin;
    shift -= bits;
  }
  measure.of_one_rank = true;
  measure.rank = prefix;
  sum_runs(row, measure, shared.bins);
  return {prefix, find_token(row, measure, target, shared)};
}

KERNELS_DEVICE std::uint32_t draw(const SampledRow& row, const SampleRow& how,
                                  SampleShared& shared) {
  Measure measure;
  if (how.top_k > 0 && static_cast<std::uint32_t>(how.top_k) < row.vocabulary) {
    measure.counting = true;
    const Buckets buckets = make_buckets(row, true);
    sum_buckets(row, measure, buckets, shared.bins);
    measure.among = find_cut(row, measure, buckets, static_cast<std::uint64_t>(how.top_k), shared);
    measure.counting = false;
  }
  if (how.top_p < 1.0F) {
    const Buckets buckets = make_buckets(row, false);
    sum_buckets(row, measure, buckets, shared.bins);
    const std::uint64_t total = sum_bins(shared.bins);
    measure.among = find_cut(row, measure, buckets, share_of(total, how.top_p), shared);
  }
  if (how.min_p > 0.0F) measure.weight_min = smallest_weight(how.min_p);
  sum_runs(row, measure, shared.bins);
  const std::uint64_t total = sum_bins(shared.bins);
  const std::uint64_t bits = random_bits(how.seed, how.choice, how.position);
  return find_token(row, measure, scale_bits(bits, total) + 1, shared);
}

KERNELS_GLOBAL void KERNELS_BOUNDS(512, 1) sample_row(SampleArguments a) {
  KERNELS_SHARED(memory);
  auto& shared = *reinterpret_cast<SampleShared*>(memory);
  wait_for_former();
  allow_next();
  const SampleRow how = a.rows[block_x()];
  SampledRow row = {a.logits + std::size_t{how.row} * a.vocabulary, a.vocabulary, 0, 0, 0};
  const Scan scan = scan_row(row, shared);
  std::int32_t token = kNotFinite;
  if (scan.finite) {
    token = static_cast<std::int32_t>(scan.token);
    if (how.temperature != 0.0F) {
      row.best = static_cast<double>(logit_of(scan.best));
      row.worst = static_cast<double>(logit_of(scan.worst));
      row.beta = 1.0 / static_cast<double>(how.temperature);
      token = static_cast<std::int32_t>(draw(row, how, shared));
    }
  }
  if (thread() == 0) a.tokens[block_x()] = token;
}

}  // inline namespace
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_SAMPLE_KERNEL_H_
