// redoubt-bench tokenize: what a vocabulary makes of texts.
#ifndef BENCH_TOKENIZE_TOKENIZE_H_
#define BENCH_TOKENIZE_TOKENIZE_H_

namespace bench {

// tokenize VOCABULARY [--pre NAME] [--special] [--roundtrip FILE]
//
// VOCABULARY is a GGUF file, or a directory with vocab.json and merges.txt (whose pre-tokenizer is
// llama-bpe unless
// --pre names another). Reads texts from standard input, each ended by "\n__ggml_vocab_test__\n",
// and writes the ids of each as one line; --special recognises control tokens in them. With
// --roundtrip FILE it tells instead whether the file's text comes back from its tokens, and how
// fast.
//
// Returns 0; 1 when the round trip is not exact; 2 for wrong usage; 3 when the vocabulary or a text
// was refused, saying why on standard error.
int run_tokenize(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_TOKENIZE_TOKENIZE_H_
