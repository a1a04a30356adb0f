import pytest

from recto.places import Location
from recto_workbench.grants import named_objects, object_source


def test_what_an_input_names_anywhere_may_be_read() -> None:
    task_input = {
        "source-ref": "s3://b/p.png",
        "metadata": {"pages": [{"text": "s3://b/1.txt"}, "https://b.s3.eu-west-1.amazonaws.com/2.txt"]},
        "aiServiceRequest": {"document": {"s3Object": {"bucket": "b", "name": "d.pdf"}}},
        "text": "see s3://b/secret.txt",
        "number": 5,
        "other": "https://evil.example/b/x",
    }

    assert named_objects(task_input) == {"s3://b/p.png", "s3://b/1.txt", "s3://b/2.txt", "s3://b/d.pdf"}


def test_an_input_without_an_end_is_read_to_a_depth() -> None:
    deep: dict[str, object] = {"a": "s3://b/deep"}
    for _ in range(1000):
        deep = {"a": deep}

    assert named_objects(deep) == frozenset()


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://pages.s3.eu-west-1.amazonaws.com/a/b?X=1", "https://pages.s3.eu-west-1.amazonaws.com"),
        ("https://s3.amazonaws.com/pages/a/b?X=1", "https://s3.amazonaws.com/pages/"),
        ("http://127.0.0.1:4566/pages/a/b", "http://127.0.0.1:4566/pages/"),
    ],
)
def test_a_policy_names_the_bucket_that_a_link_leads_to(url: str, source: str) -> None:
    assert object_source(Location(bucket="pages", key="a/b"), url) == source
