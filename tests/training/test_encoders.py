"""Every kind of encoder, from a tiny checkpoint on disk: trained a step, saved, read back, predicts again."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    LayoutLMConfig,
    LayoutLMModel,
    LayoutLMv2Config,
    LayoutLMv3Config,
    LayoutLMv3Model,
    LiltConfig,
    LiltModel,
    RobertaConfig,
    RobertaModel,
)

from recto.document import Page, Word
from recto.errors import ConfigurationError
from recto.geometry import Box
from recto_training import fit
from recto_training.encoders import stored
from recto_training.encoders.dropping import Dropout, random_bytes
from recto_training.encoders.model import depth_of, parameter_groups
from recto_training.encoders.opening import BaseOptions, open_base, open_scratch
from recto_training.models import load_model
from recto_training.word_recipes import tiny
from tests.training.tiny_corpus import FILLER, LABELS, NAMES, corpus

SIZE = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40}
LONG = {"max_position_embeddings": 66}
SHORT = BaseOptions(max_tokens=64, stride=16)
BERT_TEXTS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_TEXTS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def bert_tokenizer(folder: Path) -> int:
    """A WordPiece tokenizer of the corpus' words; returns its size."""
    letters = [chr(c) for c in range(33, 127)]
    words = [word.lower() for word in (*NAMES, *FILLER, "total")]
    texts = [*BERT_TEXTS, *words, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=16)
    tokenizer.save(str(folder / "tokenizer.json"))
    return len(vocabulary)


