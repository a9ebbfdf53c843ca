#!/usr/bin/env python3
"""Makes the vectors of this folder: small vocabularies, and what independent implementations make of texts.

Needs the packages tokenizers 0.23 (byte-level BPE, WordPiece) and sentencepiece 0.2 (BPE, unigram).
Usage: make_vectors.py, in this folder.

A vector is an object: "vocabulary" holds what a GGUF file's tokenizer.ggml.* fields would, "cases" pairs of a
text and its ids, without beginning- and end-of-sequence tokens. "from" names the implementation.
"""
import base64
import io
import json
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

CORPUS = """The old keep stands above the river, and its walls are thick. Nobody has taken it in three hundred years.
When the bridge is drawn up, what is inside stays inside; what is outside stays outside. We're told it's quiet.
They'll count the stores twice: 144 barrels, 12 carts, 3 wells. I've seen the lists, I'm sure you'd agree.
    for i in range(100):
        if wall[i] != stone: raise ValueError("breach at %d" % i)

Die Mauern sind dick und die Wächter müde. Über dem Tor steht: «Wer hier eintritt, bleibt.» Größe: 12,5 m.
Le château a été bâti en 1337, à côté du fleuve. L'eau y est fraîche, même en été.
Старая крепость стоит над рекой, и стены её толсты. Никто не взял её за триста лет.
城は川の上に立ち、壁は厚い。三百年のあいだ、誰も落とせなかった。
这座古老的城堡矗立在河上,城墙很厚。三百年来没有人攻下过它。
الحصن القديم يقف فوق النهر وجدرانه سميكة. नदी के ऊपर पुराना किला खड़ा है।
""" * 3

TEXTS = [
    "", " ", "  ", "   ", "\n", "\n\n", "\n\n\n", "\t", " \n \t\n  x", "a", " a", "a ", "  a  b   c    ",
    "The old keep stands above the river.", "the walls are thick", " The Old KEEP", "It's we'll I'M You'd THEY'VE don't",
    "1 12 123 1234 12345 123456 1234567", "12,5 m; 3.14159; 1e-5; 0x1F", "!!! ... ??? --- === «»", "foo_bar(baz[0]) != {qux};",
    "    for i in range(3):\n        print(i)\n", "\r\n\r\nline\r\n", "CamelCase and snake_case and iPhone",
    "Über müde Größe", "château à côté été", "u\u0308ber e\u0301te\u0301", "крепость над рекой", "КРЕПОСТЬ Её",
    "壁は厚い。三百年", "城墙很厚", "किला खड़ा है", "الحصن القديم", "한국어 가나다 글", "ʰello ǅ ﬁne ½ Ⅻ ² ①",
    "👩‍👩‍👧 🏳️‍🌈 🇩🇪 🚀", "a\u00a0b\u3000c\u2003d\u2028e\u0085f\u200bg\u180eh", "zero\u200dwidth\u200cjoiners\ufeff",
    "x" * 40, "ab" * 30, "the" * 12, " " * 33 + "end", "\n" * 17, "'" * 9, "é" * 9, "\u0301" * 5,
    "▁already▁marked", "<unk> <s> </s> <0x41>", "[UNK] [CLS] ##ing", "ſtrange K Å İı",
]

BERT_TEXTS = [text for text in TEXTS if text != "x" * 40] + ["x" * 100, "x" * 101, "tea\u0000cup\u0007s", "na\u00efve caf\u00e9 \u01c4"]

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + CONTRACTIONS + "?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + CONTRACTIONS + "?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK3 = [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
             r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"""
             r""" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""]
COMMAND_R = [r"\p{N}", GPT2]


