"""Layout models of transformers behind this package's interface: LayoutLM, LiLT, LayoutLMv2, v3, LayoutXLM.

Their code stays in transformers; here is only what differs between them: arguments, images, licences.

Shapes: B windows, L tokens, D width.
"""

import warnings
from typing import Any, cast

from torch import Tensor, nn
from transformers import AutoModel, PretrainedConfig, PreTrainedModel

from recto.errors import ConfigurationError

IMAGE_SIZE = 224
"""Sides of the square page image that the image models read, in pixels."""
FAMILIES = ("layoutlm", "lilt", "layoutlmv2", "layoutlmv3")
"""transformers' model types; LayoutXLM is of type layoutlmv2."""
NON_COMMERCIAL = ("layoutlmv2", "layoutlmv3")
LICENCE_WARNING = (
    "licence: the published weights of {name} models (CC BY-NC-SA 4.0) may not be used commercially; "
    "LayoutLM (v1), LiLT and lifted BERT-like models may"
)


class FamilyEncoder(nn.Module):
    """A layout model of transformers: ids, mask, boxes, images [B, 3, 224, 224] -> states [B, L, D]."""

    skips_parameters = True
    """Some have no part in the words' states: LiLT's last layer also makes states of places."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("pooler" not in name)  # it reads whole pages, words have no use for it
        self.family: str = model.config.model_type
        self.width: int = model.config.hidden_size
        self.takes_images = self.family == "layoutlmv2" or (
            self.family == "layoutlmv3" and bool(model.config.visual_embed)
        )

    @property
    def token_table(self) -> nn.Embedding:
        """The vectors of the vocabulary."""
        return cast(nn.Embedding, self.model.get_input_embeddings())

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, bbox: Tensor, pixel_values: Tensor | None = None
    ) -> Tensor:
        arguments: dict[str, Any] = {"attention_mask": attention_mask, "bbox": bbox.clamp(0, 1000)}
        if self.takes_images:
            if pixel_values is None:
                raise ValueError(f"{self.family} reads page images: pixel_values is missing")
            arguments["image" if self.family == "layoutlmv2" else "pixel_values"] = pixel_values
        states_BLD: Tensor = self.model(input_ids=input_ids, **arguments).last_hidden_state
        return states_BLD[:, : input_ids.shape[1]]


def open_family(name: str, config: PretrainedConfig, dropout: float, **where: Any) -> FamilyEncoder:
    """The pre-trained model of a folder or hub name."""
    prepare(config, dropout)
    return FamilyEncoder(AutoModel.from_pretrained(name, config=config, **where))


def make_family(config: PretrainedConfig, dropout: float) -> FamilyEncoder:
    """The model of a configuration, untrained."""
    prepare(config, dropout)
    return FamilyEncoder(AutoModel.from_config(config))


def prepare(config: PretrainedConfig, dropout: float) -> None:
    """Check that the family can run here; tell of its licence; set its dropout."""
    if config.model_type not in FAMILIES:
        raise ConfigurationError(f"layout model of type {config.model_type}: expected {', '.join(FAMILIES)}")
    if config.model_type == "layoutlmv2":
        _need_detectron2()
    config.hidden_dropout_prob = dropout
    config.attention_probs_dropout_prob = 0.0


def warn_of_licence(model_type: str) -> None:
    """Say once for each run that weights of this family are not for commercial use."""
    if model_type in NON_COMMERCIAL:
        warnings.warn(LICENCE_WARNING.format(name=model_type), stacklevel=2)
        print(f"warning: {LICENCE_WARNING.format(name=model_type)}", flush=True)


def _need_detectron2() -> None:
    try:
        import detectron2  # noqa: F401, PLC0415 - only whether it is there
    except ImportError as error:
        raise ConfigurationError(
            "LayoutLMv2 and LayoutXLM need the package detectron2 for their page images, which is not "
            "installed (it is built from source against the installed torch). Use LayoutLMv3, LiLT or "
            "LayoutLM, or a container that has it"
        ) from error


def image_values(pixels_BHW3: Tensor, family: str) -> Tensor:
    """Page images, bytes in red-green-blue [B, 224, 224, 3], as the family reads them [B, 3, 224, 224]."""
    values = pixels_BHW3.permute(0, 3, 1, 2).float()
    if family == "layoutlmv2":
        return values.flip(1)  # blue first, 0-255: the model itself takes the mean off
    return (values / 255 - 0.5) / 0.5
