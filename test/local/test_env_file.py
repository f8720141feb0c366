"""Config vars, as .env files and arguments have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.local.env_file import EnvUnreadable, read_env_file, read_pairs

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)
PLAIN = st.from_regex(r"[A-Za-z0-9_./:=@+-]*", fullmatch=True)


def parsed(folder: Path, text: str) -> dict[str, str]:
    file = folder / ".env"
    file.write_bytes(text.encode())
    return read_env_file(file)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=value", "value"),
        ("export KEY=value", "value"),
        ("  KEY = value ", "value"),
        ("KEY=", ""),
        ("KEY=a=b", "a=b"),
        ("KEY=value # a comment", "value"),
        ("KEY=#fff", "#fff"),
        ("KEY= # a comment alone", ""),
        ("KEY='a # \\n b'", "a # \\n b"),
        ('KEY="two\\nlines" # a comment', "two\nlines"),
        ('KEY="a \\"quote\\" and \\\\"', 'a "quote" and \\'),
        ("KEY=it's", "it's"),
        ("KEY=value\r", "value"),
        ("\ufeffKEY=value", "value"),
        ("KEY=first\n# KEY=never\n\nKEY=last", "last"),
    ],
)
def test_a_line_is_read_as_dotenv_reads_it(tmp_path: Path, line: str, value: str) -> None:
    assert parsed(tmp_path, line) == {"KEY": value}


@pytest.mark.parametrize("line", ["word", "2KEY=1", "KE-Y=1", "=1", "KEY='no end", 'KEY="a" b'])
def test_other_lines_are_told_by_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(EnvUnreadable) as refused:
        parsed(tmp_path, f"GOOD=1\n{line}\n")
    assert refused.value.problems == ("line 2: not KEY=VALUE",)


def test_a_file_that_is_not_there_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(EnvUnreadable) as absent:
        read_env_file(tmp_path / "absent")
    assert absent.value.problems == ("No such file or directory",)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EnvUnreadable) as binary:
        read_env_file(tmp_path / "binary")
    assert binary.value.problems == ("not UTF-8",)


@given(st.dictionaries(NAMES, PLAIN))
def test_plain_values_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[str, str]
) -> None:
    text = "".join(f"{name}={value}\n" for name, value in pairs.items())
    assert parsed(tmp_path_factory.mktemp("env"), text) == pairs


@given(st.dictionaries(NAMES, st.text().filter(lambda text: "\0" not in text)))
def test_an_argument_s_value_is_taken_as_it_is(pairs: dict[str, str]) -> None:
    assert read_pairs(f"{name}={value}" for name, value in pairs.items()) == pairs


def test_an_argument_without_a_name_is_told_by_number() -> None:
    with pytest.raises(EnvUnreadable) as refused:
        read_pairs(["A=1", "hunter22"])
    assert refused.value.where == "--env"
    assert refused.value.problems == ("number 2: not KEY=VALUE",)
