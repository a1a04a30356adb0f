"""Runs the word model of a release over a page, in this process, with ONNX. Not training, not S3.

The only module of the library that needs numpy, onnxruntime and tokenizers; `model_invoke` and the
training package import it, nothing else does. Training encodes its pages with `PageEncoder` too, so
that a model never meets tokens, boxes or windows in production that it did not meet in training.

Shapes: B windows, L tokens of a window, K classes.
"""
# ruff: noqa: N803, N806, N815 - arrays carry their shape in their name

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from recto.document import Page, PagePredictions
from recto.errors import ReleaseError
from recto.release import (
    BERT_TOKENS,
    FILES,
    INDEX,
    MODEL,
    ROBERTA_TOKENS,
    TOKENIZER,
    Release,
    SpecialTokens,
    WindowSettings,
    parse_release,
)
from recto.windows import Window, kept_tokens, split_into_windows

CLS, SEP, PAD, UNK = BERT_TOKENS.cls, BERT_TOKENS.sep, BERT_TOKENS.pad, BERT_TOKENS.unk
GridBox = tuple[int, int, int, int]
CLS_BOX: GridBox = (0, 0, 0, 0)
SEP_BOX: GridBox = (1000, 1000, 1000, 1000)
NO_WORD = -1
"""Stands where a token belongs to no word: special tokens and padding."""


class EncodedWindow(NamedTuple):
    """One window as the model reads it; the four are parallel, one entry per token."""

    input_ids: list[int]
    boxes: list[GridBox]
    words: list[int]
    """Index of the token's word on the page, NO_WORD for special tokens."""
    window: Window


class Batch(NamedTuple):
    """Several windows, padded to the longest."""

    input_ids_BL: NDArray[np.int64]
    attention_mask_BL: NDArray[np.int64]
    boxes_BL4: NDArray[np.int64]
    words_BL: NDArray[np.int64]


class PageEncoder:
    """Turns pages into windows of token ids and boxes."""

    def __init__(
        self, tokenizer: Tokenizer, windows: WindowSettings, special: SpecialTokens = BERT_TOKENS
    ) -> None:
        """ReleaseError where the tokenizer lacks one of the special tokens."""
        self._tokenizer = tokenizer
        self.windows = windows
        names = (special.cls, special.sep, special.pad, special.unk)
        self._cls, self._sep, self.pad, self._unk = (_special_id(tokenizer, name) for name in names)

    @property
    def vocabulary_size(self) -> int:
        """Token ids are less than this."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each word; a word that the tokenizer makes nothing of is one unknown token."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [encoding.ids or [self._unk] for encoding in encodings]

    def encode(self, page: Page) -> list[EncodedWindow]:
        """The windows of a page; none for a page without words."""
        ids = self.tokens([word.text for word in page.words])
        boxes = [word.box.on_grid(1000) for word in page.words]
        capacity = self.windows.capacity
        windows = split_into_windows([len(i) for i in ids], capacity=capacity, stride=self.windows.stride)
        return [self._encode_window(window, ids, boxes) for window in windows]

    def _encode_window(
        self, window: Window, ids: Sequence[list[int]], boxes: Sequence[GridBox]
    ) -> EncodedWindow:
        encoded = EncodedWindow([self._cls], [CLS_BOX], [NO_WORD], window)
        for index in range(window.first, window.end):
            kept = ids[index][: kept_tokens(len(ids[index]), self.windows.capacity)]
            encoded.input_ids.extend(kept)
            encoded.boxes.extend([boxes[index]] * len(kept))
            encoded.words.extend([index] * len(kept))
        encoded.input_ids.append(self._sep)
        encoded.boxes.append(SEP_BOX)
        encoded.words.append(NO_WORD)
        return encoded

    def collate(self, windows: Sequence[EncodedWindow], multiple_of: int = 1) -> Batch:
        """Windows padded to the longest of them, or to the next multiple."""
        longest = max(len(window.input_ids) for window in windows)
        shape = (len(windows), longest + -longest % multiple_of)
        batch = Batch(
            np.full(shape, self.pad, np.int64),
            np.zeros(shape, np.int64),
            np.zeros((*shape, 4), np.int64),
            np.full(shape, NO_WORD, np.int64),
        )
        for row, window in enumerate(windows):
            length = len(window.input_ids)
            batch.input_ids_BL[row, :length] = window.input_ids
            batch.attention_mask_BL[row, :length] = 1
            batch.boxes_BL4[row, :length] = window.boxes
            batch.words_BL[row, :length] = window.words
        return batch


class Votes:
    """Adds up what the windows of one page say about its words."""

    def __init__(self, num_words: int, num_classes: int) -> None:
        self._sums_WK = np.zeros((num_words, num_classes), np.float64)
        self._num_tokens = np.zeros(num_words, np.int64)
        self._best: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        """Of each window its words, and the best class that it saw for each."""

    def add_window(self, words_L: NDArray[np.int64], logits_LK: NDArray[np.float32]) -> None:
        """Count the tokens of one window, each with its class probabilities; a word's stand together."""
        mine = words_L != NO_WORD
        words, probabilities = words_L[mine], softmax(logits_LK[mine].astype(np.float64))
        firsts = np.flatnonzero(np.diff(words, prepend=NO_WORD))
        if not len(firsts):
            return
        seen, sums_VK = words[firsts], np.add.reduceat(probabilities, firsts, axis=0)
        self._sums_WK[seen] += sums_VK
        self._num_tokens[seen] += np.diff(firsts, append=len(words))
        self._best.append((seen, sums_VK.argmax(axis=1)))

    def verdict(self, number: int) -> "Verdict":
        """What is said of every word of page `number`."""
        means_WK = self._sums_WK / np.maximum(self._num_tokens, 1)[:, None]
        num_words = len(means_WK)
        classes = means_WK.argmax(axis=1) if num_words else np.zeros(0, np.int64)
        windows, agreeing = np.zeros(num_words), np.zeros(num_words)
        for seen, best in self._best:
            windows[seen] += 1
            agreeing[seen] += best == classes[seen]
        predictions = PagePredictions(
            number=number,
            classes=tuple(classes.tolist()),
            probabilities=tuple(means_WK[np.arange(num_words), classes].tolist()),
            agreements=tuple((agreeing / np.maximum(windows, 1)).tolist()),
        )
        return Verdict(predictions, means_WK)

    def result(self, number: int) -> PagePredictions:
        """The verdict without the probabilities of the other classes."""
        return self.verdict(number).predictions


