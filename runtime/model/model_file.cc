#include "runtime/model/model_file.h"

#include "runtime/model/gguf.h"

namespace runtime {

base::Result<ModelFile> read_model_file(std::span<const std::byte> bytes) {
  return read_model_file(TRY(GgufFile::parse(bytes)));
}

base::Result<ModelFile> read_model_file(const GgufFile& file) {
  ModelFile model;
  model.spec = TRY(read_model_spec(file));
  TRY(check_tensors(file, expected_tensors(model.spec)));
  model.description = describe_model(file);
  model.vocabulary = TRY(read_vocabulary(file));
  model.chat_template = TRY(read_chat_template(file));
  return model;
}

}  // namespace runtime
