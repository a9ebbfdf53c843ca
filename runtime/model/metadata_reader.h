// Reads one architecture's metadata ("llama.block_count", …) with limits, and notices what nobody
// asked for.
//
// A key below the architecture's name says how the model computes. One that no family of ours knows
// would, if it were skipped, give a model that runs and answers wrongly: refuse_unasked() refuses
// it by name.
#ifndef RUNTIME_MODEL_METADATA_READER_H_
#define RUNTIME_MODEL_METADATA_READER_H_

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "hardening/base/result.h"
#include "runtime/model/gguf.h"

namespace runtime {

// What a float may be; both ends included.
struct FloatRange {
  double min;
  double max;
};

// Borrows the file. `key` is always the part after "{architecture}.".
class MetadataReader {
 public:
  MetadataReader(const GgufFile& file, std::string_view architecture)
      : file_(file), prefix_(architecture) {
    prefix_ += '.';
  }

  // An integer from 1 to max.
  base::Result<std::size_t> size(std::string_view key, std::size_t max);
  base::Result<std::size_t> size_or(std::string_view key, std::size_t max, std::size_t absent);
  // A finite number in the range.
  base::Result<double> number(std::string_view key, FloatRange range);
  base::Result<double> number_or(std::string_view key, FloatRange range, double absent);
  base::Result<std::string_view> string_or(std::string_view key, std::string_view absent);
  // The value as it is, or null; counts as asked for.
  const GgufValue* value(std::string_view key);

  // Says that a key is known and means nothing to us.
  void skip(std::string_view key) { (void)value(key); }

  // Fails with kUnsupported when the file has a key of this architecture that was not asked for.
  base::Status refuse_unasked() const;

  // How messages name a key: metadata "llama.block_count".
  std::string named(std::string_view key) const;

 private:
  const GgufFile& file_;
  std::string prefix_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_METADATA_READER_H_