class Verdict(NamedTuple):
    """What a model says of one page."""

    predictions: PagePredictions
    means_WK: NDArray[np.float64]
    """Probability (0-1) of every class for each word: the mean over its sub-words and windows."""


class BatchLimits(NamedTuple):
    """How windows come together; nothing of it changes what is said of a word, but for rounding."""

    tokens: int = 1024
    """Of a batch, padding included; a single longer window is a batch of its own. Few are best on a CPU,
    where what a batch works on should stay near the cores; a GPU wants many."""
    windows: int = 64
    """Of a batch."""
    ahead: int = 32_768
    """Tokens of whole pages that are read before the first is answered: what lies in memory at once."""
    multiple_of: int = 1
    """Windows are padded to a multiple of this many tokens."""
    at_once: int = 1
    """Batches that are computed at the same time, each on a thread of its own."""


Picture = NDArray[np.uint8] | None
"""A page's thumbnail (height, width, 3), for models that look at one."""
T = TypeVar("T")
U = TypeVar("U")
Forward = Callable[[Batch, Sequence[Picture]], NDArray[np.float32]]
"""A model on whatever runs it: a batch, and of each window its page's picture, to logits [B, L, K]."""


def classify_pages(
    pages: Iterable[tuple[Page, Picture]],
    encoder: PageEncoder,
    forward: Forward,
    num_classes: int,
    limits: BatchLimits = BatchLimits(),  # noqa: B008 - a tuple of numbers
) -> Iterator[Verdict]:
    """What a model says of page after page, in their order.

    Windows of many pages are batched by their length, so that short ones do not pay for the padding of
    long ones. In memory are the pages read ahead, however many there are in all.
    """
    pool = _Pool(encoder, num_classes)
    for page, picture in pages:
        pool.add(page, picture)
        if pool.num_tokens >= limits.ahead:
            yield from pool.verdicts(forward, limits)
            pool = _Pool(encoder, num_classes)
    yield from pool.verdicts(forward, limits)


class _Pooled(NamedTuple):
    """A window, and which page of the pool it is of."""

    window: EncodedWindow
    page: int


class _Pool:
    """Pages read ahead."""

    def __init__(self, encoder: PageEncoder, num_classes: int) -> None:
        self._encoder, self._num_classes = encoder, num_classes
        self._pages: list[tuple[int, Picture, Votes]] = []
        self._windows: list[_Pooled] = []
        self.num_tokens = 0

    def add(self, page: Page, picture: Picture) -> None:
        windows = self._encoder.encode(page)
        self._windows += [_Pooled(window, len(self._pages)) for window in windows]
        self._pages.append((page.number, picture, Votes(len(page.words), self._num_classes)))
        self.num_tokens += max(1, sum(len(window.input_ids) for window in windows))

    def verdicts(self, forward: Forward, limits: BatchLimits) -> list[Verdict]:
        def answered(pooled: list[_Pooled]) -> tuple[list[_Pooled], Batch, NDArray[np.float32]]:
            batch = self._encoder.collate([each.window for each in pooled], limits.multiple_of)
            return pooled, batch, forward(batch, [self._pages[each.page][1] for each in pooled])

        for pooled, batch, logits_BLK in _in_order(
            answered, batches_by_length(self._windows, limits), limits.at_once
        ):
            for each, words_L, logits_LK in zip(pooled, batch.words_BL, logits_BLK, strict=True):
                self._pages[each.page][2].add_window(words_L, logits_LK)
        return [votes.verdict(number) for number, _, votes in self._pages]


