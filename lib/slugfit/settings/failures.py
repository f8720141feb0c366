"""What can be wrong with a configuration."""

from __future__ import annotations

from slugfit.base.errors import Explanation, Failure, Problem


class SettingsInvalid(Failure):
    """Values or keys that Slugfit does not understand: all of them at once."""

    id = "settings::invalid"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems

    def explain(self) -> Explanation:
        count = len(self.problems)
        noun = "a problem" if count == 1 else f"{count} problems"
        return Explanation(
            summary=f"The configuration has {noun}.",
            evidence=tuple(problem.lines() for problem in self.problems),
            why="Nothing was fetched, removed or changed.",
            fixes=(
                "Correct each value named above. A config var is changed with:\n"
                "heroku config:set NAME=value",
            ),
        )

    def __str__(self) -> str:
        return f"Invalid configuration: {', '.join(p.where for p in self.problems)}"


class MalformedToml(Failure):
    """A file that no TOML parser can read. `detail` is the parser's reason, with the line."""

    id = "settings::malformed-toml"

    def __init__(self, file: str, detail: str) -> None:
        self.file = file
        self.detail = detail

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"{self.file} is not valid TOML.",
            where=self.file,
            evidence=(self.detail,),
            fixes=(
                'Correct the line named above. Text needs quotes: limit = "300MB"',
                "Check the file on your computer:\n"
                f'python3 -c \'import tomllib; tomllib.load(open("{self.file}", "rb"))\'',
            ),
        )


class ConfiguredTwice(Failure):
    """Two files configure the build, and either could be the one meant."""

    id = "settings::configured-twice"

    def explain(self) -> Explanation:
        return Explanation(
            summary="Slugfit is configured in two files.",
            where="slugfit.toml\npyproject.toml: [tool.slugfit]",
            why="Only one of them can be the one you mean.",
            fixes=("Move everything into one of the two and delete the other.",),
        )
