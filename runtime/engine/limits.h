// What a generation request may ask of the engine. Every number is checked when the request is
// submitted.
#ifndef RUNTIME_ENGINE_LIMITS_H_
#define RUNTIME_ENGINE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace runtime::limits {

inline constexpr std::uint32_t kChoicesMax = 128;
inline constexpr std::uint32_t kTopLogprobsMax = 20;

// The automaton of a request's stop strings has one node per byte.
inline constexpr std::size_t kStopStringsMax = 32;
inline constexpr std::size_t kStopBytesMax = 16'384;  // of all stop strings together
inline constexpr std::size_t kStopTokensMax = 1024;
inline constexpr std::size_t kLogitBiasMax = 4096;

inline constexpr float kTemperatureMax = 100.0F;
inline constexpr float kLogitBiasAbsMax = 100.0F;
// Wide enough for every use, narrow enough that a penalty cannot leave the range of float32.
inline constexpr float kRepetitionPenaltyMin = 0.01F;
inline constexpr float kRepetitionPenaltyMax = 100.0F;
inline constexpr float kAdditivePenaltyAbsMax = 100.0F;  // presence and frequency

// Probabilities are integers of 42 bits (token_weight.h), whose sum over a vocabulary has 64.
inline constexpr std::size_t kSampledVocabularyMax = std::size_t{1} << 21;

// Tenants whose share of the engine is remembered; of those with nothing to do the least served is
// forgotten.
inline constexpr std::size_t kTenantsMax = 4096;

inline constexpr std::size_t kSequencesMax = 4096;
inline constexpr std::size_t kQueueMax = 65'536;

// Rows sampled at one time. Each has scratch of 30 bytes per token of the vocabulary.
inline constexpr std::size_t kSamplersMax = 16;

}  // namespace runtime::limits

#endif  // RUNTIME_ENGINE_LIMITS_H_
