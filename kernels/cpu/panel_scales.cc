#include "kernels/cpu/panel_scales.h"

#include <cstring>

#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

using formats::ScaleKind;

constexpr std::size_t kHalves = 2 * kLanes;  // bytes of one binary16 per row

// What stands in front of the bytes of the groups, and then per group.
struct ScaleShape {
  std::size_t halves;       // d, and dmin or m
  std::size_t groups;       // 0: no more than d
  std::size_t group_bytes;  // per row
};

ScaleShape shape_of(ScaleKind kind) {
  switch (kind) {
    case ScaleKind::kF16:
    case ScaleKind::kSuper:
      return {1, 0, 0};
    case ScaleKind::kF16Min:
      return {2, 0, 0};
    case ScaleKind::kE8M0:
      return {0, 1, 1};
    case ScaleKind::kSuperMin32:
      return {2, 8, 2};
    case ScaleKind::kSuper16:
      return {1, 16, 1};
    case ScaleKind::kSuperMin16:
      return {2, 16, 1};
    case ScaleKind::kSuper32:
      return {1, 8, 1};
  }
  return {};
}

void write_u16(std::uint8_t* at, std::uint16_t value) {
  std::memcpy(at, &value, sizeof value);
}

std::uint16_t read_u16(const std::uint8_t* at) {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

std::size_t scale_bytes(ScaleKind kind) {
  const ScaleShape shape = shape_of(kind);
  return shape.halves * kHalves + shape.groups * shape.group_bytes * kLanes;
}

void write_scales(ScaleKind kind, const BlockCodes& codes, std::size_t lane, std::uint8_t* scales) {
  if (kind == ScaleKind::kE8M0) {
    scales[lane] = static_cast<std::uint8_t>(codes.d);
    return;
  }
  const ScaleShape shape = shape_of(kind);
  write_u16(scales + 2 * lane, codes.d);
  if (shape.halves == 2) write_u16(scales + kHalves + 2 * lane, codes.dmin);
  std::uint8_t* at = scales + shape.halves * kHalves + lane;
  for (std::size_t g = 0; g < shape.groups; ++g, at += shape.group_bytes * kLanes) {
    const auto scale = static_cast<std::uint8_t>(codes.scale[g]);
    *at = kind == ScaleKind::kSuperMin16 ? static_cast<std::uint8_t>(scale | codes.min[g] << 4)
                                         : scale;
    if (kind == ScaleKind::kSuperMin32) at[kLanes] = codes.min[g];
  }
}

void read_scales(ScaleKind kind, const std::uint8_t* scales, std::size_t lane, BlockCodes* out) {
  if (kind == ScaleKind::kE8M0) {
    out->d = scales[lane];
    return;
  }
  const ScaleShape shape = shape_of(kind);
  out->d = read_u16(scales + 2 * lane);
  if (shape.halves == 2) out->dmin = read_u16(scales + kHalves + 2 * lane);
  const std::uint8_t* at = scales + shape.halves * kHalves + lane;
  for (std::size_t g = 0; g < shape.groups; ++g, at += shape.group_bytes * kLanes) {
    const bool nibbles = kind == ScaleKind::kSuperMin16;
    out->scale[g] = static_cast<std::int8_t>(nibbles ? *at & 15U : *at);
    if (nibbles) out->min[g] = static_cast<std::uint8_t>(*at >> 4U);
    if (kind == ScaleKind::kSuperMin32) out->min[g] = at[kLanes];
  }
}

}  // namespace kernels::cpu
