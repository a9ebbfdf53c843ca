// Small model files for tests: a tiny llama whose metadata and tensors can be changed one at a
// time.
#ifndef TESTS_RUNTIME_MODEL_TEST_MODEL_H_
#define TESTS_RUNTIME_MODEL_TEST_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "kernels/format.h"
#include "runtime/model/gguf_writer.h"

namespace runtime {

struct TestTensor {
  std::size_t rows = 0;  // 0 for a vector
  std::size_t cols = 0;
  kernels::Format format = kernels::Format::kF32;
};

struct TestModel {
  using Value = std::variant<std::uint32_t, float, bool, std::string, std::vector<std::string>>;
  std::map<std::string, Value> metadata;
  std::map<std::string, TestTensor> tensors;

  // All zeros where the tensors' data are.
  std::vector<std::byte> bytes() const {
    GgufWriter writer;
    for (const auto& [key, value] : metadata) {
      if (const auto* number = std::get_if<std::uint32_t>(&value)) writer.add_uint32(key, *number);
      if (const auto* number = std::get_if<float>(&value)) writer.add_float32(key, *number);
      if (const auto* flag = std::get_if<bool>(&value)) writer.add_bool(key, *flag);
      if (const auto* text = std::get_if<std::string>(&value)) writer.add_string(key, *text);
      if (const auto* texts = std::get_if<std::vector<std::string>>(&value))
        writer.add_strings(key, *texts);
    }
    std::size_t data = 0;
    for (const auto& [name, tensor] : tensors) {
      writer.add_tensor(name, tensor.format, tensor.rows, tensor.cols);
      const std::size_t size =
          *kernels::row_bytes(tensor.format, tensor.cols) * (tensor.rows == 0 ? 1 : tensor.rows);
      data += size + GgufWriter::padding_after(size);
    }
    std::vector<std::byte> file = writer.header();
    file.resize(file.size() + data);
    return file;
  }
};

// Two layers of 32, four heads of 8 with two for keys and values, 48 in the MLP, 10 tokens, tied
// output.
inline TestModel test_model(const std::string& architecture) {
  TestModel model;
  const auto set = [&](const std::string& key, TestModel::Value value) {
    model.metadata[architecture + "." + key] = std::move(value);
  };
  model.metadata["general.architecture"] = architecture;
  set("block_count", 2u);
  set("embedding_length", 32u);
  set("feed_forward_length", 48u);
  set("context_length", 4096u);
  set("attention.head_count", 4u);
  set("attention.head_count_kv", 2u);
  set("attention.layer_norm_rms_epsilon", 1e-5f);
  model.tensors["token_embd.weight"] = {10, 32};
  model.tensors["output_norm.weight"] = {0, 32};
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    model.tensors[layer + "attn_norm.weight"] = {0, 32};
    model.tensors[layer + "attn_q.weight"] = {32, 32};
    model.tensors[layer + "attn_k.weight"] = {16, 32};
    model.tensors[layer + "attn_v.weight"] = {16, 32};
    model.tensors[layer + "attn_output.weight"] = {32, 32};
    model.tensors[layer + "ffn_norm.weight"] = {0, 32};
    model.tensors[layer + "ffn_gate.weight"] = {48, 32};
    model.tensors[layer + "ffn_up.weight"] = {48, 32};
    model.tensors[layer + "ffn_down.weight"] = {32, 48};
  }
  return model;
}

}  // namespace runtime

#endif  // TESTS_RUNTIME_MODEL_TEST_MODEL_H_