def write(name, source, vocabulary, encode, texts):
    cases = [[text, encode(text)] for text in texts]
    with open(name + ".json", "w", encoding="utf-8") as out:
        out.write('{"from": %s,\n "vocabulary": {\n' % json.dumps(source))
        out.write(",\n".join(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
                             for key, value in vocabulary.items()))
        out.write('},\n "cases": [\n')
        out.write(",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases))
        out.write("]}\n")


def byte_bpe(name, pre, patterns, ignore_merges=False):
    tokenizer = Tokenizer(models.BPE())
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        splits + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.train_from_iterator([CORPUS], trainers.BpeTrainer(
        vocab_size=420, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    state = json.loads(tokenizer.to_str())
    merges = [" ".join(merge) for merge in state["model"]["merges"]]
    if ignore_merges:
        # Without its last merges a token can be had whole alone.
        merges = [merge for merge in merges if merge.replace(" ", "") not in ("Ġthe", "Ġwa")]
        state["model"]["ignore_merges"] = True
        state["model"]["merges"] = [merge.split(" ") for merge in merges]
        tokenizer = Tokenizer.from_str(json.dumps(state))
    tokens = [token for token, _ in sorted(state["model"]["vocab"].items(), key=lambda item: item[1])]
    vocabulary = {"model": "gpt2", "pre": pre, "tokens": tokens, "merges": merges}
    write(name, "tokenizers", vocabulary, lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
          [text for text in TEXTS if "ſ" not in text])  # folding ſ to s is a matter of the regex engine


def sentence_piece(name, model, kind, **options):
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS.split("\n")), model_writer=trained, model_type=kind, minloglevel=2, **options)
    processor = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(trained.getvalue())
    vocabulary = {
        "model": model,
        "tokens": [piece.piece for piece in proto.pieces],
        "scores": [piece.score for piece in proto.pieces],
        "types": [piece.type for piece in proto.pieces],
        "unknown": 0, "bos": 1, "eos": 2,
        "add_space_prefix": proto.normalizer_spec.add_dummy_prefix,
        "remove_extra_whitespaces": proto.normalizer_spec.remove_extra_whitespaces,
    }
    if proto.normalizer_spec.precompiled_charsmap:
        vocabulary["precompiled_charsmap_base64"] = base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()
    write(name, "sentencepiece", vocabulary, processor.encode, TEXTS)


def word_piece(name, **options):
    normalizer = normalizers.BertNormalizer(**options)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator([CORPUS], trainers.WordPieceTrainer(
        vocab_size=500, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"]))
    state = json.loads(tokenizer.to_str())
    tokens = [token for token, _ in sorted(state["model"]["vocab"].items(), key=lambda item: item[1])]
    special = range(4)
    vocabulary = {
        "model": "bert", "types": [3 if i in special else 1 for i in range(len(tokens))], "unknown": 1,
        "tokens": [t if i in special else t[2:] if t.startswith("##") and len(t) > 2 else "▁" + t
                   for i, t in enumerate(tokens)],
        **{key: value for key, value in options.items() if key in ("lowercase", "strip_accents")},
    }
    # The library drops its special tokens out of a text first; a vocabulary of text alone does not.
    write(name, "tokenizers", vocabulary, lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
          [text for text in BERT_TEXTS if "[UNK]" not in text])


def main():
    byte_bpe("bpe-gpt-2", "gpt-2", [GPT2])
    byte_bpe("bpe-llama-bpe", "llama-bpe", [LLAMA3], ignore_merges=True)
    byte_bpe("bpe-gpt-4o", "gpt-4o", [GPT4O])
    byte_bpe("bpe-deepseek-v3", "deepseek-v3", DEEPSEEK3)
    byte_bpe("bpe-command-r", "command-r", COMMAND_R)
    plain = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
    sentence_piece("spm-byte-fallback", "llama", "bpe", vocab_size=700, byte_fallback=True, **plain)
    sentence_piece("spm-unknown", "llama", "bpe", vocab_size=420, character_coverage=0.98, **plain)
    sentence_piece("unigram", "t5", "unigram", vocab_size=330, hard_vocab_limit=False, normalization_rule_name="identity")
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:  # code points in hexadecimal
        for source, target in (("ﬁ", "fi"), ("½", "1/2"), ("\u00a0", " "), ("\u3000", " "), ("u\u0308", "ü"),
                               ("\t", " "), ("\u212b", "\u00c5"), ("\ufeff", ""), ("…", "...")):
            rules.write(" ".join("%X" % ord(c) for c in source) + "\t" + " ".join("%X" % ord(c) for c in target) + "\n")
        rules.flush()
        sentence_piece("unigram-rules", "t5", "unigram", vocab_size=330, hard_vocab_limit=False,
                       normalization_rule_tsv=rules.name)
    word_piece("word-piece-uncased")
    word_piece("word-piece-cased", lowercase=False, strip_accents=False)


if __name__ == "__main__":
    main()
