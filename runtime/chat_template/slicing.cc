// value[start:stop:step] with Python's rules: parts count from the end when negative and are cut to
// fit.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

// The indices start, start + step, … of which there are `count`, all within the value.
struct Picks {
  std::int64_t start;
  std::int64_t step;
  std::int64_t count;
};

base::Result<Picks> picks_of(std::size_t length_size, const SliceBounds& bounds) {
  const auto length = static_cast<std::int64_t>(length_size);
  // A longer step picks no more than this one, and start + step must not overflow.
  constexpr std::int64_t kStepMax = std::int64_t{1} << 62;
  const std::int64_t step = std::clamp(bounds.step.value_or(1), -kStepMax, kStepMax);
  if (step == 0) return base::invalid_input("the step of a slice cannot be zero");
  const std::int64_t low = step > 0 ? 0 : -1;
  const std::int64_t high = step > 0 ? length : length - 1;
  const auto place = [&](std::int64_t at) {
    return std::clamp(at < 0 ? at + length : at, low, high);
  };
  const std::int64_t start = bounds.start ? place(*bounds.start) : step > 0 ? low : high;
  const std::int64_t stop = bounds.stop ? place(*bounds.stop) : step > 0 ? high : low;
  const std::int64_t distance = step > 0 ? stop - start : start - stop;
  const std::int64_t stride = step > 0 ? step : -step;
  return Picks{start, step, distance <= 0 ? 0 : (distance - 1) / stride + 1};
}

base::Result<Value> slice_text(Budget& budget, const Text& text, const SliceBounds& bounds) {
  TRY(budget.touch(text.size()));
  const std::string_view bytes = text.bytes();
  const Picks picks = TRY(picks_of(count_characters(bytes), bounds));
  TextBuilder out(budget);
  if (picks.count == 0) return out.finish();
  std::size_t at = byte_offset(bytes, static_cast<std::size_t>(picks.start));
  if (picks.step == 1) {
    const std::size_t end =
        at + byte_offset(bytes.substr(at), static_cast<std::size_t>(picks.count));
    TRY(out.append(text, at, end));
    return out.finish();
  }
  for (std::int64_t taken = 1;; ++taken) {
    const std::size_t character = base::decode_utf8(bytes.substr(at)).bytes;
    Text piece;
    piece.append(text, at, at + character);
    TRY(out.append(piece));
    if (taken == picks.count) return out.finish();
    for (std::int64_t i = 0; i < picks.step; ++i) at += base::decode_utf8(bytes.substr(at)).bytes;
    for (std::int64_t i = 0; i > picks.step; --i) at = previous_character(bytes, at);
  }
}

// All sums stay between two numbers of the range, so none overflows.
base::Result<Value> slice_range(Budget& budget, const Sequence& range, const Picks& picks) {
  if (picks.count == 0) return make_range(budget, 0, 0, 1);
  const auto item = [&](std::int64_t i) {
    return range.items[static_cast<std::size_t>(i)].integral();
  };
  const std::int64_t first = item(picks.start);
  if (picks.count == 1)
    return make_range(budget, first, first + (range.step > 0 ? 1 : -1), range.step);
  const std::int64_t last = item(picks.start + (picks.count - 1) * picks.step);
  const std::int64_t step = item(picks.start + picks.step) - first;
  return make_range(budget, first, last + (step > 0 ? 1 : -1), step);
}

base::Result<Value> slice_sequence(Budget& budget, const Sequence& sequence,
                                   const SliceBounds& bounds) {
  const Picks picks = TRY(picks_of(sequence.items.size(), bounds));
  if (sequence.flavor == Sequence::Flavor::kRange) return slice_range(budget, sequence, picks);
  ListBuilder list(budget, sequence.flavor);
  for (std::int64_t i = 0; i < picks.count; ++i) {
    TRY(list.add(sequence.items[static_cast<std::size_t>(picks.start + i * picks.step)]));
  }
  return list.finish_value();
}

}  // namespace

base::Result<Value> slice_of(Budget& budget, const Value& value, const SliceBounds& bounds) {
  if (const Undefined* undefined = value.as_undefined()) return undefined_error(*undefined);
  if (const Text* text = value.text()) return slice_text(budget, *text, bounds);
  if (const Sequence* sequence = value.sequence()) {
    return slice_sequence(budget, *sequence, bounds);
  }
  return base::invalid_input(fmt::format("{} cannot be sliced", value.type_name()));
}

}  // namespace runtime::chat_template
