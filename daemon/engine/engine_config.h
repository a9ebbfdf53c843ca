// What the engine is told when it starts. Travels as JSON in a sealed memfd from the supervisor.
#ifndef DAEMON_ENGINE_ENGINE_CONFIG_H_
#define DAEMON_ENGINE_ENGINE_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_engine {

inline constexpr std::size_t kGpusMax = 16;          // that may be named
inline constexpr std::size_t kGpusExcludedMax = 64;  // more than one machine has

struct EngineConfig {
  std::string model_id;      // what clients call it
  std::int64_t created = 0;  // when it was imported, unix seconds
  std::string model_file;  // the GGUF file inside the model directory, a relative path; empty: the
                           // only *.gguf
  // What descriptor 5 is: "directory" is a bare model as it was signed, "bare" and "release" are
  // the store's objects.
  std::string source = "directory";
  std::string model_digest;    // what the model is called by its bytes; another one is refused,
                               // though it may be signed as well. Empty: whatever is there
  std::string release_text;    // "release": the text of release.dsse
  std::string signature_text;  // "bare": the text of model.sig
  // The envelope of the trust root in force, which was accepted before. "release" wants it; "bare"
  // goes by its `model` where it is given, else by the keys below.
  std::string trust_root_text;
  std::vector<std::string>
      trusted_keys_pem;  // "directory" and "bare": public keys, one of which must have signed it
  bool qualify = false;  // the release's whole qualification comes before `ready`
  std::string known_answers;  // what this model answered at former starts, by kernel set
                              // (known_answers.h); empty: nothing yet
  // "auto": GPUs where they can compute the model, else the CPU (backend_choice.h). "cpu", "cuda",
  // "reference".
  std::string backend = "auto";
  std::vector<std::string> gpus;  // which may be used: UUIDs, or numbers as CUDA counts; empty: all
  std::vector<std::string>
      gpus_excluded;                      // UUIDs of GPUs that are out of use, whatever `gpus` says
  bool gpu_care = false;                  // somebody takes GPUs that fail an engine out of use
  std::uint32_t gpu_memory_percent = 90;  // of a GPU's memory, to be taken
  std::string gpu_weights = "as_is";      // "as_is", or "fp8": float weights are rounded to e4m3
  // How several GPUs compute one model: "layers" one after the other, "tensor" each layer together,
  // "auto" (backend.h).
  std::string gpu_split = "auto";
  std::uint32_t step_deadline_ms =
      5'000;                  // a forward pass on a GPU that takes longer hangs; 0: none
  std::uint32_t threads = 0;  // 0: as many as the process may run on
  std::uint32_t context_tokens =
      0;  // per sequence; 0: what the model was trained for, at most 8,192
  std::uint32_t sequences_max = 16;
  std::uint64_t kv_cache_bytes = 0;  // 0: enough for four whole contexts
  std::uint64_t memory_bytes_max =
      0;  // weights + KV + scratch on the CPU; 0: three quarters of the machine's memory
  std::string kv_format = "f16";  // "f16", "q8_0" or "f32"
  std::uint32_t step_tokens_max = 256;
  std::uint32_t queue_max = 256;
  bool prefix_cache = true;
  // Whether weights are kept where the next engine can take them over: "auto" where they are as
  // fast there as elsewhere (the system gives large pages), "always", "never".
  std::string keep_weights = "auto";

  base::Json serialize() const;
  static base::Result<EngineConfig> parse(const base::Json& json);  // unknown members are refused

 private:
  base::Status check_source() const;
  base::Status check_gpus() const;
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_ENGINE_CONFIG_H_
