#include "runtime/tokenizer/pre_tokenizer_table.h"

#include <algorithm>

namespace runtime {
namespace {

using Kind = SplitStep::Kind;

// clang-format off: patterns read best as they are published.

constexpr SplitStep kDefault[] = {
    {Kind::kPattern, R"re([\p{P}\$\+<=>\^~\|]+)re"},
    {Kind::kPattern,
     R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))re"},
    {Kind::kPattern, R"re(\p{N}+)re"},
    {Kind::kPattern, R"re([0-9][0-9][0-9])re"},
};

constexpr SplitStep kGpt2[] = {
    {Kind::kPattern,
     R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))re"},
};

// Every digit is a piece of its own.
constexpr SplitStep kDigits[] = {
    {Kind::kPattern, R"re(\p{N})re"},
    {Kind::kPattern,
     R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))re"},
};

constexpr SplitStep kFalcon[] = {
    {Kind::kPattern, R"re([\p{P}\$\+<=>\^~\|`]+)re"},
    {Kind::kPattern,
     R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))re"},
    {Kind::kPattern, R"re([0-9][0-9][0-9])re"},
};

constexpr SplitStep kLlama3[] = {
    {Kind::kPattern,
     R"re((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|)re"
     R"re(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

// Llama 3's, with every digit a piece of its own.
constexpr SplitStep kQwen2[] = {
    {Kind::kPattern,
     R"re((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|)re"
     R"re(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

// Qwen 2's, with combining marks kept beside their letters.
constexpr SplitStep kQwen35[] = {
    {Kind::kPattern,
     R"re((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?[\p{L})re"
     R"re(\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

constexpr SplitStep kDeepseekLlm[] = {
    {Kind::kPattern, R"re([\r\n])re"},
    {Kind::kPattern,
     R"re(\s?[A-Za-z\x{b5}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{1ba}\x{1bc}-\x{1bf}\x{1c4}-\x{293})re"
     R"re(\x{295}-\x{2af}\x{370}-\x{373}\x{376}\x{377}\x{37b}-\x{37d}\x{37f}\x{386}\x{388})re"
     R"re(-\x{38a}\x{38c}\x{38e}-\x{3a1}\x{3a3}-\x{3f5}\x{3f7}-\x{481}\x{48a}-\x{52f}\x{531})re"
     R"re(-\x{556}\x{10a0}-\x{10c5}\x{13a0}-\x{13f5}\x{13f8}-\x{13fd}\x{1c90}-\x{1cba}\x{1cbd})re"
     R"re(-\x{1cbf}\x{1d00}-\x{1d2b}\x{1d6b}-\x{1d77}\x{1d79}-\x{1d9a}\x{1e00}-\x{1f15}\x{1f18})re"
     R"re(-\x{1f1d}\x{1f20}-\x{1f45}\x{1f48}-\x{1f4d}\x{1f50}-\x{1f57}\x{1f59}\x{1f5b}\x{1f5d})re"
     R"re(\x{1f5f}-\x{1f7d}\x{1f80}-\x{1fb4}\x{1fb6}-\x{1fbc}\x{1fbe}\x{1fc2}-\x{1fc4}\x{1fc6})re"
     R"re(-\x{1fcc}\x{1fd0}-\x{1fd3}\x{1fd6}-\x{1fdb}\x{1fe0}-\x{1fec}\x{1ff2}-\x{1ff4}\x{1ff6})re"
     R"re(-\x{1ffc}\x{2102}\x{2107}\x{210a}-\x{2113}\x{2115}\x{2119}-\x{211d}\x{2124}\x{2126})re"
     R"re(\x{2128}\x{212a}-\x{212d}\x{212f}-\x{2134}\x{2139}\x{213c}-\x{213f}\x{2145}-\x{2149})re"
     R"re(\x{214e}\x{2183}\x{2184}\x{2c00}-\x{2c7b}\x{2c7e}-\x{2ce4}\x{2ceb}-\x{2cee}\x{2cf2})re"
     R"re(\x{2cf3}\x{a640}-\x{a66d}\x{a680}-\x{a69b}\x{a722}-\x{a76f}\x{a771}-\x{a787}\x{a78b})re"
     R"re(-\x{a78e}\x{ab70}-\x{abbf}\x{fb00}-\x{fb06}\x{fb13}-\x{fb17}\x{ff21}-\x{ff3a}\x{ff41})re"
     R"re(-\x{ff5a}\x{10400}-\x{1044f}\x{104b0}-\x{104d3}\x{104d8}-\x{104fb}\x{10c80}-\x{10cb2})re"
     R"re(\x{10cc0}-\x{10cf2}\x{118a0}-\x{118df}\x{1e900}-\x{1e943}]+)re"},
    {Kind::kPattern,
     R"re(\s?[!-/:-~\x{ff01}-\x{ff0f}\x{ff1a}-\x{ff5e}\x{2018}-\x{201f}\x{3000}-\x{3002}]+)re"},
    {Kind::kTrailingSpace},
    {Kind::kPattern, R"re([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)re"},
    {Kind::kPattern, R"re(\p{N}+)re"},
};

constexpr SplitStep kDeepseekCoder[] = {
    {Kind::kPattern, R"re([\r\n])re"},
    {Kind::kPattern, R"re(\s?\p{L}+)re"},
    {Kind::kPattern, R"re(\s?\p{P}+)re"},
    {Kind::kPattern, R"re([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)re"},
    {Kind::kPattern, R"re(\p{N})re"},
};

constexpr SplitStep kDeepseekV3[] = {
    {Kind::kPattern, R"re(\p{N}{1,3})re"},
    {Kind::kPattern, R"re([\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)re"},
    {Kind::kPattern,
     R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)re"
     R"re( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

constexpr SplitStep kSpark[] = {
    {Kind::kPattern, R"re(\p{N}{1,3})re"},
    {Kind::kPattern, R"re([\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)re"},
    {Kind::kPattern,
     R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)re"
     R"re( ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+)re"},
    {Kind::kPattern, R"re(\p{N})re"},
};

constexpr SplitStep kAfmoe[] = {
    {Kind::kPattern, R"re(\p{N}+)re"},
    {Kind::kDigitGroups},
    {Kind::kPattern,
     R"re([\x{4e00}-\x{9fff}\x{3400}-\x{4dbf}\x{f900}-\x{faff}\x{3040}-\x{309f}\x{30a0}-\x{30ff})re"
     R"re(\x{ff65}-\x{ff9f}\x{2f00}-\x{2fdf}\x{e40}-\x{e7f}\x{e80}-\x{eff}\x{1780}-\x{17ff})re"
     R"re(\x{1000}-\x{109f}\x{aa60}-\x{aa7f}\x{a9e0}-\x{a9ff}\x{ac00}-\x{d7af}\x{1100}-\x{11ff}])re"
     R"re(+)re"},
    {Kind::kPattern,
     R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)re"
     R"re( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

constexpr SplitStep kGpt4o[] = {
    {Kind::kPattern,
     R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'[sS]|)re"
     R"re('[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt})re"
     R"re(\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|)re"
     R"re('[lL][lL]|'[dD])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

constexpr SplitStep kTekken[] = {
    {Kind::kPattern,
     R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)re"
     R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|)re"
     R"re( ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

constexpr SplitStep kYoutu[] = {
    {Kind::kPattern,
     R"re([\x{ac00}-\x{d7a3}\x{3131}-\x{318e}]+|[\x{ff01}\x{2026}\x{201c}\x{201d}\x{2018})re"
     R"re(\x{2019}\x{2014}\x{ff1a}\x{ff1b}\x{ff0c}\x{3001}-\x{303f}\x{fe30}-\x{fe4f}]+|[\x{3105})re"
     R"re(-\x{312f}]+|[\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)re"},
    {Kind::kPattern,
     R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'[sS]|)re"
     R"re('[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt})re"
     R"re(\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|)re"
     R"re('[lL][lL]|'[dD])?|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

// Digits are grouped as thousands are, unless a word goes on behind them.
constexpr SplitStep kTinyAya[] = {
    {Kind::kPattern, R"re(\p{Nd}++(?![\p{L}\p{M}\p{N}\p{Pc}]))re"},
    {Kind::kDigitGroups},
    {Kind::kPattern,
     R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'[sS]|)re"
     R"re('[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt})re"
     R"re(\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|)re"
     R"re('[lL][lL]|'[dD])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

// The published classes are intersections ("&&[^\p{Han}]"), here written as complements of unions.
constexpr SplitStep kKimiK2[] = {
    {Kind::kPattern,
     R"re(\p{sc:Han}+|[^\r\n\p{L}\p{N}]?[^\p{sc:Han}\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C}])re"
     R"re(*[^\p{sc:Han}\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}]+(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE])re"
     R"re(|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?[^\p{sc:Han}\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C})re"
     R"re(]+[^\p{sc:Han}\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}]*(?:'[sS]|'[tT]|'[rR][eE]|'[vV])re"
     R"re([eE]|'[mM]|'[lL][lL]|'[dD])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|)re"
     R"re(\s+(?!\S)|\s+)re"},
};

// Llama 3's, with white space in powers of two.
constexpr SplitStep kJais2[] = {
    {Kind::kPattern,
     R"re((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|)re"
     R"re(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128})re"
     R"re((?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s)re"},
};

constexpr SplitStep kBloom[] = {
    {Kind::kPattern, R"re( ?[^(\s|.,!?\x{2026}\x{3002}\x{ff0c}\x{3001}\x{964}\x{6d4}\x{60c})]+)re"},
};

constexpr SplitStep kViking[] = {
    {Kind::kPattern, R"re( ?[^(\s|.,!?\x{2026}\x{3002}\x{ff0c}\x{3001}\x{964}\x{6d4}\x{60c})]+)re"},
    {Kind::kPattern, R"re(\p{N})re"},
};

constexpr SplitStep kChameleon[] = {
    {Kind::kPattern, R"re(<sentinel:[0-9]+>)re"},
    {Kind::kPattern, R"re(IMGIMG[A-I]{1,4}Z)re"},
    {Kind::kPattern, R"re([\t\n]|    |  )re"},
    {Kind::kPattern, R"re(\p{N})re"},
    {Kind::kPattern, R"re([\p{P}!-/:-@\[-`{-~])re"},
    {Kind::kPattern,
     R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))re"},
};

constexpr SplitStep kSuperBpe[] = {
    {Kind::kPattern, R"re(\p{N}+)re"},
    {Kind::kDigitGroups},
};

constexpr SplitStep kBailing[] = {
    {Kind::kPattern,
     R"re('(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L})re"
     R"re(\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)re"},
};

constexpr SplitStep kSeedCoder[] = {
    {Kind::kPattern,
     R"re((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|)re"
     R"re(\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

// Qwen 2's, with Turkish suffixes kept behind their apostrophes.
constexpr SplitStep kUfakzeka[] = {
    {Kind::kPattern,
     R"re([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

constexpr SplitStep kLaguna[] = {
    {Kind::kPattern, R"re([^\n]+|[\n]+)re"},
    {Kind::kPattern,
     R"re((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|)re"
     R"re(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

// Possessive where the published pattern is not: nothing behind could take a character back.
constexpr SplitStep kExaoneMoe[] = {
    {Kind::kPattern,
     R"re((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?(?:\p{L})re"
     R"re(\p{M}*+(?: \p{L}\p{M}*+)*+)++|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)re"},
};

// Gemma 4's merges have no newline, so they never join two of these.
constexpr SplitStep kLines[] = {
    {Kind::kPattern, R"re([^\n]+|[\n]+)re"},
};

constexpr SplitStep kMiniCpm5[] = {
    {Kind::kPattern, R"re(\p{N}{1,3})re"},
    {Kind::kPattern,
     R"re((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|)re"
     R"re(\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
};

constexpr PreTokenizerSpec kPreTokenizers[] = {
    {.name = "default", .steps = kDefault},
    {.name = "gpt-2", .steps = kGpt2},
    {.name = "phi-2", .steps = kGpt2},
    {.name = "jina-es", .steps = kGpt2},
    {.name = "jina-de", .steps = kGpt2},
    {.name = "jina-v1-en", .steps = kGpt2},
    {.name = "jina-v2-es", .steps = kGpt2},
    {.name = "jina-v2-de", .steps = kGpt2},
    {.name = "jina-v2-code", .steps = kGpt2},
    {.name = "roberta-bpe", .steps = kGpt2},
    {.name = "gigachat", .steps = kGpt2},
    {.name = "a.x-4.0", .steps = kGpt2},
    {.name = "mellum", .steps = kGpt2},
    {.name = "modern-bert", .steps = kGpt2},
    {.name = "mpt", .steps = kGpt2},
    {.name = "olmo", .steps = kGpt2},
    {.name = "jais", .steps = kGpt2},
    {.name = "trillion", .steps = kGpt2},
    {.name = "granite-docling", .steps = kGpt2},
    {.name = "exaone4", .steps = kGpt2},
    {.name = "starcoder", .steps = kDigits},
    {.name = "refact", .steps = kDigits},
    {.name = "command-r", .steps = kDigits},
    {.name = "smollm", .steps = kDigits},
    {.name = "codeshell", .steps = kDigits},
    {.name = "exaone", .steps = kDigits},
    {.name = "minerva-7b", .steps = kDigits},
    {.name = "mellum2", .steps = kDigits},
    {.name = "falcon", .steps = kFalcon},
    {.name = "llama3", .steps = kLlama3, .ignores_merges = true, .adds_bos = true},
    {.name = "llama-v3", .steps = kLlama3, .ignores_merges = true, .adds_bos = true},
    {.name = "llama-bpe", .steps = kLlama3, .ignores_merges = true, .adds_bos = true},
    {.name = "falcon3", .steps = kLlama3, .ignores_merges = true, .adds_bos = true},
    {.name = "falcon-h1", .steps = kLlama3, .ignores_merges = true, .adds_bos = true},
    {.name = "pixtral", .steps = kLlama3, .ignores_merges = true, .adds_bos = true},
    {.name = "midm-2.0", .steps = kLlama3, .ignores_merges = true, .adds_bos = true},
    {.name = "lfm2", .steps = kLlama3, .ignores_merges = true, .adds_bos = true},
    {.name = "jina-v5-nano", .steps = kLlama3, .ignores_merges = true, .adds_bos = true},
    {.name = "dbrx", .steps = kLlama3},
    {.name = "smaug-bpe", .steps = kLlama3},
    {.name = "glm4", .steps = kLlama3},
    {.name = "glm5", .steps = kLlama3},
    {.name = "chatglm-bpe", .steps = kLlama3},
    {.name = "qwen2", .steps = kQwen2},
    {.name = "deepseek-r1-qwen", .steps = kQwen2},
    {.name = "kormo", .steps = kQwen2},
    {.name = "f2llmv2", .steps = kQwen2},
    {.name = "megrez", .steps = kQwen2},
    {.name = "stablelm2", .steps = kQwen2},
    {.name = "hunyuan", .steps = kQwen2},
    {.name = "solar-open", .steps = kQwen2},
    {.name = "grok-2", .steps = kQwen2},
    {.name = "qwen35", .steps = kQwen35},
    {.name = "deepseek-llm", .steps = kDeepseekLlm},
    {.name = "deepseek-coder", .steps = kDeepseekCoder},
    {.name = "deepseek-v3", .steps = kDeepseekV3},
    {.name = "hunyuan-dense", .steps = kDeepseekV3},
    {.name = "joyai-llm", .steps = kDeepseekV3},
    {.name = "hy_v4", .steps = kDeepseekV3},
    {.name = "spark2_5", .steps = kSpark},
    {.name = "afmoe", .steps = kAfmoe},
    {.name = "gpt-4o", .steps = kGpt4o},
    {.name = "llama4", .steps = kGpt4o},
    {.name = "kanana2", .steps = kGpt4o},
    {.name = "talkie", .steps = kGpt4o},
    {.name = "minimax-m2", .steps = kGpt4o},
    {.name = "granite-embed-multi-97m", .steps = kGpt4o, .ignores_merges = true},
    {.name = "tekken", .steps = kTekken, .ignores_merges = true, .adds_bos = true},
    {.name = "youtu", .steps = kYoutu, .ignores_merges = true},
    {.name = "tiny_aya", .steps = kTinyAya},
    {.name = "cohere2moe", .steps = kTinyAya},
    {.name = "kimi-k2", .steps = kKimiK2},
    {.name = "jais-2", .steps = kJais2},
    {.name = "bloom", .steps = kBloom},
    {.name = "gpt3-finnish", .steps = kBloom},
    {.name = "poro-chat", .steps = kBloom},
    {.name = "viking", .steps = kViking},
    {.name = "chameleon", .steps = kChameleon, .adds_bos = true},
    {.name = "superbpe", .steps = kSuperBpe},
    {.name = "bailingmoe", .steps = kBailing},
    {.name = "bailingmoe2", .steps = kBailing},
    {.name = "llada-moe", .steps = kBailing},
    {.name = "seed-coder", .steps = kSeedCoder},
    {.name = "ufakzeka", .steps = kUfakzeka},
    {.name = "laguna", .steps = kLaguna},
    {.name = "exaone-moe", .steps = kExaoneMoe},
    {.name = "minicpm5", .steps = kMiniCpm5, .ignores_merges = true},
    {.name = "gemma4", .steps = kLines, .adds_bos = true, .on_characters = true},
    {.name = "granite-embed-multi-311m", .steps = kLines, .on_characters = true},
    {.name = "sarvam-moe", .steps = kLines, .on_characters = true},
};
// clang-format on

}  // namespace

const PreTokenizerSpec* find_pre_tokenizer(std::string_view name) {
  if (name.empty()) name = "default";
  const auto* row =
      std::find_if(std::begin(kPreTokenizers), std::end(kPreTokenizers),
                   [name](const PreTokenizerSpec& spec) { return spec.name == name; });
  return row == std::end(kPreTokenizers) ? nullptr : row;
}

std::span<const PreTokenizerSpec> pre_tokenizers() {
  return kPreTokenizers;
}

}  // namespace runtime
