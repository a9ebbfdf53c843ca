// What many measurements are reduced to.
#ifndef BENCH_STATISTICS_H_
#define BENCH_STATISTICS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace bench {

// The value that `share` (0 to 1) of the values do not exceed: the nearest rank, so always one of
// them. 0 when there are none.
inline double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  const std::size_t index =
      rank < 1 ? 0 : std::min(static_cast<std::size_t>(rank), values.size()) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                   values.end());
  return values[index];
}

// The middle value; the mean of the two middle ones when their number is even.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace bench

#endif  // BENCH_STATISTICS_H_
