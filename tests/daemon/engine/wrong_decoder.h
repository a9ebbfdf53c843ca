// A device that computes wrongly: the logits of every row stand one place further on.
#ifndef TESTS_DAEMON_ENGINE_WRONG_DECODER_H_
#define TESTS_DAEMON_ENGINE_WRONG_DECODER_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "runtime/model/decoder.h"

namespace daemon_engine {

class WrongDecoder final : public runtime::Decoder {
 public:
  explicit WrongDecoder(runtime::Decoder& decoder) : decoder_(decoder) {}

  const runtime::DecoderShape& shape() const override { return decoder_.shape(); }
  base::Status copy_block(std::int32_t from, std::int32_t to) override {
    return decoder_.copy_block(from, to);
  }
  base::Result<runtime::LogitRows> forward(
      std::span<const runtime::SequenceSlice> slices) override {
    auto rows = TRY(decoder_.forward(slices));
    logits_.assign(rows.logits.begin(), rows.logits.end());
    const auto vocabulary = static_cast<std::ptrdiff_t>(shape().vocabulary);
    for (auto row = logits_.begin(); row != logits_.end(); row += vocabulary)
      std::rotate(row, row + 1, row + vocabulary);
    rows.logits = logits_;
    return rows;
  }

 private:
  runtime::Decoder& decoder_;
  std::vector<float> logits_;
};

}  // namespace daemon_engine

#endif  // TESTS_DAEMON_ENGINE_WRONG_DECODER_H_
