// The descriptions of all block formats. A switch over them is made by the list:
//   #define CASE(name, id, elements, bytes) case Format::k##name: return use<formats::name>();
//   KERNELS_BLOCK_FORMATS(CASE)
#ifndef KERNELS_FORMATS_ALL_H_
#define KERNELS_FORMATS_ALL_H_

#include "kernels/formats/iq4_nl.h"
#include "kernels/formats/iq4_xs.h"
#include "kernels/formats/mxfp4.h"
#include "kernels/formats/q2_k.h"
#include "kernels/formats/q3_k.h"
#include "kernels/formats/q4_0.h"
#include "kernels/formats/q4_1.h"
#include "kernels/formats/q4_k.h"
#include "kernels/formats/q5_0.h"
#include "kernels/formats/q5_1.h"
#include "kernels/formats/q5_k.h"
#include "kernels/formats/q6_k.h"
#include "kernels/formats/q8_0.h"
#include "kernels/formats/tq1_0.h"
#include "kernels/formats/tq2_0.h"

#endif  // KERNELS_FORMATS_ALL_H_
