#!/usr/bin/env python3
"""Makes tests/golden/tokenizer/ with the Hugging Face `tokenizers` library.

    tools/golden/tokenizer.py tests/golden/tokenizer

  training.json    corpora, the options, and the merges and tokens that BpeTrainer learned from them
  trained.json     a tokenizer.json as that library saves it (merges as pairs), trained on the last corpus
  old_style.json   the same with merges spelled "a b", as older versions saved them
  encodings.json   texts, some random, and their token ids under trained.json

The texts are made here, so the files can be made again. Nothing that a test runs needs Python.
"""
import json
import os
import random
import sys

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402

SPECIALS = ["<|endoftext|>", "<|pad|>"]

SENTENCES = """It was the tensor that broke the compiler's heart, and the compiler didn't know it.
We've seen 1024 gradients vanish; they'll be back by 10:45, she'd said, or I'm wrong.
    indented    with   runs of    spaces\tand\ttabs\n\n\nand blank lines  \n  at the end   
naïve façade, Ærøskøbing, straße, Ελληνικά γράμματα, русский текст, 中文分词器, 日本語の文章, 한국어 텍스트
emoji 🙂🙃👩‍👩‍👧 ½ ² Ⅷ ٣ १२३ — “quotes” … l’apostrophe 'quoted' "double" O'Brien's rock'n'roll 'S 'T 'LL
def f(x): return x**2 + 3*x - 1  # polynomial; if (a != b) { b = a; } //-----------====== the end
the thing that thinks then thanks the other things; there, their, they, them, these, those, this
""" * 3

# Small corpora where ties and overlaps decide: equal counts, runs of one letter, two ways to the same token.
TIES = [
    (["ab cd ab cd ef"], 270, 0),
    (["aaa aaaa aaaaa aaaaaa aaaaaaa"], 264, 0),
    (["abab abab baba ababab bababa"], 268, 0),
    (["low low low low low lower lower newest newest newest newest newest newest widest widest widest"], 280, 2),
    (["zyx xyz zyx yzx"], 300, 1),
    ([], 300, 0),
    (["the the", " the", "the\n"], 262, 3),
    (["xabc xabc abc yabc bc abx ab a bcab abcabc"], 290, 0),
]


def new_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train(chunks, vocabulary, min_frequency, specials):
    tokenizer = new_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, min_frequency=min_frequency, special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(chunks, trainer)
    return tokenizer


def training_case(chunks, vocabulary, min_frequency, specials):
    saved = json.loads(train(chunks, vocabulary, min_frequency, specials).to_str())["model"]
    tokens = sorted(saved["vocab"], key=saved["vocab"].get)
    return {"chunks": chunks, "vocabulary_size": vocabulary, "min_frequency": min_frequency, "special_tokens": specials,
            "tokens": tokens[len(specials) + 256:], "size": len(tokens), "merges": saved["merges"]}


def random_corpus(rng):
    """Few letters and short words: counts tie all the time."""
    return [" ".join("".join(rng.choice("abc") for _ in range(rng.randint(1, 7))) for _ in range(60))]


def random_text(rng):
    pools = ["abcdefghij", "ABC", "0123456789", " \t\n\r\u00a0\u2003\u3000\x0b\x0c\x85", "'!?.,-#", "éßñøΩяжש",
             "中文日本語한", "🙂👩‍👧", "½²Ⅷ٣", "\x00\x01\x7f\u200b\ufffd\u0301", "strems'lvd "]
    return "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(0, 80)))


def encoding_texts(rng):
    fixed = ["", " ", "  ", "a", "'", "'s", "it's", "IT'S we'll they've I'd you're don't I'm", " 's", "a  b", "a \n b  ",
             "\n\n\n", "x" * 200, "-" * 300, "the " * 50, "<|endoftext|>", "a<|endoftext|>b", "<|endoftext|><|pad|> x",
             "<|endoftext|", "<|pad|><|pad|>the thing<|endoftext|>  \n", "a <|endoftext|> b", SENTENCES]
    return fixed + [random_text(rng) for _ in range(150)]


def dump(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


def main():
    folder, rng = sys.argv[1], random.Random(20)
    corpus = SENTENCES.splitlines(keepends=True)
    cases = [training_case(chunks, size, least, []) for chunks, size, least in TIES]
    cases += [training_case(random_corpus(rng), 256 + rng.randint(0, 120), rng.randint(0, 3), []) for _ in range(12)]
    cases.append(training_case(corpus, 600, 2, SPECIALS))
    dump(f"{folder}/training.json", cases)

    tokenizer = train(corpus, 600, 2, SPECIALS)
    saved = json.loads(tokenizer.to_str())
    dump(f"{folder}/trained.json", saved)
    saved["model"]["merges"] = [" ".join(merge) for merge in saved["model"]["merges"]]
    dump(f"{folder}/old_style.json", saved)
    assert Tokenizer.from_file(f"{folder}/old_style.json").encode(SENTENCES).ids == tokenizer.encode(SENTENCES).ids
    dump(f"{folder}/encodings.json", [{"text": t, "ids": tokenizer.encode(t).ids} for t in encoding_texts(rng)])


if __name__ == "__main__":
    main()
