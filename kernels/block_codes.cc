#include "kernels/block_codes.h"

#include "kernels/check.h"
#include "kernels/formats/all.h"

namespace kernels {

void read_block(Format format, const std::uint8_t* block, BlockCodes* out) {
  switch (format) {
#define KERNELS_READ(name, id, elements, bytes) \
  case Format::k##name:                         \
    return formats::name::read(block, out);
    KERNELS_BLOCK_FORMATS(KERNELS_READ)
#undef KERNELS_READ
    default:
      check_failed(__FILE__, __LINE__, "a format without blocks");
  }
}

}  // namespace kernels
