#include "kernels/cuda/shared_buffers.h"

#include <utility>

#include "kernels/check.h"

namespace kernels::cuda {

void SharedBuffers::add(const std::vector<std::unique_ptr<Buffer>>& parts) {
  KERNELS_CHECK(parts.size() == devices_);
  Places places;
  places.bytes = parts[0]->bytes();
  for (const auto& part : parts) places.begin.push_back(as_address(part->data()));
  const std::uintptr_t first = places.begin[0];
  buffers_[first] = std::move(places);
}

void SharedBuffers::remove(const Buffer& first) {
  buffers_.erase(as_address(first.data()));
}

std::uintptr_t SharedBuffers::translate(std::size_t device, std::uintptr_t pointer,
                                        std::size_t parts) const {
  if (pointer == 0) return 0;
  auto after = buffers_.upper_bound(pointer);
  KERNELS_CHECK(after != buffers_.begin());
  const auto& [begin, places] = *--after;
  const std::size_t offset = pointer - begin;
  KERNELS_CHECK(offset < places.bytes && offset % parts == 0);
  return places.begin[device] + offset / parts;
}

}  // namespace kernels::cuda
