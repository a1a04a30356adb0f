"""A small WordPiece tokenizer that generalises: digits lose their value, capitals become a mark.

Every digit reads `0`, so that a rate is known by its shape; `Purchases` and `PURCHASES` both read
`↑purchases`, so that a heading and a sentence share their tokens. Boxes and confidence do the rest.
The same texts give the same tokenizer. No text can contain a special token: they are plain entries.
"""

import json
import string
from collections import Counter
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from recto.inference import CLS, PAD, SEP, UNK

CAPITAL = "↑"
SPECIAL = [PAD, UNK, CLS, SEP]
ALPHABET = [*string.ascii_lowercase, *string.punctuation, *"0“”‘’–—•©®§", CAPITAL]
LONGEST_WORD = 200
"""Characters; a longer word is unknown."""


def train_tokenizer(texts: Iterable[str], vocabulary_size: int) -> Tokenizer:
    """A tokenizer of at most so many tokens for these texts."""
    draft = _with_rules(models.WordPiece(unk_token=UNK))
    # The trainer numbers the letters inside words as its hash table lies, and breaks ties between
    # merges by number: naming these letters first makes the result repeatable.
    inner = [f"##{letter}" for letter in sorted(ALPHABET)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[*SPECIAL, *inner],
        initial_alphabet=ALPHABET,
        limit_alphabet=len(ALPHABET),
        show_progress=False,
    )
    draft.train_from_iterator(texts, trainer)
    vocabulary = _numbered_by_name(draft.get_vocab())
    return _with_rules(models.WordPiece(vocabulary, unk_token=UNK, max_input_chars_per_word=LONGEST_WORD))


def _with_rules(model: models.WordPiece) -> Tokenizer:
    """A tokenizer with the model, and how text is written before it is cut."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Replace(Regex(r"\d"), "0"),
            *(normalizers.Replace(c, CAPITAL + c.lower()) for c in string.ascii_uppercase),
            normalizers.Replace(Regex(f"(?<={CAPITAL}[a-z]){CAPITAL}"), ""),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(CAPITAL, "isolated"), pre_tokenizers.BertPreTokenizer()]
    )
    return tokenizer


def _numbered_by_name(vocabulary: dict[str, int]) -> dict[str, int]:
    """The same tokens, the special ones first, the others by name."""
    others = sorted(vocabulary.keys() - set(SPECIAL))
    return {token: number for number, token in enumerate([*SPECIAL, *others])}


OFTEN, SHORTEST = 8, 3
"""Only words seen so often and so long gather their misreadings."""
KNOWN = 2
"""What was seen so often is a word of its own and no misreading."""
CLEARER = 2
"""A misreading of two words is given to the one that is so many times as frequent, else to neither."""
LETTERS = string.ascii_lowercase + "0"
STROKES = "0il"
"""What an OCR adds inside words that are whole otherwise, besides a letter twice."""


def with_misreadings(tokenizer: Tokenizer, texts: Iterable[str]) -> str:
    """The tokenizer's file, in which near misses of these texts' frequent words share the word's number.

    A spelling correction that costs nothing at prediction: `purch0ses` and `purchaes` are read as
    `purchases`. Only words that are one token gain by it, and only misreadings by one letter.
    """
    counts = _counted(tokenizer, texts)
    vocabulary = tokenizer.get_vocab()
    words = [w for w in vocabulary if counts[w] >= OFTEN and len(w) >= SHORTEST and w.isalpha()]
    known = {piece for piece, count in counts.items() if count >= KNOWN}
    begun = {piece[:end] for piece in known - vocabulary.keys() for end in range(1, len(piece))}
    claims: dict[str, list[str]] = {}
    for word in sorted(words):
        for miss in near_misses(word) - vocabulary.keys() - known - begun:
            claims.setdefault(miss, []).append(word)
    owners = {miss: _clearest(claiming, counts) for miss, claiming in sorted(claims.items())}
    file = json.loads(tokenizer.to_str())
    file["model"]["vocab"] |= {miss: vocabulary[word] for miss, word in owners.items() if word}
    return json.dumps(file, ensure_ascii=False, separators=(",", ":"))


def near_misses(word: str) -> set[str]:
    """The word with one letter lost or replaced, or a stroke or its own letter added."""
    misses = {word[:i] + word[i + 1 :] for i in range(len(word))}
    misses |= {word[:i] + letter + word[i + 1 :] for i in range(len(word)) for letter in LETTERS}
    misses |= {word[:i] + more + word[i:] for i in range(1, len(word)) for more in STROKES + word[i - 1]}
    return misses - {word}


def _counted(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[str]:
    """How often each piece of text stands there that the tokenizer cuts into tokens."""
    words = Counter(texts)
    counts: Counter[str] = Counter()
    for text, count in words.items():
        written = tokenizer.normalizer.normalize_str(text)
        for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(written):
            counts[piece] += count
    return counts


def _clearest(words: list[str], counts: Counter[str]) -> str | None:
    first, *others = sorted(words, key=lambda word: (-counts[word], word))
    return first if not others or counts[first] >= CLEARER * counts[others[0]] else None
