#!/usr/bin/env python3
"""Times the Hugging Face `tokenizers` library on what bench_tokenizer times, one thread; prints one JSON object.

    bench/tokenizer_peer.py TEXT VOCABULARY TOKENIZER_JSON [TRIALS]
    bench/tokenizer_peer.py TEXT VOCABULARY TOKENIZER_JSON TRIALS --against build/.../bench_tokenizer

TOKENIZER_JSON is the file that bench_tokenizer wrote: encoding is timed with it, so both sides do the same work, and
`checksum` shows that both got the same tokens. Timed are training, and encoding of the documents with encode_batch and
with encode_batch_fast (which keeps no offsets); the quicker of the two counts. With --against both programs run in turns,
one trial each, and a row is printed for training and for encoding: medians and their ratio (above 1: Strata is faster).

Seconds are those of CPU time: with one thread they are what the work costs, whoever else is on the machine.
"""
import json
import os
import statistics
import subprocess
import sys
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers  # noqa: E402  (reads the variables above)
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402


def split_documents(text):
    parts = text.split("\n\n")
    documents = [part + "\n\n" for part in parts[:-1]] + [parts[-1]]
    return [document for document in documents if document]


def timed(action):
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def train(documents, vocabulary):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(documents, trainer, length=len(documents))
    return tokenizer


def checksum(encodings):
    total = 0
    for encoding in encodings:
        for token in encoding.ids:
            total = (total * 31 + token) & 0xFFFFFFFF
    return total


def merges_of(tokenizer):
    return json.loads(tokenizer.to_str())["model"]["merges"]


def measure(text_path, vocabulary, tokenizer_path, trials):
    with open(text_path, encoding="utf-8", newline="") as file:
        text = file.read()
    documents = split_documents(text)
    result = {"peer": "tokenizers", "peer_version": tokenizers.__version__, "bytes": len(text.encode()),
              "documents": len(documents), "train_s": [], "encode_documents_s": [], "encode_fast_s": []}
    for _ in range(trials):
        seconds, trained = timed(lambda: train(documents, vocabulary))
        result["train_s"].append(seconds)
        tokenizer = Tokenizer.from_file(tokenizer_path)
        seconds, encodings = timed(lambda: tokenizer.encode_batch(documents))
        result["encode_documents_s"].append(seconds)
        result["tokens"], result["checksum"] = sum(len(e.ids) for e in encodings), checksum(encodings)
        del encodings
        tokenizer = Tokenizer.from_file(tokenizer_path)
        seconds, encodings = timed(lambda: tokenizer.encode_batch_fast(documents))
        result["encode_fast_s"].append(seconds)
        del encodings
    result["same_merges"] = merges_of(trained) == merges_of(Tokenizer.from_file(tokenizer_path))
    return result


def cpu_name():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")


def row(workload, bar, ours, theirs):
    return {"suite": "tokenizer", "workload": workload, "peer": "tokenizers", "peer_version": tokenizers.__version__,
            "cpu": cpu_name(), "ours": ours, "theirs": theirs, "unit": "s", "ratio": theirs / ours, "bar": bar,
            "limit_fraction": None, "threads": 1}


def against(binary, text_path, vocabulary, tokenizer_path, trials):
    ours, theirs = [], []
    for _ in range(trials):
        run = subprocess.run([binary, text_path, str(vocabulary), tokenizer_path], check=True, capture_output=True)
        ours.append(json.loads(run.stdout))
        theirs.append(measure(text_path, vocabulary, tokenizer_path, 1))

    def median(runs, key):
        return statistics.median(run[key][0] for run in runs)

    megabytes = round(ours[0]["bytes"] / 1e6)
    their_encode = min(median(theirs, "encode_documents_s"), median(theirs, "encode_fast_s"))
    rows = [row(f"train, {megabytes} MB, vocabulary {vocabulary}", 2, median(ours, "train_s"), median(theirs, "train_s")),
            row(f"encode, {megabytes} MB", 4, median(ours, "encode_documents_s"), their_encode)]
    same = all(run["checksum"] == ours[0]["checksum"] for run in ours + theirs)
    return {"same_tokens": same, "same_merges": theirs[-1]["same_merges"], "rows": rows}


def main():
    arguments = [a for a in sys.argv[1:] if a != "--against"]
    if "--against" in sys.argv:
        text_path, vocabulary, tokenizer_path, trials, binary = arguments
        result = against(binary, text_path, int(vocabulary), tokenizer_path, int(trials))
    else:
        trials = int(arguments[3]) if len(arguments) > 3 else 1
        result = measure(arguments[0], int(arguments[1]), arguments[2], trials)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
