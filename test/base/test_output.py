"""The log follows Heroku's conventions, and no secret gets into it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from urllib.parse import quote, quote_plus, urlencode

import pytest
import requests
from hypothesis import assume, given
from hypothesis import strategies as st

from slugfit.base.errors import Explanation, Failure, Problem
from slugfit.base.output import Output, Redactor
from slugfit.local.servers import free_port
from slugfit.settings.failures import SettingsInvalid
from slugfit.settings.problems import load_table
from support.paths import REPOSITORY

AWS_KEYS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+=", min_size=8)
# Without brackets, so that no part of "[redacted]" and its surroundings can be the secret.
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="[]")
PASSWORDS = st.text(PRINTABLE, min_size=4, max_size=40)
SURROUNDINGS = st.text(max_size=20)
# What no word that Slugfit itself writes contains.
TOKENS = st.text("QXZ0123456789", min_size=8, max_size=30)


class Sample(Failure):
    """A failure with everything in it."""

    id = "sample::broken"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The sample is broken.",
            where="sample.bin",
            evidence=("first\n\n  third",),
            fixes=("Mend it:\nmend sample.bin",),
        )


class Log:
    """What an Output wrote, colours included."""

    def __init__(self, *secrets: str) -> None:
        self.stdout = io.StringIO()
        self.stderr = io.StringIO()
        self.output = Output(self.stdout, self.stderr, Redactor(secrets))


def test_a_step_begins_with_an_arrow() -> None:
    log = Log()
    log.output.step("Measuring the slug")
    assert (log.stdout.getvalue(), log.stderr.getvalue()) == ("-----> Measuring the slug\n", "")


def test_each_line_of_a_detail_is_indented_and_none_ends_in_blanks() -> None:
    log = Log()
    log.output.detail("from s3://bucket/key\n\n  twice as deep  ")
    assert log.stdout.getvalue() == "       from s3://bucket/key\n\n         twice as deep\n"
    assert log.stderr.getvalue() == ""


def test_a_warning_is_yellow_on_every_line_and_stands_alone() -> None:
    log = Log()
    log.output.warning("The slug grows.", "It is large.\nVery.", "Make it smaller.")
    assert log.stdout.getvalue() == ""
    assert log.stderr.getvalue() == (
        "\n"
        "\033[1;33m !     Warning: The slug grows.\033[0m\n"
        "\033[1;33m !\033[0m\n"
        "\033[1;33m !     It is large.\033[0m\n"
        "\033[1;33m !     Very.\033[0m\n"
        "\033[1;33m !\033[0m\n"
        "\033[1;33m !     Make it smaller.\033[0m\n"
        "\n"
    )


def test_an_error_is_red_on_every_line_and_stands_alone() -> None:
    log = Log()
    log.output.failure(Sample())
    assert log.stdout.getvalue() == ""
    assert log.stderr.getvalue() == (
        "\n"
        "\033[1;31m !     Error: The sample is broken.\033[0m\n"
        "\033[1;31m !\033[0m\n"
        "\033[1;31m !     sample.bin\033[0m\n"
        "\033[1;31m !     first\033[0m\n"
        "\033[1;31m !\033[0m\n"
        "\033[1;31m !       third\033[0m\n"
        "\033[1;31m !\033[0m\n"
        "\033[1;31m !     To fix this:\033[0m\n"
        "\033[1;31m !     1. Mend it:\033[0m\n"
        "\033[1;31m !        mend sample.bin\033[0m\n"
        "\033[1;31m !\033[0m\n"
        "\033[1;31m !     For more information, see:\033[0m\n"
        "\033[1;31m !     https://github.com/slugfit/slugfit/blob/main/docs/errors.md#samplebroken\033[0m\n"
        "\n"
    )


def test_both_streams_keep_their_order_in_the_one_log_that_heroku_makes_of_them() -> None:
    script = (
        "import sys\n"
        "from slugfit.base.output import Output, Redactor\n"
        "output = Output(sys.stdout, sys.stderr, Redactor())\n"
        "output.step('First')\n"
        "output.warning('Second.')\n"
        "output.detail('Third')\n"
        "sys.stdout.write('Fourth, by another, unflushed\\n')\n"
        "output.warning('Fifth.')\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(REPOSITORY / "lib"), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    assert child.stdout == (
        "-----> First\n"
        "\n\033[1;33m !     Warning: Second.\033[0m\n\n"
        "       Third\n"
        "Fourth, by another, unflushed\n"
        "\n\033[1;33m !     Warning: Fifth.\033[0m\n\n"
    )


@pytest.mark.parametrize("say", ["step", "detail", "warning"])
def test_whatever_is_said_is_redacted(say: str) -> None:
    log = Log("wJalrXUtnFEMI")
    getattr(log.output, say)("the key wJalrXUtnFEMI, and https://me:pass@host/p?sig=abc")
    said = log.stdout.getvalue() + log.stderr.getvalue()
    assert "the key [redacted], and https://[redacted]@host/p?[redacted]" in said


def test_an_error_is_redacted() -> None:
    problem = Problem("models[0].source", '"https://me:pass@host/p?sig=wJalrXUtnFEMI"', "a URL")
    log = Log("wJalrXUtnFEMI")
    log.output.failure(SettingsInvalid((problem,)))
    assert '  found:   "https://[redacted]@host/p?[redacted]"\033[0m\n' in log.stderr.getvalue()


def test_a_long_value_is_not_cut_to_where_its_password_is_no_longer_seen_as_one() -> None:
    password = "correct-horse-battery-staple-" * 4
    table = {"models": [{"source": f"https://user:{password}@host.example/model.bin"}]}
    _, problems = load_table(table)
    log = Log()
    log.output.failure(SettingsInvalid(tuple(problem for _, problem in problems)))
    assert "models[0].source" in log.stderr.getvalue()
    assert "correct-horse" not in log.stderr.getvalue()


@given(PASSWORDS, SURROUNDINGS, SURROUNDINGS)
def test_a_secret_survives_in_no_spelling(secret: str, before: str, after: str) -> None:
    redact = Redactor([secret])
    for spelling in {secret, quote(secret), quote_plus(secret)}:
        assume(spelling not in "[redacted]")
        assert spelling not in redact(before + spelling + after)


@given(AWS_KEYS, SURROUNDINGS, SURROUNDINGS)
def test_a_key_survives_in_no_spelling_that_a_signed_url_gives_it(
    key: str, before: str, after: str
) -> None:
    assume(key not in "[redacted]")
    redact = Redactor([key])
    for spelling in {quote(key, safe=""), urlencode({"k": key}).removeprefix("k=")}:
        assert spelling not in redact(before + spelling + after)


@given(st.lists(AWS_KEYS, min_size=1, max_size=4), SURROUNDINGS)
def test_of_several_secrets_none_survives(secrets: list[str], between: str) -> None:
    assume(not any(secret in "[redacted]" for secret in secrets))
    redacted = Redactor(secrets)(between.join(secrets))
    assert not any(secret in redacted for secret in secrets)


def test_a_secret_that_begins_like_another_hides_the_longer_one_whole() -> None:
    redact = Redactor(["abcd", "abcdefgh"])
    assert redact("abcdefgh and abcd") == "[redacted] and [redacted]"


def test_a_secret_is_no_pattern() -> None:
    assert Redactor(["a.c+[x"])("abc+[x a.c+[x") == "abc+[x [redacted]"


@given(st.lists(st.text(PRINTABLE, min_size=20, max_size=64), min_size=2, max_size=5))
def test_a_secret_of_several_lines_survives_in_none_of_them(lines: list[str]) -> None:
    parts = [line.strip() for line in lines]
    assume(all(len(part) >= 16 for part in parts))
    log = Log("\n".join(lines) + "\n")
    log.output.detail("\n".join(lines))
    assert not any(part in log.stdout.getvalue() for part in parts)


def test_a_short_line_of_a_long_secret_is_no_secret_of_its_own() -> None:
    redact = Redactor(['{\n"type": 1,\n"key": "0123456789abcdef"\n}'])
    assert redact('{ "type": 1, "key": "0123456789abcdef" }') == '{ "type": 1, [redacted] }'


def test_a_line_end_is_no_part_of_a_secret() -> None:
    assert Redactor(["abcd\n"])("abcd") == "[redacted]"


def test_a_secret_that_comes_later_is_taken_out_from_then_on() -> None:
    redact = Redactor(["first-secret"])
    assert redact("first-secret second-secret") == "[redacted] second-secret"
    redact.learn(["second-secret"])
    redact.learn([])
    assert redact("first-secret second-secret") == "[redacted] [redacted]"


@pytest.mark.parametrize("secret", ["", "a", "abc"])
def test_what_is_too_short_to_be_a_secret_takes_nothing_out(secret: str) -> None:
    assert Redactor([secret])("a cab, an abc") == "a cab, an abc"


@given(TOKENS, TOKENS, st.sampled_from(["https", "http", "s3", "HTTPS", "git+ssh"]))
def test_credentials_in_a_url_do_not_survive(user: str, password: str, scheme: str) -> None:
    redacted = Redactor()(f"see {scheme}://{user}:{password}@host/path, then {scheme}://{user}@h")
    assert redacted == f"see {scheme}://[redacted]@host/path, then {scheme}://[redacted]@h"


def test_a_password_with_an_at_sign_does_not_survive() -> None:
    assert Redactor()("see https://user:pa@ss@host/path") == "see https://[redacted]@host/path"


@given(
    st.dictionaries(TOKENS, TOKENS, min_size=1, max_size=4),
    st.text(max_size=20).filter(lambda path: "\x00" not in path),
)
def test_a_query_string_does_not_survive(query: dict[str, str], path: str) -> None:
    path = quote(path, errors="replace")
    redacted = Redactor()(f'fetch "https://host/{path}?{urlencode(query)}" now')
    assert redacted == f'fetch "https://host/{path}?[redacted]" now'


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        pytest.param(
            "https://host/it's.bin?sig=abc", "https://host/it's.bin?[redacted]", id="apostrophe"
        ),
        pytest.param(
            "https://host/my model.bin?sig=abc",
            "https://host/my model.bin?[redacted]",
            id="blank",
        ),
        pytest.param(
            "https://host/m.bin?name='x'&sig=abc", "https://host/m.bin?[redacted]", id="quoted"
        ),
    ],
)
def test_a_query_string_does_not_survive_beside_unusual_characters(
    text: str, redacted: str
) -> None:
    assert Redactor()(text) == redacted


@pytest.mark.parametrize(
    "query", ["versionId=a&sig=b", "generation=1&sig=b", "generation=b", "versionId=a'&sig=b"]
)
def test_a_version_takes_no_other_part_of_a_query_along(query: str) -> None:
    assert Redactor()(f"see https://host/p?{query} now") == "see https://host/p?[redacted] now"


def test_the_forms_that_a_source_can_have_are_told_in_full() -> None:
    sources = ["s3://b", "gs://b", "az://b", "hf://b", "https://b", "ftp://b"]
    _, problems = load_table({"models": [{"source": source} for source in sources]})
    for _, problem in problems:
        assert Redactor()(problem.lines()) == problem.lines()


def test_a_signed_query_does_not_survive_in_the_clients_own_words() -> None:
    url = f"http://127.0.0.1:{free_port()}/model.bin?X-Amz-Signature=0123456789abcdef"
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get(url, timeout=5)
    assert "0123456789abcdef" in str(caught.value)
    assert "0123456789abcdef" not in Redactor()(str(caught.value))


@pytest.mark.parametrize(
    "text",
    [
        "-----> Fetching models/digits.tflite (48.2 MB)",
        "from s3://my-bucket/models/digits.tflite",
        "Is that so? Yes: mail me@example.com",
        "https://github.com/slugfit/slugfit/blob/main/docs/errors.md#settingsinvalid",
        "numpy/**/tests?",
        'from "s3://bucket/my key.bin?versionId=3sL4kqtJlcpXroDTDmJ.-rmSpXd3dIbrHY~_" (1 KB)',
        "gs://bucket/key?generation=1700000000000000",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(text: str) -> None:
    assert Redactor(["wJalrXUtnFEMI"])(text) == text


@given(
    st.lists(
        st.sampled_from(["https://", "s3://", "user:", "pa", "@", "host", "/", "?", "a=b", " "])
    ).map("".join)
)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    redact = Redactor(["user"])
    assert redact(redact(text)) == redact(text)


def test_every_text_in_a_document_is_redacted_and_the_rest_is_kept() -> None:
    document = {
        "source": "https://host/p?sig=abc",
        "models": [{"key": "wJalrXUtnFEMI", "bytes": 12, "etag": None}, "wJalrXUtnFEMI!"],
        "fresh": True,
        "seconds": 0.5,
    }
    assert Redactor(["wJalrXUtnFEMI"]).values(document) == {
        "source": "https://host/p?[redacted]",
        "models": [{"key": "[redacted]", "bytes": 12, "etag": None}, "[redacted]!"],
        "fresh": True,
        "seconds": 0.5,
    }
