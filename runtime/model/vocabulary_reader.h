// From a model file's metadata to what the tokenizer, the chat template and the model list need.
#ifndef RUNTIME_MODEL_VOCABULARY_READER_H_
#define RUNTIME_MODEL_VOCABULARY_READER_H_

#include <cstdint>
#include <string>

#include "hardening/base/result.h"
#include "runtime/model/gguf.h"
#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

// The "tokenizer.ggml.*" keys. Checks types, counts and that token ids are in the vocabulary; what
// the texts mean is for Tokenizer::create to judge. kInvalidInput or kExhausted (limits.h) names
// the key.
base::Result<Vocabulary> read_vocabulary(const GgufFile& file);

// The "tokenizer.chat_template" of the file, empty when it has none. Named templates beside it
// ("tokenizer.chat_template.rag") are for other uses and not read.
base::Result<std::string> read_chat_template(const GgufFile& file);

// What may be shown of a model. Texts are UTF-8 of at most limits::kNameBytesMax bytes without
// control characters; a text that is not such is left empty, for nothing depends on it.
struct ModelDescription {
  std::string architecture;  // general.architecture
  std::string name;          // general.name
  std::string size_label;    // general.size_label: "0.5B"
  std::string license;       // general.license
  std::string weights;       // the format that holds most of the bytes: "Q4_K"
  std::uint64_t parameters = 0;
  std::uint64_t weights_bytes = 0;  // in the file
};
ModelDescription describe_model(const GgufFile& file);

}  // namespace runtime

#endif  // RUNTIME_MODEL_VOCABULARY_READER_H_
