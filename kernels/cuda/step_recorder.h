// Steps of decode, recorded once for a bucket of row counts and replayed from then on.
//
// A recording holds launches: grids made for the bucket's largest count, pointers, and no number of
// rows, which kernels read from StepInputs. The caller's pointers are the same in every step by its
// own word (kernels/ops.h, begin_step); what of them a step names is compared, and when it is
// another, all recordings are dropped.
#ifndef KERNELS_CUDA_STEP_RECORDER_H_
#define KERNELS_CUDA_STEP_RECORDER_H_

#include <array>
#include <cstdint>
#include <memory>

#include "kernels/cuda/device.h"

namespace kernels::cuda {

class StepRecorder {
 public:
  // Rows of a recorded step are rounded up to one of these.
  static constexpr std::array<std::uint32_t, 13> kBuckets = {1,  2,  4,  8,   16,  24, 32,
                                                             48, 64, 96, 128, 192, 256};

  // The device is borrowed. Without `enabled` every step just runs.
  StepRecorder(Device& device, std::size_t rows_max, bool enabled)
      : device_(device), rows_max_(rows_max), enabled_(enabled) {}

  // Whether begin() would replay the step.
  bool knows(const Step& step) const;

  // After the step's inputs were uploaded. Replays the step where it is known; else, where it can
  // be recorded, begins to.
  Status begin(const Step& step, bool* replayed);
  // Keeps and runs what was recorded. Nothing to do after a step that was replayed, or not
  // recorded.
  Status end();

  // Throws away what is being recorded, where a step ended without end().
  Status abandon();

  // Between begin and end: launches are recorded.
  bool recording() const { return recording_; }
  // The rows that grids are made for, while recording.
  std::uint32_t bucket_rows() const { return kBuckets[bucket_]; }

 private:
  // The smallest bucket that holds the rows of a step that can be recorded; none: kBuckets.size().
  std::size_t bucket_of(const Step& step) const;
  bool has_places_of(const Rows& rows) const;

  Device& device_;
  std::size_t rows_max_;
  bool enabled_;
  bool recording_ = false;
  std::size_t bucket_ = 0;
  Rows places_;  // of the recordings
  std::array<std::unique_ptr<Recording>, kBuckets.size()> recordings_;
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_STEP_RECORDER_H_
