"""Byte-level BPE: training, encoding, decoding.

Text is split by the Llama 3 pre-tokenizer expression (`tokenizer.ggml.pre` = "llama-bpe"); within each
piece the UTF-8 bytes are merged in the order in which the merges were learnt. Tokens are written in
the printable alphabet of GPT-2, which maps every byte to one visible character, because that is how
GGUF stores them.

Ids: the control tokens come first, then the 256 bytes in order, then one token per merge.
"""

import collections

import regex

# How a reader of "llama-bpe" files must split text; any other expression would give other tokens.
PRE_TOKENIZER = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

BEGIN, END, SYSTEM, USER, ASSISTANT = range(5)
CONTROL = ["<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def byte_alphabet():
    """Character for each byte: itself where it is visible, else the next free one from U+0100 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [b for b in range(256) if b not in visible]
    return {**{b: chr(b) for b in visible}, **{b: chr(0x100 + i) for i, b in enumerate(hidden)}}


ALPHABET = byte_alphabet()
BYTES = {c: b for b, c in ALPHABET.items()}


def to_alphabet(piece):
    return [ALPHABET[b] for b in piece.encode("utf-8")]


def merge_pair(symbols, pair):
    """Joins each occurrence of `pair` in `symbols`, from left to right."""
    merged, i = [], 0
    while i < len(symbols):
        if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == pair:
            merged.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return merged


def learn_merges(texts, merges_count):
    """Learns merges from `texts`, most frequent pair first; ties go to the smaller pair."""
    pieces = collections.Counter(p for text in texts for p in PRE_TOKENIZER.findall(text))
    words = [(to_alphabet(piece), count) for piece, count in sorted(pieces.items())]
    pair_counts = collections.Counter()
    words_with = collections.defaultdict(set)
    for index, (symbols, count) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pair_counts[pair] += count
            words_with[pair].add(index)

    merges = []
    while len(merges) < merges_count:
        pair, count = min(pair_counts.items(), key=lambda item: (-item[1], item[0]))
        if count < 2:
            raise ValueError(f"only {len(merges)} merges can be learnt from this text")
        merges.append(pair)
        for index in sorted(words_with[pair]):
            symbols, count = words[index]
            for old in zip(symbols, symbols[1:]):
                pair_counts[old] -= count
                if pair_counts[old] <= 0:
                    del pair_counts[old]
            symbols = merge_pair(symbols, pair)
            words[index] = (symbols, count)
            for new in zip(symbols, symbols[1:]):
                pair_counts[new] += count
                words_with[new].add(index)
        del words_with[pair]
    return merges


class Tokenizer:
    def __init__(self, merges):
        self.merges = merges
        self.tokens = [*CONTROL, *(ALPHABET[b] for b in range(256)), *(a + b for a, b in merges)]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.rank = {pair: i for i, pair in enumerate(merges)}
        self.cache = {}
        if len(self.ids) != len(self.tokens):
            raise ValueError("two merges give the same token")
        # Readers of "llama-bpe" files take a piece that is a token as that token without merging.
        # Where merging gives the same, both kinds of reader agree.
        for token in self.tokens[len(CONTROL):]:
            if self.merge(list(token)) != [token]:
                raise ValueError(f"token {token!r} cannot be reached by merging")

    def merge(self, symbols):
        while len(symbols) > 1:
            pair = min(zip(symbols, symbols[1:]), key=lambda p: self.rank.get(p, len(self.rank)))
            if pair not in self.rank:
                break
            symbols = merge_pair(symbols, pair)
        return symbols

    def encode(self, text):
        """Ids of plain text. Control tokens are never produced, whatever the text says."""
        ids = []
        for piece in PRE_TOKENIZER.findall(text):
            if piece not in self.cache:
                self.cache[piece] = [self.ids[s] for s in self.merge(to_alphabet(piece))]
            ids += self.cache[piece]
        return ids

    def decode(self, ids):
        data = bytes(BYTES[c] for i in ids if i >= len(CONTROL) for c in self.tokens[i])
        return data.decode("utf-8", errors="replace")
