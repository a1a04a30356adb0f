"""The three ways to attend say the same."""

import torch

from recto_training.encoders.attention import attend
from recto_training.encoders.layout import LayoutConfiguration, LayoutEncoder


def test_prediction_attends_as_training_does() -> None:
    torch.manual_seed(1)
    queries, keys = [[torch.randn(2, 7, 3, size) for size in (4, 5)] for _ in range(2)]
    value = torch.randn(2, 7, 3, 4)
    mask = torch.zeros(2, 1, 1, 7)
    mask[1, ..., 5:] = -10000.0

    for hidden in (mask, None):
        trained = attend(queries, keys, value, hidden, training=True)
        predicted = attend(queries, keys, value, hidden, training=False)
        assert trained.shape == (2, 7, 12)
        assert torch.allclose(trained, predicted, atol=1e-5)


def test_padding_says_nothing_to_a_token() -> None:
    torch.manual_seed(1)
    config = LayoutConfiguration(vocabulary=20, width=24, heads=3, layers=2, hidden=16, dropout=0.0)
    encoder = LayoutEncoder(config).eval()
    ids, boxes = torch.randint(0, 20, (2, 6)), torch.randint(0, 1000, (2, 6, 4))
    mask = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])

    with torch.no_grad():
        together = encoder(ids, mask, boxes)
        alone = encoder(ids[1:, :4], mask[1:, :4], boxes[1:, :4])

    assert torch.allclose(together[1, :4], alone[0], atol=1e-5)
