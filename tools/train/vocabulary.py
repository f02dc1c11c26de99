# SPDX-License-Identifier: GPL-3.0-or-later
"""Byte-pair vocabulary in CLIP's format, learnt from captions: 256 bytes, 256 bytes at a word's end, merges, two specials."""
import collections
import json
import random
import sys
from pathlib import Path

import captions
import data

N_MERGES = 486


def byte_alphabet():
    """CLIP's and GPT-2's order: printable bytes as themselves, the others from U+0100 on."""
    bs = [*range(33, 127), *range(161, 173), *range(174, 256)]
    cs = bs[:]
    for b in range(256):
        if b not in bs:
            bs.append(b)
            cs.append(256 + len(cs) - 188)
    return [chr(c) for c in cs]


def corpus():
    rng = random.Random(1)
    count = collections.Counter()
    photos, _ = data.photographs()
    for p in photos:
        for _ in range(200):
            top = rng.random() * 0.6
            colour = rng.choice("red orange golden green blue purple pink grey white dark".split())
            text = captions.caption(p, top, top + 0.4, colour, rng)
            count.update(text.replace(",", " ,").split())
    for w in captions.MORE_WORDS:
        count[w] += 30
    return count


def learn(count, n_merges):
    """Greedy by frequency, dampened so that rare words become one token too."""
    words = {(*w[:-1], w[-1] + "</w>"): n ** 0.5 for w, n in count.items()}
    merges = []
    for _ in range(n_merges):
        pairs = collections.Counter()
        for w, n in words.items():
            for pair in zip(w, w[1:]):
                pairs[pair] += n
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        new = {}
        for w, n in words.items():
            out, i = [], 0
            while i < len(w):
                if w[i:i + 2] == best:
                    out.append(w[i] + w[i + 1])
                    i += 2
                else:
                    out.append(w[i])
                    i += 1
            new[tuple(out)] = new.get(tuple(out), 0) + n
        words = new
    left = [w for w in words if len(w) > 1]
    print(len(merges), "merges;", len(left), "words of", len(words), "are more than one token", file=sys.stderr)
    return merges


def write(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    alphabet = byte_alphabet()
    merges = learn(corpus(), N_MERGES)
    tokens = alphabet + [c + "</w>" for c in alphabet] + ["".join(m) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "add_prefix_space": False, "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "do_lower_case": True, "errors": "replace",
        "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}, indent=2) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps({
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>"}, indent=2) + "\n")
    return len(tokens)


if __name__ == "__main__":
    print(write(sys.argv[1]), "tokens")
