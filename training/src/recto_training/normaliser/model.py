"""A sequence-to-sequence model with its tokenizer: opened by name or folder, made anew, asked, written.

T5, ByT5, mT5 and BART open through transformers. A model from scratch is a small T5 whose tokenizer is
learnt from the pairs: pieces of bytes, so that nothing is unknown, and every digit by itself. Plain bytes
(ByT5's) would make the inputs three times as long, prompt included, and training as much slower.

A folder holds what transformers writes, `normaliser.json` and the run's record.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from recto.errors import ConfigurationError

SETTINGS = "normaliser.json"
SCHEMA = 1
MULTIPLE_OF = 8
PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"


class Limits(NamedTuple):
    """How long texts may be, in tokens."""

    source: int = 128
    target: int = 48


class Normaliser(NamedTuple):
    """A model that is ready to be trained or asked."""

    network: Any
    tokenizer: Any
    limits: Limits

    def answers(self, texts: Sequence[str], batch_size: int = 4) -> Iterator[str]:
        """One text for each input, the likeliest letter by letter; empty for an input that is too long.

        A text that the model would see only in part is not answered, for the date might be in the rest.
        """
        ids = [self.tokenizer(text).input_ids for text in texts]
        fitting = [at for at, one in enumerate(ids) if len(one) <= self.limits.source]
        fitting.sort(key=lambda at: len(ids[at]))
        said = [""] * len(texts)
        for start in range(0, len(fitting), batch_size):
            places = fitting[start : start + batch_size]
            for at, text in zip(places, self._generated([ids[at] for at in places]), strict=True):
                said[at] = text
        yield from said

    def _generated(self, ids: Sequence[Sequence[int]]) -> list[str]:
        input_ids_BL, mask_BL = padded(ids, self.tokenizer.pad_token_id)
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            made_BL = self.network.generate(
                input_ids=input_ids_BL.to(device),
                attention_mask=mask_BL.to(device),
                max_new_tokens=self.limits.target,
                num_beams=1,
                do_sample=False,
            )
        said = self.tokenizer.batch_decode(made_BL, skip_special_tokens=True)
        return [text.strip() for text in said]

    def write(self, folder: Path) -> None:
        """As a folder that `open_normaliser` and transformers open."""
        folder.mkdir(parents=True, exist_ok=True)
        self.network.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        settings = {"schema": SCHEMA, **self.limits._asdict()}
        (folder / SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def padded(ids: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token numbers (B, L) and which of them are meant; few lengths, for each costs a CPU preparations."""
    length = -(-max(len(one) for one in ids) // MULTIPLE_OF) * MULTIPLE_OF
    input_ids_BL = torch.tensor([[*one, *[pad] * (length - len(one))] for one in ids])
    mask_BL = torch.tensor([[1] * len(one) + [0] * (length - len(one)) for one in ids])
    return input_ids_BL, mask_BL


def open_normaliser(folder: Path) -> Normaliser:
    """A trained model's folder; ConfigurationError where it is none."""
    place = folder / SETTINGS
    if not place.is_file():
        raise ConfigurationError(
            f"{folder.name} holds no {SETTINGS}: expected a folder that `recto normaliser train` wrote"
        )
    values = json.loads(place.read_text(encoding="utf-8"))
    if values.get("schema") != SCHEMA:
        raise ConfigurationError(
            f"{folder.name}/{SETTINGS}: schema {values.get('schema')}, expected {SCHEMA}"
        )
    opened = open_base(str(folder), Limits(values["source"], values["target"]))
    opened.network.eval()
    return opened


def open_base(name_or_folder: str, limits: Limits, tokenizer_name: str = "") -> Normaliser:
    """A model of a folder or the hub with its tokenizer; ConfigurationError where either is missing."""
    name = Path(name_or_folder).name
    try:
        config = AutoConfig.from_pretrained(name_or_folder)
        network = AutoModelForSeq2SeqLM.from_pretrained(name_or_folder, config=config, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(tokenizer_name or name_or_folder)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{name} does not open as a sequence-to-sequence model with a tokenizer; expected T5, ByT5, mT5, "
            f"BART or alike, by the hub's name or as a folder: {str(error).splitlines()[0]}"
        ) from error
    if tokenizer.pad_token_id is None:
        raise ConfigurationError(f"{name}: the tokenizer has no token for padding")
    return Normaliser(network, tokenizer, limits)


def make_base(texts: Iterable[str], size: dict[str, int], vocabulary: int, limits: Limits) -> Normaliser:
    """An untrained T5 (width, hidden, heads, layers, decoder_layers) and a tokenizer of the texts."""
    tokenizer = learn_tokenizer(texts, vocabulary)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=size["width"],
        d_kv=size["width"] // size["heads"],
        d_ff=size["hidden"],
        num_heads=size["heads"],
        num_layers=size["layers"],
        num_decoder_layers=size["decoder_layers"],
        dropout_rate=0.0,
        relative_attention_max_distance=32,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )
    return Normaliser(T5ForConditionalGeneration(config), tokenizer, limits)


def learn_tokenizer(texts: Iterable[str], size: int) -> PreTrainedTokenizerFast:
    """Pieces of bytes by frequency, each digit by itself; the same for the same texts."""
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, END, UNKNOWN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, tokenizer.token_to_id(END))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, unk_token=UNKNOWN,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
