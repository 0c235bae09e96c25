"""YAML: read with places, refused with them, and written back as it was."""

from pathlib import Path

import pytest

from domain.document import amended, keys_of, read_yaml
from domain.programme import SHIPPED
from domain.refusals import MalformedMessage

TEXT = """\
# what this is
a: 1   # one
b:
  - {c: 2023-01-01T00:00:00+08:00, d: "x"}
  - [1, 2]
"""


def test_what_is_read_is_plain() -> None:
    data = read_yaml(TEXT).data
    assert data == {"a": 1, "b": [{"c": "2023-01-01T00:00:00+08:00", "d": "x"}, [1, 2]]}
    assert (type(data), type(data["a"]), type(data["b"]), type(data["b"][0]["d"])) == (dict, int, list, str)


@pytest.mark.parametrize(
    ("place", "spot"),
    [("a", (2, 1)), ("b.0.d", (4, 36)), ("b.1.1", (5, 9)), ("b.0.e", (4, 5)), ("", (1, 1)), ("z.y", (1, 1))],
)
def test_each_place_has_its_line_and_column(place: str, spot: tuple[int, int]) -> None:
    assert read_yaml(TEXT).spot(keys_of(place)) == spot


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2\n", 'f.yaml:2:1: not valid YAML: found duplicate key "a"'),
        ("a: {b: 1, b: 2}", 'f.yaml:1:11: not valid YAML: found duplicate key "b"'),
        ("a: [", "f.yaml:1:5: not valid YAML"),
        ("a: 1\n\tb: 2", "f.yaml:2:1: not valid YAML"),
        ("a: !!python/name:os.system", "f.yaml:1:1: tags such as"),
        ("a: &x [1]\nb: *x", "f.yaml:2:4: aliases are not read"),
        ("--- a\n--- b\n", "f.yaml:2:1: not valid YAML"),
        ("[" * 5_000, "f.yaml:1:21: more than 20 levels are not read"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(MalformedMessage) as refused:
        read_yaml(text, file="f.yaml")
    assert refused.value.problem.startswith(problem)


def test_a_place_is_amended_and_all_else_stays_as_it_was_written() -> None:
    assert amended(TEXT, {"a": "3", "b.0.d": "'y'"}) == TEXT.replace("a: 1", "a: 3").replace('"x"', "'y'")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_file_is_written_back_to_the_letter(path: Path) -> None:
    assert amended(path.read_text(encoding="utf-8"), {}) == path.read_text(encoding="utf-8")
