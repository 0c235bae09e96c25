"""YAML as people write it: read with the place of everything, and written back with comments and order kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import ScalarNode

from domain.refusals import InvalidField, MalformedMessage

Key: TypeAlias = str | int
"""A key of a mapping or a number in a list; a place is a sequence of them, written `tiers.levels.1.promote_at`."""

DEEP = 20
"""No policy nests deeper."""


class Spot(NamedTuple):
    """Where something stands in a file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: `data` in plain dictionaries, lists and values, and where each of them stands."""

    data: Any
    file: str
    _marked: Any = None

    def spot(self, place: Sequence[Key]) -> Spot | None:
        """Where a place stands; where it is not written, the nearest part around it that is. None for no file."""
        if self._marked is None:
            return None
        found, node = Spot(1, 1), self._marked
        for key in place:
            if isinstance(node, CommentedMap) and key in node:
                line, column = node.lc.key(key)
            elif isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node):
                line, column = node.lc.item(key)
            else:
                break
            found, node = Spot(line + 1, column + 1), node[key]
        return found


class _TimesAsText(RoundTripConstructor):
    """Times are judged by the policy, which knows where they stand."""


def _text_of(_: RoundTripConstructor, node: ScalarNode) -> str:
    return str(node.value)


_TimesAsText.add_constructor("tag:yaml.org,2002:timestamp", _text_of)


def read_yaml(text: str, *, file: str = "") -> Document:
    """Read a file; what is no YAML, says a key twice or carries a tag or an alias is refused with line and column."""
    yaml = _yaml()
    yaml.Constructor = _TimesAsText
    try:
        _refuse_what_grows(yaml, text, file)
        marked = yaml.load(text)
    except MarkedYAMLError as error:
        raise MalformedMessage(problem=f"{file}{_told(error)}") from None
    except (YAMLError, ValueError) as error:
        raise MalformedMessage(problem=f"{file}: not valid YAML: {error}") from None
    document = Document(None, file, marked)
    return Document(_plain(marked, document, ()), file, marked)


def amended(text: str, values: dict[str, str], *, file: str = "") -> str:
    """The file with the values of some places replaced, each given as YAML; all else stays as it was written."""
    read_yaml(text, file=file)
    marked = _yaml().load(text)
    for place, value in values.items():
        *way, last = keys_of(place)
        node = marked
        try:
            for key in way:
                node = node[key]
            node[last] = _yaml().load(value)
        except (LookupError, TypeError, YAMLError) as error:
            raise InvalidField(field=place, problem=f"cannot be set to {value!r}: {error}") from None
    return written(marked)


def written(document: Any) -> str:
    """The text of a document."""
    text = StringIO()
    _yaml().dump(document, text)
    return text.getvalue()


def keys_of(place: str) -> tuple[Key, ...]:
    """The steps of a place as it is written."""
    return tuple(int(step) if step.isdecimal() else step for step in place.split(".") if step)


def _yaml() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096  # lines are as long as their author likes
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _refuse_what_grows(yaml: YAML, text: str, file: str) -> None:
    """A few lines of aliases of aliases would grow beyond all bounds, and what is nested deeply takes for ever."""
    depth = 0
    for event in yaml.parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEEP or isinstance(event, AliasEvent):
            mark, what = event.start_mark, "aliases are" if depth <= DEEP else f"more than {DEEP} levels are"
            raise MalformedMessage(problem=f"{file}:{mark.line + 1}:{mark.column + 1}: {what} not read")


def _told(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    return f"{place}: not valid YAML: {error.problem or error.context}"


def _plain(node: Any, document: Document, place: tuple[Key, ...]) -> Any:
    """The node as plain values: subclasses that remember how they were written would be stored with it."""
    if isinstance(node, CommentedMap):
        return {key: _plain(value, document, (*place, key)) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value, document, (*place, number)) for number, value in enumerate(node)]
    if isinstance(node, TaggedScalar):
        line, column = document.spot(place) or (1, 1)
        raise MalformedMessage(problem=f"{document.file}:{line}:{column}: tags such as {node.tag.value} are not read")
    if isinstance(node, int) and not isinstance(node, bool):
        return int(node)
    return str(node) if isinstance(node, str) else node
