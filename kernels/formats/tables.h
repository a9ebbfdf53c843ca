// The numbers that 4-bit codes stand for where they are not a plain count.
#ifndef KERNELS_FORMATS_TABLES_H_
#define KERNELS_FORMATS_TABLES_H_

#include <cstdint>

namespace kernels::formats {

// IQ4_NL and IQ4_XS: closer together around zero, where weights are (ggml-common.h, kvalues_iq4nl).
alignas(16) inline constexpr std::int8_t kIq4Table[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                          1,    13,   25,  38,  53,  69,  89,  113};

// MXFP4: E2M1 of the OCP Microscaling Formats specification 1.0, section 5.3.3, times two; the
// fourth bit is the sign.
alignas(16) inline constexpr std::int8_t kE2M1Table[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                                           0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_TABLES_H_
