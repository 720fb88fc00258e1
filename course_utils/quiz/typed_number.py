"""Read a number as people type it: 62.5, 62,5, 16 000, 16,000 Hz, 16 kHz, 1.6e4, 1/3."""

import math
import re

MAX_LENGTH = 60
_SPACES = " \t\u00a0\u2009\u202f"
_PREFIXES = {"kilo": 1e3, "mega": 1e6, "giga": 1e9, "milli": 1e-3, "micro": 1e-6, "nano": 1e-9}
_PREFIXES |= {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9}
_TAKES_PREFIX = {"hz", "s", "b", "bit"}
_SAME = {"hertz": "hz", "sec": "s", "second": "s", "byte": "b", "decibel": "db", "percent": "%"}

_PART = rf"[+-]?[\d.,'\u2019_{_SPACES}]*\d[.,]?(?:[{_SPACES}]*[eE][+-]?\d+)?"
_TYPED = re.compile(rf"[=~≈]?\s*(?P<number>{_PART})\s*(?:/\s*(?P<divisor>{_PART}))?\s*(?P<unit>[^\W\d_].*|[%°].*)?")


class NotANumber(ValueError):
    """What was typed cannot be read as one finite number; the message tells the learner why."""


def read_number(typed: str, unit: str | None = None) -> tuple[float, ...]:
    """The numbers that a learner may have meant, in `unit`.

    A comma or a point before exactly three digits can be a decimal mark or group the digits: `16,000` gives both
    16.0 and 16000.0. Everything else has one reading.

    Args:
        typed: the number, with or without its unit.
        unit: the unit of the answer. Hz, s, B and bit may be typed with another prefix: `16 kHz` gives 16000.0 in Hz.

    Returns:
        One reading, or two with the decimal one first.

    Raises:
        NotANumber: empty, infinite, too long, in another unit, or not a number at all.
    """
    typed = re.sub(r"(?<=[+-])\s+", "", typed.strip().replace("\u2212", "-"))
    if not typed:
        raise NotANumber("Type a number first.")
    if len(typed) > MAX_LENGTH:
        raise NotANumber("That is too long for a number: type its digits only.")
    if re.fullmatch(r"[+-]?\s*(inf|infinity|∞|nan)", typed, re.IGNORECASE):
        raise NotANumber("The answer is a finite number.")
    match = _TYPED.fullmatch(typed)
    if not match:
        raise NotANumber(f"“{typed}” is not a number: type digits, such as 62.5 or 1e-3.")
    factor = _factor((match["unit"] or "").removesuffix("."), unit)
    divisors = _readings(match["divisor"]) if match["divisor"] else (1.0,)
    if 0.0 in divisors:
        raise NotANumber("Nothing can be divided by zero.")
    values = tuple(number / divisor * factor for number in _readings(match["number"]) for divisor in divisors)
    if not all(map(math.isfinite, values)):
        raise NotANumber("The answer is a finite number.")
    return values


def _readings(number: str) -> tuple[float, ...]:
    mantissa, exponent = re.fullmatch(r"(.*?)([eE].*)?", number.strip(_SPACES)).groups(default="")
    digits = re.sub(rf"(?<=\d)[{_SPACES}'\u2019_](?=\d{{3}}(?!\d))", "", mantissa.rstrip(_SPACES))
    marks = re.sub(r"[+\-\d]", "", digits)
    body = digits.lstrip("+-")
    if marks in ("", ".", ","):
        texts = [digits.replace(",", ".")]
        if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", body):
            texts.append(re.sub("[.,]", "", digits))
    elif re.fullmatch(r"\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?", body):
        texts = [digits.replace(",", "")]
    elif re.fullmatch(r"\d{1,3}(\.\d{2,3})*\.\d{3}(,\d*)?", body):
        texts = [digits.replace(".", "").replace(",", ".")]
    else:
        raise NotANumber(f"“{number.strip()}” can be read in several ways: type it without separators, such as 16000.")
    return tuple(float(text + exponent) for text in texts)


def _factor(typed: str, expected: str | None) -> float:
    """What a number in the typed unit is multiplied by to be in the expected one."""
    if not typed:
        return 1.0
    if not expected:
        raise NotANumber("Type the number alone, without a unit.")
    base, scale = _unit(expected)
    if typed in ("k", "K", "M") and base in _TAKES_PREFIX:
        typed += base
    typed_base, typed_scale = _unit(typed)
    if typed_base != base:
        raise NotANumber(f"This answer is in {expected}, not in {typed}: convert it first.")
    return typed_scale / scale


def _unit(text: str) -> tuple[str, float]:
    """The unit's name without prefix and plural, and what the prefix multiplies by."""
    name = _singular(text)
    if name not in _TAKES_PREFIX:
        for prefix, scale in _PREFIXES.items():
            base = _singular(text.removeprefix(prefix))
            if text.startswith(prefix) and base in _TAKES_PREFIX:
                return base, scale
    return name, 1.0


def _singular(name: str) -> str:
    name = name.strip().lower()
    name = name.removesuffix("s") if len(name) > 3 else name
    return _SAME.get(name, name)