def roberta_tokenizer(folder: Path) -> int:
    """A byte-level tokenizer as RoBERTa's, with words that have a space before them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {text: number for number, text in enumerate([*ROBERTA_TEXTS, *alphabet, "Ġt"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("Ġ", "t")], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    return len(vocabulary)


def bert(folder: Path) -> None:
    size = bert_tokenizer(folder)
    BertModel(BertConfig(vocab_size=size, **SIZE, **LONG)).save_pretrained(folder)


def roberta(folder: Path) -> None:
    size = roberta_tokenizer(folder)
    RobertaModel(
        RobertaConfig(vocab_size=size, type_vocab_size=1, pad_token_id=1, **SIZE, **LONG)
    ).save_pretrained(folder)


def layoutlm(folder: Path) -> None:
    size = bert_tokenizer(folder)
    LayoutLMModel(
        LayoutLMConfig(vocab_size=size, max_2d_position_embeddings=1024, **SIZE, **LONG)
    ).save_pretrained(folder)


def lilt(folder: Path) -> None:
    size = roberta_tokenizer(folder)
    config = LiltConfig(
        vocab_size=size, type_vocab_size=1, pad_token_id=1, channel_shrink_ratio=2, **SIZE, **LONG
    )
    LiltModel(config).save_pretrained(folder)


def lilt_bert(folder: Path) -> None:
    size = bert_tokenizer(folder)
    config = LiltConfig(vocab_size=size, pad_token_id=0, channel_shrink_ratio=2, **SIZE, **LONG)
    LiltModel(config).save_pretrained(folder)


def layoutlmv3(folder: Path) -> None:
    size = roberta_tokenizer(folder)
    config = LayoutLMv3Config(
        vocab_size=size, type_vocab_size=1, pad_token_id=1, coordinate_size=8, shape_size=8,
        max_2d_position_embeddings=1024, input_size=224, patch_size=56, **SIZE, **LONG,
    )  # fmt: skip
    LayoutLMv3Model(config).save_pretrained(folder)


FAMILIES = {
    "bert": bert,
    "roberta": roberta,
    "layoutlm": layoutlm,
    "lilt": lilt,
    "lilt-bert": lilt_bert,
    "layoutlmv3": layoutlmv3,
}
KINDS = {"bert": "layout", "roberta": "layout", "lilt-bert": "lilt"}
ODD_WORDS = ("\u200b", "Total", "x" * 400, "\u0000", "Acme")
"""Two of which tokenizers make nothing, and one longer than a window."""


def odd_page() -> Page:
    words = tuple(Word(text, Box(0.1, 0.1 * i, 0.3, 0.1 * i + 0.05), 1.0) for i, text in enumerate(ODD_WORDS))
    return Page(4, words)


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """Name of a family and the folder of a tiny checkpoint of it."""
    folder = tmp_path / request.param
    folder.mkdir()
    torch.manual_seed(0)
    FAMILIES[request.param](folder)
    return request.param, folder


def recipe_on(folder: Path, **changes: Any) -> Any:
    settings = {"max_steps": 2, "model_name_or_path": str(folder), "dropout": 0.1, "bf16": False}
    return replace(tiny(), **(settings | changes))


def picture(folder: Path) -> str:
    path = folder / "page.png"
    Image.new("RGB", (60, 80), (200, 30, 30)).save(path)
    return str(path)


@pytest.mark.filterwarnings("ignore:licence")
def test_a_checkpoint_of_each_family_trains_saves_and_predicts_again(
    family: tuple[str, Path], tmp_path: Path
) -> None:
    name, base = family
    data = corpus(4, image=picture(tmp_path))

    run = fit.fit(recipe_on(base), data, corpus(2, seed=1), tmp_path / "run")

    assert run.step == 2
    before, after = open_base(base, LABELS, SHORT), stored.read_model(tmp_path / "run")
    assert after.kind == KINDS.get(name, name)
    assert _moved(before.model.encoder, after.model.encoder), "the base learns too"
    model, again = load_model(tmp_path / "run", half=False), load_model(tmp_path / "run", half=False)
    pages = [page.page for document in data for page in document.pages] + [odd_page()]
    said = list(model.predict_pages(pages))
    assert [len(one.classes) for one in said] == [len(page.words) for page in pages]
    alone = [again.predict(page) for page in pages]
    for one, other in zip(said, alone, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def _moved(before: torch.nn.Module, after: torch.nn.Module) -> bool:
    a, b = before.state_dict(), after.state_dict()
    return any(not torch.equal(a[name], b[name]) for name in a if "layer" in name)


@pytest.mark.filterwarnings("ignore:licence")
def test_padding_does_not_change_what_a_window_says(family: tuple[str, Path]) -> None:
    base = open_base(family[1], LABELS, SHORT)
    model = base.model.eval()
    ids, boxes = torch.randint(5, 60, (1, 9)), torch.randint(0, 500, (1, 9, 2)).repeat(1, 1, 2)
    boxes[..., 2:] += 20
    more: dict[str, torch.Tensor] = {}
    if model.takes_images:
        more["pixel_values"] = torch.zeros(1, 3, 224, 224)

    with torch.no_grad():
        alone = model(ids, torch.ones_like(ids), boxes, **more)
        padded = model(
            torch.nn.functional.pad(ids, (0, 4), value=base.pages.pad),
            torch.nn.functional.pad(torch.ones_like(ids), (0, 4)),
            torch.nn.functional.pad(boxes, (0, 0, 0, 4)),
            **more,
        )

    assert torch.allclose(alone, padded[:, :9], atol=1e-4)


@pytest.mark.parametrize("make", [bert, roberta])
def test_a_lifted_model_says_at_first_what_its_text_model_says(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path)
    base = open_base(tmp_path, LABELS, SHORT)
    text = (BertModel if make is bert else RobertaModel).from_pretrained(tmp_path).eval()
    ids = torch.randint(5, 60, (2, 11))
    mask = torch.ones_like(ids)

    with torch.no_grad():
        lifted = base.model.encoder.eval()(ids, mask, torch.randint(0, 1000, (2, 11, 4)))
        plain = text(input_ids=ids, attention_mask=mask).last_hidden_state

    assert torch.allclose(lifted, plain, atol=1e-5)


def test_a_lifted_model_can_learn_that_places_matter(tmp_path: Path) -> None:
    bert(tmp_path)
    model = open_base(tmp_path, LABELS, SHORT).model.eval()
    for name, parameter in model.named_parameters():
        if "prefer" in name or "place" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    ids = torch.full((1, 6), 7)
    boxes = torch.arange(24).view(1, 6, 4) * 10

    with torch.no_grad():
        here, there = (model(ids, torch.ones_like(ids), some) for some in (boxes, boxes.flip(1)))

    assert not torch.allclose(here, there, atol=1e-3)


def test_attention_prefers_distances_and_not_places(tmp_path: Path) -> None:
    bert(tmp_path)
    model = open_base(tmp_path, LABELS, SHORT).model.eval()
    for name, parameter in model.named_parameters():
        if "prefer" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    ids = torch.randint(5, 60, (1, 8))
    boxes = torch.randint(0, 500, (1, 8, 4))

    with torch.no_grad():
        here, moved = (model(ids, torch.ones_like(ids), some) for some in (boxes, boxes + 300))

    assert torch.allclose(here, moved, atol=1e-3)


def test_words_of_a_byte_level_tokenizer_have_the_space_before_them(tmp_path: Path) -> None:
    roberta(tmp_path)
    base = open_base(tmp_path, LABELS, SHORT)

    assert base.pages.tokens(["total"])[0][0] == Tokenizer.from_file(
        str(tmp_path / "tokenizer.json")
    ).token_to_id("Ġt")


def test_a_tokenizer_that_cuts_and_pads_sentences_does_neither_to_words(tmp_path: Path) -> None:
    bert(tmp_path)
    base = open_base(tmp_path, LABELS, SHORT)

    assert [len(ids) for ids in base.pages.tokens(["total", "x" * 30, "\u200b"])] == [1, 30, 1]


# --- what does not fit ------------------------------------------------------------------------------------


def test_a_base_folder_without_tokenizer_is_told(tmp_path: Path) -> None:
    bert(tmp_path)
    (tmp_path / "tokenizer.json").unlink()

    with pytest.raises(
        ConfigurationError, match=r"no tokenizer in its folder.*expected one of tokenizer.json"
    ):
        open_base(tmp_path, LABELS, SHORT)


def test_a_tokenizer_of_another_model_is_told(tmp_path: Path) -> None:
    bert(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    roberta(other)

    with pytest.raises(ConfigurationError, match="the tokenizer counts to 261, the network knows"):
        open_base(tmp_path, LABELS, SHORT._replace(tokenizer_name=str(other)))


def test_a_folder_without_configuration_is_told(tmp_path: Path) -> None:
    bert_tokenizer(tmp_path)

    with pytest.raises(ConfigurationError, match=r"no config.json in its folder, seen tokenizer.json"):
        open_base(tmp_path, LABELS, SHORT)


def test_windows_longer_than_a_base_reads_are_told(tmp_path: Path) -> None:
    bert(tmp_path)

    with pytest.raises(ConfigurationError, match="max_seq_length 512: this base reads at most 66 tokens"):
        open_base(tmp_path, LABELS)


def test_a_model_without_bert_s_shape_is_told(tmp_path: Path) -> None:
    size = bert_tokenizer(tmp_path)
    config = DistilBertConfig(vocab_size=size, dim=32, n_layers=1, n_heads=2, hidden_dim=40)
    DistilBertModel(config).save_pretrained(tmp_path)

    with pytest.raises(ConfigurationError, match="base model of type distilbert: expected layoutlm, lilt"):
        open_base(tmp_path, LABELS, SHORT)


def test_layoutlmv2_without_detectron2_is_told(tmp_path: Path) -> None:
    bert_tokenizer(tmp_path)
    (tmp_path / "config.json").write_text(LayoutLMv2Config(**SIZE).to_json_string())

    with (
        pytest.warns(UserWarning, match="may not be used commercially"),
        pytest.raises(ConfigurationError, match="LayoutLMv2 and LayoutXLM need the package detectron2"),
    ):
        open_base(tmp_path, LABELS, SHORT)


def test_weights_that_are_not_for_commercial_use_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layoutlmv3(tmp_path)

    with pytest.warns(UserWarning, match="licence"):
        open_base(tmp_path, LABELS, SHORT)

    assert "CC BY-NC-SA 4.0" in capsys.readouterr().out


def test_a_name_that_is_neither_folder_nor_on_the_hub_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # The variable HF_HUB_OFFLINE is read when the library is imported, which it is already.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(ConfigurationError, match="base model no/such-model: neither a folder nor a name"):
        open_base("no/such-model", LABELS, SHORT)


@pytest.mark.parametrize("name", ["./minilm", "models/minilm", "/no/where", "a/b/c"])
def test_a_folder_that_is_not_there_is_told_without_asking_the_hub(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    monkeypatch.setattr("recto_training.encoders.opening.AutoConfig.from_pretrained", pytest.fail)

    with pytest.raises(ConfigurationError, match=f"base model {name}: there is no such folder"):
        open_base(name, LABELS, SHORT)


# --- going on from a model of ours -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ours")
    bert(folder)
    run = folder / "run"
    fit.fit(recipe_on(folder), corpus(4), corpus(2, seed=1), run)
    return run


def test_a_trained_model_is_a_base_with_its_classes(ours: Path) -> None:
    base, model = open_base(ours, LABELS, SHORT), stored.read_model(ours)

    assert all(
        torch.equal(a, b)
        for a, b in zip(base.model.state_dict().values(), model.model.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("kind", [stored.LAYOUT, stored.WORDS])
def test_going_on_from_a_trained_model_uses_the_dropout_that_is_asked_for(
    kind: str, ours: Path, tmp_path: Path
) -> None:
    folder = ours
    if kind == stored.WORDS:
        size = {"width": 32, "heads": 2, "layers": 1, "hidden": 48}
        folder = tmp_path
        stored.write_model(folder, open_scratch(FILLER, LABELS, size, 400, SHORT._replace(dropout=0.05)))

    base = open_base(folder, LABELS, SHORT._replace(dropout=0.4))

    assert base.kind == kind
    assert {part.share for part in base.model.modules() if isinstance(part, Dropout)} == {0.4}


def test_a_trained_model_of_other_labels_is_told_with_what_to_do(ours: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"trained on 3 labels .*data has 2.*ignore_mismatched_labels"
    ):
        open_base(ours, ("vendor", "other"), SHORT)

    base = open_base(ours, ("vendor", "other"), SHORT._replace(ignore_labels=True))

    assert base.model.num_classes == 2
    assert torch.equal(
        base.model.encoder.state_dict()["layers.0.up.weight"],
        stored.read_model(ours).model.encoder.state_dict()["layers.0.up.weight"],
    )


@pytest.mark.parametrize("name", stored.MODEL_FILES)
def test_a_model_folder_that_lacks_a_file_is_told(ours: Path, tmp_path: Path, name: str) -> None:
    for other in set(stored.MODEL_FILES) - {name}:
        (tmp_path / other).write_bytes((ours / other).read_bytes())

    with pytest.raises(ConfigurationError, match=f"missing {name}"):
        stored.read_model(tmp_path)


def test_weights_that_do_not_fit_their_labels_are_told(ours: Path, tmp_path: Path) -> None:
    for name in stored.MODEL_FILES:
        (tmp_path / name).write_bytes((ours / name).read_bytes())
    (tmp_path / stored.LABELS).write_text(json.dumps(["a", "other"]))

    with pytest.raises(ConfigurationError, match=r"classify.bias is \(3,\), expected \(2,\)"):
        stored.read_model(tmp_path)


def test_a_model_of_an_older_network_is_told(ours: Path, tmp_path: Path) -> None:
    for name in stored.MODEL_FILES:
        (tmp_path / name).write_bytes((ours / name).read_bytes())
    config = json.loads((tmp_path / stored.CONFIG).read_text())
    (tmp_path / stored.CONFIG).write_text(json.dumps({**config, stored.VERSION: 1}))

    with pytest.raises(ConfigurationError, match="made by version 1 of the networks, this is version 2"):
        stored.read_model(tmp_path)


# --- parts ------------------------------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_zeroes_its_share() -> None:
    dropout = Dropout(0.25)
    torch.manual_seed(0)

    dropped = dropout(torch.ones(1000, 100))

    assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.01)
    assert torch.equal(dropout.eval()(torch.ones(3)), torch.ones(3))


def test_every_byte_of_a_drawn_number_is_as_random_as_the_others() -> None:
    torch.manual_seed(0)

    drawn = random_bytes(torch.empty(80_001))[:80_000].view(-1, 8)

    for column in drawn.T:
        counts = torch.bincount(column.long(), minlength=256)
        assert int(counts.min()) > 10
        assert int(counts.max()) < 90


def test_lower_layers_learn_more_slowly_and_new_parts_faster(ours: Path) -> None:
    model = open_base(ours, LABELS, SHORT).model
    groups = list(parameter_groups(model, rate=1.0, fresh_factor=7.0, layer_decay=0.5, weight_decay=0.1))
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    by_name = {name: rates[id(p)] for name, p in model.named_parameters()}

    assert by_name["classify.weight"] == by_name["encoder.layers.0.prefer.weight"] == 7.0
    assert by_name["encoder.layers.1.up.weight"] == 0.5
    assert by_name["encoder.layers.0.up.weight"] == 0.25
    assert by_name["encoder.token.weight"] == 0.125
    assert len(rates) == len(list(model.parameters()))
    undecayed = {id(p) for group in groups if group["weight_decay"] == 0 for p in group["params"]}
    assert undecayed == {id(p) for p in model.parameters() if p.ndim == 1}


def test_depths_follow_the_names_of_both_kinds_of_network() -> None:
    assert [depth_of(name, 6) for name in ("model.encoder.token.weight", "encoder.layers.0.mix.weight")] == [
        0,
        1,
    ]
    assert depth_of("encoder.model.encoder.layer.5.output.dense.weight", 6) == 6
    assert depth_of("encoder.model.embeddings.word_embeddings.weight", 6) == 0


def test_a_page_without_words_is_no_example_and_no_error(ours: Path) -> None:
    model = load_model(ours, half=False)

    assert model.predict(Page(9, ())) == (9, (), (), ())
    assert list(model.predict_pages([])) == []
