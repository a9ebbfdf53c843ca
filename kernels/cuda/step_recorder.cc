#include "kernels/cuda/step_recorder.h"

#include <algorithm>

namespace kernels::cuda {

std::size_t StepRecorder::bucket_of(const Step& step) const {
  const std::size_t rows = step.rows.n;
  const bool alike = step.decode && step.logit_count == rows;
  const auto* const bucket = std::find_if(kBuckets.begin(), kBuckets.end(),
                                          [rows](std::uint32_t most) { return rows <= most; });
  if (!enabled_ || !alike || bucket == kBuckets.end()) return kBuckets.size();
  // A grid of more rows than memory was planned for would write past it.
  return *bucket > rows_max_ ? kBuckets.size()
                             : static_cast<std::size_t>(bucket - kBuckets.begin());
}

bool StepRecorder::has_places_of(const Rows& rows) const {
  return rows.positions == places_.positions && rows.sequences == places_.sequences &&
         rows.block_tables == places_.block_tables &&
         rows.block_table_stride == places_.block_table_stride;
}

bool StepRecorder::knows(const Step& step) const {
  const std::size_t bucket = bucket_of(step);
  return bucket < kBuckets.size() && recordings_[bucket] != nullptr && has_places_of(step.rows);
}

Status StepRecorder::begin(const Step& step, bool* replayed) {
  *replayed = knows(step);
  const std::size_t bucket = bucket_of(step);
  if (*replayed) return device_.replay(*recordings_[bucket]);
  if (bucket == kBuckets.size()) return Status::kOk;
  if (!has_places_of(step.rows)) {
    for (auto& recording : recordings_) recording.reset();
    places_ = step.rows;
  }
  const Status status = device_.begin_recording();
  if (status == Status::kUnsupported) {
    enabled_ = false;
    return Status::kOk;
  }
  recording_ = status == Status::kOk;
  bucket_ = bucket;
  return status;
}

Status StepRecorder::abandon() {
  if (!recording_) return Status::kOk;
  recording_ = false;
  std::unique_ptr<Recording> dropped;
  return device_.end_recording(&dropped);
}

Status StepRecorder::end() {
  if (!recording_) return Status::kOk;
  recording_ = false;
  const Status status = device_.end_recording(&recordings_[bucket_]);
  if (status != Status::kOk) return status;
  return device_.replay(*recordings_[bucket_]);
}

}  // namespace kernels::cuda
