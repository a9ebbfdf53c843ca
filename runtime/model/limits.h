// What a model file may ask of us. Every number is checked before anything is allocated for it.
//
// The sizes are several times those of the largest models in use (Llama 3.1 405B: 126 layers, 1,138
// tensors, rows of 53,248; Qwen3: 151,936 tokens), so that a limit that is hit means a damaged or
// hostile file. Raising one costs memory while loading, in proportion, and nothing later.
#ifndef RUNTIME_MODEL_LIMITS_H_
#define RUNTIME_MODEL_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace runtime::limits {

// ---- the GGUF container

// Of a file whose head alone was kept; elsewhere the bytes are there to be counted.
inline constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 44;
inline constexpr std::uint64_t kMetadataEntriesMax = 4096;
inline constexpr std::uint64_t kTensorsMax = 65'536;
inline constexpr std::size_t kKeyBytesMax = 256;
inline constexpr std::size_t kTensorNameBytesMax = 64;  // ggml's own limit
inline constexpr std::size_t kStringBytesMax = std::size_t{16}
                                               << 20;  // some files carry a whole tokenizer.json
inline constexpr std::uint64_t kArrayElementsMax = std::uint64_t{4} << 20;
inline constexpr std::uint32_t kTensorDimensionsMax = 4;
inline constexpr std::uint64_t kDimensionMax = std::uint64_t{1} << 31;
inline constexpr std::uint32_t kAlignmentMin = 8;
inline constexpr std::uint32_t kAlignmentMax = 65'536;
inline constexpr std::uint32_t kAlignmentDefault = 32;

// ---- the model

inline constexpr std::size_t kLayersMax = 1024;
inline constexpr std::size_t kDimMax = std::size_t{1} << 17;    // width of the residual stream
inline constexpr std::size_t kFfDimMax = std::size_t{1} << 19;  // width of the MLP
inline constexpr std::size_t kHeadsMax = 1024;
inline constexpr std::size_t kHeadDimMax = 1024;
inline constexpr std::size_t kContextTokensMax = std::size_t{1} << 24;

// ---- the vocabulary

inline constexpr std::size_t kVocabularyMax = std::size_t{1} << 20;
inline constexpr std::size_t kMergesMax = std::size_t{2} << 20;
inline constexpr std::size_t kTokenBytesMax = 16 << 10;
inline constexpr std::size_t kCharsmapBytesMax = 4 << 20;  // SentencePiece's normalisation rules
inline constexpr std::size_t kNameBytesMax = 256;  // general.name and its like: shown to clients

static_assert(kVocabularyMax <= kArrayElementsMax && kMergesMax <= kArrayElementsMax);
static_assert(kCharsmapBytesMax <= kArrayElementsMax);
static_assert(kFfDimMax < kDimensionMax && kVocabularyMax < kDimensionMax);
// heads * head_dim fits a tensor dimension.
static_assert(kHeadsMax * kHeadDimMax < kDimensionMax);

}  // namespace runtime::limits

#endif  // RUNTIME_MODEL_LIMITS_H_
