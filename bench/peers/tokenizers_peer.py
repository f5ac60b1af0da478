#!/usr/bin/env python3
"""The Hugging Face `tokenizers` library as a peer, one thread; seconds are CPU time.

setup {"text", "vocabulary", "tokenizer"}: documents of the text are separated by empty lines; the tokenizer.json is ours, so
that both sides do the same work. run {"what": "train" | "encode"} -> seconds, tokens and a checksum of them. Encoding is
timed with encode_batch and with encode_batch_fast (which keeps no offsets); the quicker one counts.
"""
import json
import os
import time

from line_protocol import serve

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

state = {}


def split_documents(text):
    parts = text.split("\n\n")
    documents = [part + "\n\n" for part in parts[:-1]] + [parts[-1]]
    return [document for document in documents if document]


def timed(action):
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def train():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=state["vocabulary"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    documents = state["documents"]
    tokenizer.train_from_iterator(documents, trainer, length=len(documents))
    return tokenizer


def checksum(encodings):
    total = 0
    for encoding in encodings:
        for token in encoding.ids:
            total = (total * 31 + token) & 0xFFFFFFFF
    return total


def encode():
    from tokenizers import Tokenizer

    quickest, reply = None, {}
    for method in ("encode_batch", "encode_batch_fast"):
        tokenizer = Tokenizer.from_file(state["tokenizer"])  # anew: without the words that it remembers
        seconds, encodings = timed(lambda: getattr(tokenizer, method)(state["documents"]))
        if quickest is None or seconds < quickest:
            quickest = seconds
        reply = {"tokens": sum(len(e.ids) for e in encodings), "checksum": checksum(encodings)}
    return {"seconds": quickest, **reply}


def merges_of(tokenizer):
    return json.loads(tokenizer.to_str())["model"]["merges"]


def setup(request):
    import tokenizers

    with open(request["text"], encoding="utf-8", newline="") as file:
        text = file.read()
    state.update(request, documents=split_documents(text))
    return {"peer": "tokenizers", "version": tokenizers.__version__}


def run(request):
    if request["what"] == "encode":
        return encode()
    from tokenizers import Tokenizer

    seconds, trained = timed(train)
    return {"seconds": seconds, "same_merges": merges_of(trained) == merges_of(Tokenizer.from_file(state["tokenizer"]))}


serve(setup, run)
