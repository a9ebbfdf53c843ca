// Tokens that the decoder draws where it computed their logits (Decoder::draws), so that no logits
// cross to the host.
//
// Which way a token is drawn follows from its request alone, and both ways come to the same token.
#ifndef RUNTIME_ENGINE_ROW_DRAW_H_
#define RUNTIME_ENGINE_ROW_DRAW_H_

#include "kernels/ops.h"
#include "runtime/engine/request.h"
#include "runtime/engine/sequence.h"

namespace runtime {

// Whether each token follows from its row of logits and the parameters of kernels::SampleRow, and
// nobody wants to see a row: no history, no bias, no barred tokens, no log-probabilities.
bool draws_from_rows_alone(const GenerationRequest& spec);

// How the next token of a sequence is drawn. Requires draws_from_rows_alone of its request.
kernels::SampleRow row_draw(const Sequence& sequence);

}  // namespace runtime

#endif  // RUNTIME_ENGINE_ROW_DRAW_H_
