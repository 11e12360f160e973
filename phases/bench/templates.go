package main

// The pieces that modules are made of. In them, upper-case words stand for
// names: NOUN and OTHER for things, VERB for what is done to them, FIELD for an
// attribute, NUMBER for a number, and Noun for a class.

const moduleHead = `"""Rules for the NOUN of the AREA.

A NOUN comes in from the OTHER side, is checked once, and is handed on. Nothing
here talks to the network: callers pass in what they have read, and write what
they get back.
"""

from __future__ import annotations

import dataclasses
import logging
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Iterable, Iterator, Mapping, Optional

`

const moduleNames = `
logger = logging.getLogger(__name__)

DEFAULT_FIELD = NUMBER
KNOWN_STATES = ("open", "held", "settled", "void")

`

const dataClass = `
@dataclasses.dataclass(frozen=True)
class CLASS:
    """One NOUN as the OTHER system sends it."""

    identifier: str
    FIELD: int = DEFAULT_FIELD
    state: str = "open"
    created: Optional[datetime] = None
    labels: tuple[str, ...] = ()
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.state in ("open", "held")

    def with_state(self, state: str) -> "CLASS":
        """Returns the same NOUN in another state; the old one is left alone."""
        if state not in KNOWN_STATES:
            raise ValueError(f"{state!r} is no state of a NOUN: {', '.join(KNOWN_STATES)}")
        return dataclasses.replace(self, state=state)

    def __str__(self) -> str:
        return "NOUN %s (%s, FIELD %d)" % (self.identifier, self.state, self.FIELD)

`

const manager = `
class CLASSManager:
    """Keeps every NOUN that is being worked on, by identifier."""

    limit = NUMBER

    def __init__(self, items: Iterable[Any] = (), *, strict: bool = False) -> None:
        self._items: dict[str, Any] = {}
        self._history: list[tuple[datetime, str]] = []
        self.strict = strict
        for item in items:
            self.add(item)

    def add(self, item: Any) -> None:
        if item.identifier in self._items and self.strict:
            raise KeyError(f"there is a NOUN {item.identifier} already")
        if len(self._items) >= self.limit:
            # The oldest one makes room: who still needs it has kept it.
            oldest = min(self._items.values(), key=lambda known: known.created or datetime.min)
            del self._items[oldest.identifier]
            logger.debug("dropped %s to make room for %s", oldest.identifier, item.identifier)
        self._items[item.identifier] = item
        self._history.append((datetime.min, f"added {item.identifier}"))

    def find(self, identifier: str, default: Any = None) -> Any:
        return self._items.get(identifier, default)

    def VERB_all(self, FIELD: int = NUMBER) -> Iterator[Any]:
        """Yields what there is to VERB, the smallest first."""
        for key, item in sorted(self._items.items(), key=lambda pair: (pair[1].FIELD, pair[0])):
            if item.FIELD > FIELD:
                break
            yield item

    def summary(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for item in self._items.values():
            counts[item.state] += 1
        counts["total"] = len(self._items)
        return dict(counts)

    def __len__(self) -> int:
        return len(self._items)

`

