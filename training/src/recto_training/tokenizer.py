"""A small WordPiece tokenizer that generalises: digits lose their value, capitals become a mark.

Every digit reads `0`, so that a rate is known by its shape; `Purchases` and `PURCHASES` both read
`↑purchases`, so that a heading and a sentence share their tokens. Boxes and confidence do the rest.
The same texts give the same tokenizer. No text can contain a special token: they are plain entries.
"""

import string
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
