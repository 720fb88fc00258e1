"""The `course` command."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text
from typer.core import TyperGroup

from course_utils.errors import CourseError
from course_utils.pretrained.catalogue import Model

# Each command imports what it needs, so that `course --help` does not wait for torch.

STATUS_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


class CourseGroup(TyperGroup):
    """Commands that tell a CourseError in two lines, without a traceback, and exit with 1."""

    def invoke(self, ctx: typer.Context) -> object:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            console = _console(stderr=True)
            console.print(error.problem, style="bold red")
            console.print(error.remedy)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=CourseGroup, add_completion=False, help="The torchaudio course: open it, check it, see how far you are."
)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open the course in JupyterLab. Further options go to JupyterLab, such as --no-browser."""
    from course_utils.lab import open_lab

    open_lab(context.args)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a bug report.")] = False) -> None:
    """Check this computer: what works, what is missing, and what to do about it."""
    from course_utils.doctor import checks, report

    results = checks()
    if as_json:
        print(json.dumps(report(results), indent=2))
    else:
        console = _console()
        table = Table("Check", "Status", "Found", title="Course doctor")
        for check in results:
            table.add_row(
                check.name, Text(check.status, STATUS_STYLES[check.status]), Text(check.found, overflow="fold")
            )
        console.print(table)
        for check in results:
            if check.remedy:
                console.print(f"{check.name}: {check.remedy}")
    raise typer.Exit(any(check.status == "problem" for check in results))


@app.command()
def reset(notebook: Annotated[str, typer.Argument(help="Its number, such as 01.")]) -> None:
    """Bring a notebook back as it was; your copy is kept beside it, with the date in its name."""
    from course_utils import workspace

    _console().print(workspace.reset(notebook))


@app.command()
def progress(csv: Annotated[Path | None, typer.Option(help="Write every answer to this file.")] = None) -> None:
    """Show how far you are, notebook by notebook."""
    from course_utils.progress import export_csv, next_step, progress_rows
    from course_utils.progress_store import storage_problem

    console = _console()
    if csv:
        console.print(f"All answers are in {export_csv(csv)}.")
        return
    rows = progress_rows()
    table = Table("Notebook", "Questions right", "Exercises passed", "Last answer", title="Your progress")
    for row in rows:
        table.add_row(
            f"{row['notebook']} {row['title']}",
            f"{row['questions_right']} of {row['questions_total']}",
            f"{row['exercises_passed']} of {row['exercises_total']}",
            f"{datetime.fromisoformat(row['last']).astimezone():%Y-%m-%d %H:%M}" if row["last"] else "not started",
        )
    console.print(table)
    step = next_step(rows)
    console.print(f"Next: {step[0]}." if step else "Every question is answered and every exercise passed.")
    problem = storage_problem()
    if problem:
        console.print(problem, style="bold red")


@app.command()
def download(
    names: Annotated[list[str] | None, typer.Argument(help="Models, such as WAV2VEC2_ASR_BASE_960H.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All models.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Show the models, and which are here.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before starting.")] = False,
    mirror: Annotated[
        str | None,
        typer.Option(envvar="COURSE_MIRROR", help="Fetch from this address, which `course download --serve` prints."),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Offer your models to the local network, read-only.")] = False,
) -> None:
    """Fetch full-size models, for example before a workshop; what broke off goes on where it stopped."""
    from course_utils.pretrained.cache import cache_folder, is_here
    from course_utils.pretrained.catalogue import MODELS, find_model, megabytes
    from course_utils.pretrained.download import download_model

    console = _console()
    if serve:
        _serve(console)
        return
    models = [find_model(name) for name in names or MODELS]
    missing = [model for model in models if not is_here(model)]
    if listed or not missing or not (names or everything):
        console.print(_model_table(models, f"Models in {cache_folder()}"))
        if missing:
            console.print("Fetch one with `course download NAME`, all with `course download --all`.")
        return
    console.print(_model_table(missing, f"To be fetched to {cache_folder()}"))
    total = megabytes(sum(model.size for model in missing))
    if not yes:
        typer.confirm(f"Fetch {total}?", default=True, abort=True)
    for model in missing:
        download_model(model, mirror)
        console.print(f"{model.name} is here.")


def _model_table(models: list[Model], title: str) -> Table:
    from course_utils.pretrained.cache import is_here
    from course_utils.pretrained.catalogue import size_text

    table = Table(Column("Model", min_width=31), "Size", "Licence", "Here", title=title, show_lines=True)
    for model in models:
        here = "yes" if is_here(model) else "no"
        table.add_row(f"{model.name}\n{model.does}", size_text(model), Text(model.licence, overflow="fold"), here)
    return table


def _serve(console: Console) -> None:
    import asyncio
    from contextlib import suppress

    from course_utils.pretrained.mirror import offered_models, own_address, serve

    models = offered_models()
    names = " ".join(model.name for model in models)

    def ready(port: int) -> None:
        command = f"course download {names} --mirror http://{own_address()}:{port}"
        console.print(f"Learners on the same network type:\n\n  {command}\n")
        console.print("Nothing else on this computer is offered, and nothing can be changed. Stop with Ctrl+C.")

    with suppress(KeyboardInterrupt):
        asyncio.run(serve(models, console.print, ready))


@app.command()
def import_quiz(
    file: Annotated[Path, typer.Argument(help="A JSON file with questions.")],
    notebook: Annotated[str, typer.Option(help="Two digits, under which answers are stored.")] = "99",
    output: Annotated[
        Path | None, typer.Option(help="The file to write, NN_name.yaml; beside FILE if left out.")
    ] = None,
) -> None:
    """Turn a quiz of the package jupyterquiz into a question file of this course, and say what was lost."""
    from course_utils.files import replace_file
    from course_utils.quiz.jupyterquiz import import_jupyterquiz
    from course_utils.quiz.load import to_yaml

    imported = import_jupyterquiz(file, notebook)
    output = output or file.with_name(f"{notebook}_{file.stem}.yaml")
    if output.exists():
        raise CourseError(f"{output} is there already.", "Delete it, or name another file with --output.")
    try:
        replace_file(output, to_yaml(imported.quiz).encode())
    except OSError as error:
        raise CourseError(
            f"{output} cannot be written ({error.strerror}).", "Name another file with --output."
        ) from None
    console = _console()
    for line in imported.lost:
        console.print(line)
    count = len(imported.quiz.questions)
    console.print(f"{count} question{'' if count == 1 else 's'} in {output}.")


def _console(stderr: bool = False) -> Console:
    """A console that prints texts as they are, and breaks lines in tables only."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    app()
