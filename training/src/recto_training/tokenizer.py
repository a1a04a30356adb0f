"""A small WordPiece tokenizer that generalises: digits lose their value, capitals become a mark.

Every digit reads `0`, so that a rate is known by its shape; `Purchases` and `PURCHASES` both read
`↑purchases`, so that a heading and a sentence share their tokens. Boxes and confidence do the rest.
"""

import string
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from recto.inference import CLS, PAD, SEP, UNK

CAPITAL = "↑"


def train_tokenizer(texts: Iterable[str], vocabulary_size: int) -> Tokenizer:
    """A tokenizer of at most so many tokens for these texts."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNK, max_input_chars_per_word=200))
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
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[PAD, UNK, CLS, SEP],
        initial_alphabet=[*string.ascii_lowercase, *string.punctuation, *"0“”‘’–—•©®§", CAPITAL],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
