// The metadata of a synthetic model: hyper-parameters, and a byte-level BPE vocabulary of the right
// size that can encode any text (byte by byte, but for one merge) and whose other tokens have texts
// that stand for nothing.
#ifndef BENCH_SYNTH_SYNTHETIC_METADATA_H_
#define BENCH_SYNTH_SYNTHETIC_METADATA_H_

#include <string_view>

#include "bench/synth/synthetic_shape.h"
#include "runtime/model/gguf_writer.h"

namespace bench {

void add_synthetic_metadata(const SyntheticShape& shape, std::string_view mix,
                            runtime::GgufWriter& writer);

}  // namespace bench

#endif  // BENCH_SYNTH_SYNTHETIC_METADATA_H_
