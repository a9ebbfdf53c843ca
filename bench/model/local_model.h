// A model file of one's own, loaded for measuring: the bench vouches for it, since it asks nobody
// else to believe the answers.
#ifndef BENCH_MODEL_LOCAL_MODEL_H_
#define BENCH_MODEL_LOCAL_MODEL_H_

#include <cstddef>
#include <memory>
#include <string>

#include "bench/model/model_work.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"
#include "kernels/ops.h"
#include "runtime/model/model_file.h"
#include "runtime/model/transformer.h"

namespace bench {

struct LocalModelOptions {
  std::string backend = "cpu";  // "cpu", "cpu-avx2", "cpu-avx512vnni", "cpu-amx", "cpu-plain", "reference"
  std::size_t threads = 2;
  std::size_t context_tokens = 1024;
  std::size_t sequences = 1;  // whole contexts in the KV cache, where kv_tokens is 0
  std::size_t kv_tokens = 0;  // positions in the KV cache
  std::size_t rows_max = 512;
  bool sealed = true;  // weights where the next process could have them, as a service keeps them
};

struct LocalModel {
  std::unique_ptr<kernels::Ops> ops;  // outlives the decoder
  std::unique_ptr<runtime::Transformer> decoder;
  ModelWork work;
  double load_seconds = 0;
  base::Fd weights;  // sealed memory, for another process; empty where they are private
  base::VerifiedFile::Sha256Digest file_sha256{};

  static base::Result<LocalModel> load(const std::string& path, const LocalModelOptions& options);
};

}  // namespace bench

#endif  // BENCH_MODEL_LOCAL_MODEL_H_
