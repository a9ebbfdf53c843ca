// What of a model file is wanted before its weights are loaded: enough to make a tokenizer, a chat
// template and a backend, and to say what the model is.
//
//   ModelFile model = TRY(read_model_file(file));
//   auto ops = kernels::make_cpu_ops({.limits = backend_limits(model.spec, rows_max,
//   context_tokens), …}); auto decoder = TRY(Transformer::load(std::move(file), *ops, options));
//   auto tokenizer = TRY(Tokenizer::create(std::move(model.vocabulary)));
#ifndef RUNTIME_MODEL_MODEL_FILE_H_
#define RUNTIME_MODEL_MODEL_FILE_H_

#include <cstddef>
#include <span>
#include <string>

#include "hardening/base/result.h"
#include "runtime/model/gguf.h"
#include "runtime/model/model_spec.h"
#include "runtime/model/vocabulary_reader.h"

namespace runtime {

// Owns all it says; nothing points into the file.
struct ModelFile {
  ModelSpec spec;
  ModelDescription description;
  Vocabulary vocabulary;
  std::string chat_template;  // empty when the file has none
};

// Reads all but the weights, and checks that the tensors are there in the right shapes. Takes
// bytes, verified or not: what it gives computes nothing, so the importer may ask before it
// decides. Errors as of GgufFile::parse.
base::Result<ModelFile> read_model_file(std::span<const std::byte> bytes);
// The same of a file that was parsed, or its head alone.
base::Result<ModelFile> read_model_file(const GgufFile& file);

}  // namespace runtime

#endif  // RUNTIME_MODEL_MODEL_FILE_H_