def _in_order(work: Callable[[T], U], items: Iterable[T], at_once: int) -> Iterator[U]:
    """What `work` makes of each, in their order; so many are worked on at the same time."""
    if at_once == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(at_once, thread_name_prefix="batches") as pool:
        yield from pool.map(work, items)


def batches_by_length(windows: Iterable[_Pooled], limits: BatchLimits) -> Iterator[list[_Pooled]]:
    """Windows of like length together, the longest first: what does not fit into memory fails at once."""
    batch: list[_Pooled] = []
    for each in sorted(windows, key=lambda each: -len(each.window.input_ids)):
        longest = len((batch or [each])[0].window.input_ids)
        longest += -longest % limits.multiple_of
        is_full = len(batch) == limits.windows or (len(batch) + 1) * longest > limits.tokens
        if batch and is_full:
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch


class WordClassifier:
    """The word model of one release."""

    def __init__(
        self,
        release: Release,
        encoder: PageEncoder,
        session: onnxruntime.InferenceSession,
        batch_size: int,
        threads: int = 1,
    ) -> None:
        self.release = release
        self.encoder = encoder
        self._session = session
        self._limits = BatchLimits(
            tokens=release.windows.max_tokens, windows=batch_size, at_once=max(1, threads)
        )

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1, batch_size: int = 8) -> "WordClassifier":
        """The model in a release's folder, its files checked against the index; ReleaseError otherwise.

        A window of full length is a batch of its own; of shorter ones up to `batch_size` go into one. So
        many batches as there are threads are computed at once, each on one of them.
        """
        contents = read_release(folder)
        release = parse_release(contents[INDEX])
        release.verify(contents)
        tokenizer = open_tokenizer(contents[TOKENIZER])
        session = open_session(contents[MODEL], threads=1)
        seen = session.get_outputs()[0].shape[-1]
        if seen != len(release.labels):
            raise ReleaseError(
                f"release {release.name}: the model has {seen} classes, expected {len(release.labels)} labels"
            )
        encoder = PageEncoder(tokenizer, release.windows, release.special_tokens)
        return cls(release, encoder, session, batch_size, threads)

    def predict(self, page: Page) -> PagePredictions:
        """Class, probability and agreement of every word of the page."""
        return next(self.predict_pages([page]))

    def predict_pages(self, pages: Iterable[Page]) -> Iterator[PagePredictions]:
        """The same for page after page, faster than one by one; some pages are read ahead."""
        return (verdict.predictions for verdict in self.verdicts((page, None) for page in pages))

    def verdicts(self, pages: Iterable[tuple[Page, Picture]]) -> Iterator[Verdict]:
        """The same with the probabilities of all classes. The model looks at no pictures."""
        return classify_pages(pages, self.encoder, self.forward, len(self.release.labels), self._limits)

    def forward(self, batch: Batch, _: Sequence[Picture]) -> NDArray[np.float32]:
        """Logits of a batch."""
        inputs = {
            "input_ids": batch.input_ids_BL,
            "attention_mask": batch.attention_mask_BL,
            "bbox": batch.boxes_BL4,
        }
        logits_BLK: NDArray[np.float32] = self._session.run(["logits"], inputs)[0]
        return logits_BLK


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def open_tokenizer(content: bytes) -> Tokenizer:
    """The tokenizer in a release's file; ReleaseError where it is not one."""
    try:
        return Tokenizer.from_str(content.decode())
    except Exception as error:  # tokenizers' errors share no public base class
        message = f"{TOKENIZER} ({len(content)} bytes) is not a file that tokenizers opens: {error}"
        raise ReleaseError(message) from error


def special_tokens_of(tokenizer: Tokenizer) -> SpecialTokens:
    """The names that this tokenizer knows, BERT's or RoBERTa's; ReleaseError where it has neither set."""
    for special in (BERT_TOKENS, ROBERTA_TOKENS):
        if all(tokenizer.token_to_id(name) is not None for name in special.model_dump().values()):
            return special
    expected = " or ".join(", ".join(s.model_dump().values()) for s in (BERT_TOKENS, ROBERTA_TOKENS))
    raise ReleaseError(f"{TOKENIZER} lacks special tokens: expected {expected}")


def open_session(model: bytes, *, threads: int) -> onnxruntime.InferenceSession:
    """An ONNX session on the CPU that uses this many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base class
        message = f"{MODEL} ({len(model)} bytes) is not a model that onnxruntime opens: {error}"
        raise ReleaseError(message) from error


def read_release(folder: Path) -> dict[str, bytes]:
    """The files of a release that lie in a folder; ReleaseError where one is missing."""
    missing = [name for name in (INDEX, *FILES) if not (folder / name).is_file()]
    if missing:
        raise ReleaseError(f"release folder {folder.name}: missing {', '.join(missing)}")
    listed = parse_release((folder / INDEX).read_bytes()).files
    names = [INDEX, *(name for name in listed if (folder / name).is_file())]
    return {name: (folder / name).read_bytes() for name in names}


def _special_id(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ReleaseError(f"{TOKENIZER} has no token {token}")
    return int(found)