// functions are the bodies that a module's functions are chosen from. Each
// defines FUNC.
var functions = []string{`
def FUNC(items: Iterable[Any], *, FIELD: int = DEFAULT_FIELD) -> list[Any]:
    """Returns the items whose FIELD is at most the given one.

    Items without a FIELD count as zero. The order is kept, so that a report
    made of the result can be compared with the one of the day before.
    """
    result = []
    for item in items:
        value = getattr(item, "FIELD", 0) or 0
        if value <= FIELD:
            result.append(item)
        elif logger.isEnabledFor(logging.DEBUG):
            logger.debug("left out %s: FIELD %d is more than %d", item, value, FIELD)
    return result

`, `
def FUNC(rows: Iterable[Mapping[str, Any]], since: Optional[datetime] = None) -> dict[str, list[Any]]:
    """Groups rows of the OTHER table by their NOUN."""
    grouped: dict[str, list[Any]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        key = row.get("NOUN") or row.get("OTHER")
        if not key:
            raise ValueError(f"row {number} has neither a NOUN nor a OTHER: {dict(row)!r}")
        when = row.get("created")
        if since is not None and when is not None and when < since - timedelta(days=NUMBER):
            continue
        grouped[str(key).strip().lower()].append(
            {
                "identifier": row.get("id", number),
                "FIELD": int(row.get("FIELD", DEFAULT_FIELD)),
                "labels": tuple(sorted(row.get("labels", ()))),
            }
        )
    return dict(grouped)

`, `
def FUNC(path: str, encoding: str = "utf-8") -> Iterator[tuple[str, int]]:
    """Reads lines such as "NOUN = NUMBER"; '#' begins a comment."""
    with open(path, encoding=encoding) as lines:
        for number, line in enumerate(lines, start=1):
            text, _, comment = line.partition("#")
            text = text.strip()
            if not text:
                continue
            name, separator, value = text.partition("=")
            if not separator:
                raise SyntaxError(f"{path}:{number}: there is no '=' in {text!r}")
            try:
                yield name.strip(), int(value)
            except ValueError as error:
                raise SyntaxError(f"{path}:{number}: {value.strip()!r} is no number") from error

`, `
def FUNC(amount: int, rate: float = 0.NUMBER, *, rounding: int = 2) -> float:
    """What a OTHER of this amount costs, with the FIELD taken off."""
    if amount < 0:
        raise ValueError("an amount cannot be negative: %d" % amount)
    base = amount * (1.0 + rate)
    if amount > 10 * DEFAULT_FIELD:
        base -= min(base * 0.05, NUMBER)  # large ones are cheaper
    elif amount > DEFAULT_FIELD:
        base -= min(base * 0.02, NUMBER / 2)
    return round(base, rounding)

`, `
def FUNC(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Finds where two states of a NOUN differ.

    >>> FUNC({"a": 1, "b": 2}, {"a": 1, "b": 3})
    {'b': (2, 3)}
    """
    changed = {}
    for key in left.keys() | right.keys():
        before, after = left.get(key), right.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            for inner, values in FUNC(before, after).items():
                changed[f"{key}.{inner}"] = values
        elif before != after:
            changed[key] = (before, after)
    return changed

`, `
def FUNC(client: Any, identifier: str, attempts: int = 3) -> Any:
    """Asks the OTHER for a NOUN until it answers."""
    last: Optional[Exception] = None
    for attempt in range(1, attempts + 1):
        try:
            answer = client.get(f"/OTHER/{identifier}", timeout=NUMBER)
        except (ConnectionError, TimeoutError) as error:
            last = error
            logger.warning("attempt %d of %d to VERB %s failed: %s", attempt, attempts, identifier, error)
            continue
        if answer.get("state") in KNOWN_STATES:
            return answer
        logger.info("the NOUN %s is not ready yet: %r", identifier, answer.get("state"))
    raise RuntimeError(f"could not VERB the NOUN {identifier}") from last

`, `
def FUNC(items: list[Any], size: int = NUMBER) -> Iterator[list[Any]]:
    """Cuts items into pieces of the same size; the last one may be shorter."""
    if size < 1:
        raise ValueError("pieces of no size have no end")
    for start in range(0, len(items), size):
        piece = items[start : start + size]
        yield [item for item in piece if item is not None]

`, `
def FUNC(report: Mapping[str, Iterable[Any]], width: int = 72) -> str:
    """Writes a report for people: one line a NOUN, totals at the end."""
    lines = ["NOUN report".center(width), "=" * width]
    total = 0
    for name, entries in sorted(report.items()):
        values = [getattr(entry, "FIELD", 0) for entry in entries]
        total += sum(values)
        lines.append(f"{name:<{width - 20}}{len(values):>8}{sum(values):>12}")
        if any(value < 0 for value in values):
            lines.append("  (!) some FIELD is negative, see the OTHER")
    lines.append("-" * width)
    lines.append(f"{'total':<{width - 12}}{total:>12}")
    return "\n".join(lines)

`}

const testHead = `"""Tests for AREA.SUB.TOPIC."""

from unittest import mock

import pytest

`

const testFunction = `
@pytest.mark.parametrize("value, expected", [(0, True), (NUMBER, True), (-1, False)])
def test_VERB_NOUN_NUMBER(value, expected, tmp_path):
    """A NOUN with a FIELD of value is taken, or not."""
    settings = {"FIELD": value, "state": "open", "OTHER": str(tmp_path)}
    calls = []

    def record(*args, **kwargs):
        calls.append((args, kwargs))
        return settings["FIELD"] >= 0

    assert record("NOUN", FIELD=value) is expected
    assert calls == [(("NOUN",), {"FIELD": value})]
    assert settings["OTHER"].startswith("/") or settings["state"] != "open"

`

const patchTest = `
@mock.patch("NAME.FUNC")
def test_replaces_FUNC_NUMBER(replaced):
    replaced.return_value = [NUMBER]
    with mock.patch("NAME.logger") as log:
        assert replaced() == [NUMBER]
    log.warning.assert_not_called()

`
