"""A real JupyterLab and a real Chromium for the tests of this folder.

A test takes the fixture `lab`, opens a notebook in it and works with the page as a learner does:

    def test_the_lesson_runs(lab):
        notebook = lab.open(NOTEBOOKS / "01_audio_io.ipynb")
        assert notebook.run_all(), notebook.cell_errors()

Every test ends with two checks: no error on the page, no request to a host other than this machine.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from course_utils.system import find_chromium, install_hint

LAB_FLAGS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",
    "--ServerApp.port_retries=0",
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    "--LanguageServerManager.autodetect=False",
    "--ServerApp.shutdown_no_activity_timeout=900",  # if the tests are killed and cannot end it
    "--MappingKernelManager.cull_idle_timeout=600",
]

LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "kernelShutdown": True},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/extensionmanager-extension:plugin": {"enabled": False},
}

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

PYTHON_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


# What JupyterLab itself reports as an error and is none.
HARMLESS = [
    "Canceled future for",  # a question to the kernel was open when it was restarted
]


expect.set_options(timeout=15_000)  # milliseconds; a machine that tests in parallel can be slow


@dataclass(frozen=True)
class Server:
    """A running JupyterLab.

    `root` is the folder it shows, `settings` where it keeps what a user changes, `home` where the course keeps answers.
    """

    url: str
    token: str
    root: Path
    settings: Path
    home: Path

    def call(self, method: str, path: str) -> list | dict | None:
        """Send a request to the server's REST interface."""
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read() or "null")


@dataclass
class Notebook:
    """A notebook opened in JupyterLab; `page` is its Playwright page, `path` the copy that is open."""

    page: Page
    path: Path

    def run_all(self, seconds: float = 120) -> bool:
        """Run every cell; False when one raised, TimeoutError when they need longer than `seconds`."""
        return self.wait_for("window.jupyterapp.commands.execute('notebook:run-all-cells')", seconds)

    def wait_for(self, promise: str, seconds: float = 30) -> bool | int | float | str | list | dict | None:
        """Evaluate JavaScript in which `panel` is the notebook, wait for the promise and return its value.

        Playwright's own `evaluate` waits for ever.
        """
        kind, value = self.page.evaluate(
            f"""async () => {{
                const panel = window.jupyterapp.shell.currentWidget;
                return Promise.race([
                    (async () => ["value", await {promise}])(),
                    new Promise(resolve => setTimeout(resolve, {1000 * seconds}, ["late", null])),
                ]);
            }}"""
        )
        if kind == "late":
            raise TimeoutError(f"{self.path.name}: no answer after {seconds} s from {promise}")
        return value

    def cell_errors(self) -> list[str]:
        """The errors that cells show, such as "ZeroDivisionError: division by zero"."""
        return self.wait_for(
            """panel.content.widgets
                .flatMap(cell => cell.model.sharedModel.toJSON().outputs ?? [])
                .filter(output => output.output_type === "error")
                .map(output => `${output.ename}: ${output.evalue}`)"""
        )

    def restart_kernel(self) -> None:
        """Restart the kernel as the menu does, without the question; outputs stay."""
        kernel = "panel.sessionContext.session.kernel"
        self.wait_for(f"{kernel}.restart().then(() => {kernel}.requestKernelInfo()).then(() => null)")

    def axe(self, selector: str) -> list[str]:
        """What axe-core finds serious or critical in the elements that a CSS selector names, one line each."""
        assert self.page.locator(selector).count(), f"nothing on the page matches {selector}"
        return [
            f"{violation['id']}: {violation['help']} at {[node['target'] for node in violation['nodes']]}"
            for violation in Axe().run(self.page, context=selector).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]

    def use_theme(self, theme: str) -> None:
        """Switch JupyterLab to "light" or "dark"."""
        name = json.dumps({"theme": f"JupyterLab {theme.title()}"})
        self.wait_for(f"window.jupyterapp.commands.execute('apputils:change-theme', {name})")
        light = json.dumps(theme == "light")
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")


@dataclass
class Lab:
    """JupyterLab as one test sees it, with what went wrong on its pages; `pictures` is the test's own folder."""

    server: Server
    context: BrowserContext
    pictures: Path
    errors: list[str] = field(default_factory=list)
    outside_requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("request", lambda request: self._note_request(request.url))
        self.context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self.context.on("console", self._note_console)

    def open(self, source: Path | nbformat.NotebookNode) -> Notebook:
        """Open a copy of a notebook in a new tab and wait until its kernel is ready."""
        folder = self.server.root / secrets.token_hex(4)
        folder.mkdir()
        if isinstance(source, Path):
            path = Path(shutil.copy(source, folder))
        else:
            path = folder / "notebook.ipynb"
            source.metadata.setdefault("kernelspec", PYTHON_KERNEL)
            nbformat.write(source, path)
        page = self.context.new_page()
        page.on("websocket", lambda socket: self._note_request(socket.url))
        tree = quote(path.relative_to(self.server.root).as_posix())
        page.goto(f"{self.server.url}lab/workspaces/{folder.name}/tree/{tree}?token={self.server.token}")
        page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext")
        notebook = Notebook(page, path)
        for promise in ("window.jupyterapp.restored", "panel.context.ready", "panel.sessionContext.ready"):
            notebook.wait_for(f"{promise}.then(() => null)")
        return notebook

    def take_pictures(self) -> list[Path]:
        """Save what each page shows now."""
        files = [self.pictures / f"page-{number}.png" for number in range(len(self.context.pages))]
        for file, page in zip(files, self.context.pages, strict=True):
            page.screenshot(path=file)
        return files

    def check(self) -> None:
        """Fail when a page had an error or asked another host for something."""
        assert not self.errors, f"errors on the page: {self.errors}"
        assert not self.outside_requests, f"requests to other hosts: {self.outside_requests}"

    def _note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1":
            self.outside_requests.append(url)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(words in message.text for words in HARMLESS):
            self.errors.append(f"console: {message.text} ({message.location['url']})")


@contextmanager
def running_lab(base: Path) -> Iterator[Server]:
    """Run JupyterLab with all its files in the empty folder `base`, on a port that the operating system chose."""
    folders = {name: base / name for name in ("config", "data", "runtime", "ipython", "home", "root")}
    folders |= {name: base / name for name in ("app_settings", "user_settings", "workspaces")}
    for folder in folders.values():
        folder.mkdir()
    (folders["app_settings"] / "overrides.json").write_text(json.dumps(LAB_SETTINGS), encoding="utf-8")
    token = secrets.token_hex(16)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(folders["config"]),
        "JUPYTER_DATA_DIR": str(folders["data"]),
        "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
        "IPYTHONDIR": str(folders["ipython"]),
        "COURSE_HOME": str(folders["home"]),
        "JUPYTER_TOKEN": token,
        "OMP_NUM_THREADS": "1",
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", *LAB_FLAGS),
        f"--ServerApp.root_dir={folders['root']}",
        f"--LabApp.app_settings_dir={folders['app_settings']}",
        f"--LabApp.user_settings_dir={folders['user_settings']}",
        f"--LabApp.workspaces_dir={folders['workspaces']}",
    ]
    log = base / "lab.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = _wait_for_server(process, folders["runtime"], log)
        yield Server(url, token, folders["root"], folders["user_settings"], folders["home"])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_server(process: subprocess.Popen, runtime: Path, log: Path) -> str:
    """The address that JupyterLab writes down once it listens."""
    give_up = time.monotonic() + 90
    while time.monotonic() < give_up and process.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            try:
                url = json.loads(file.read_text(encoding="utf-8"))["url"]
                urllib.request.urlopen(url + "api", timeout=5).close()
                return url
            except (ValueError, OSError):  # half written, or not listening yet
                pass
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run headless Chromium with an empty profile."""
    chromium = find_chromium()
    if chromium is None:
        pytest.fail(f"The browser tests need Chromium. {install_hint('chromium')}", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@contextmanager
def visit(server: Server, browser: Browser, pictures: Path, **settings: float) -> Iterator[Lab]:
    """Come to JupyterLab as somebody new; at the end, leave no kernel, no changed setting and no answer behind.

    Args:
        settings: of Playwright's `new_context`, such as `device_scale_factor=2`.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **settings)
    try:
        lab = Lab(server, context, pictures)
        yield lab
        lab.check()
    finally:
        context.close()
        for session in server.call("GET", "api/sessions"):
            server.call("DELETE", f"api/sessions/{session['id']}")
        for folder in (server.settings, server.home):
            shutil.rmtree(folder)
            folder.mkdir()


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


# One browser for each module: Playwright keeps an event loop running in the test's thread, which other tests
# in the same process, such as those that run notebooks with nbclient, should not find there.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as running:
        yield running


@pytest.fixture
def lab(request: pytest.FixtureRequest, lab_server: Server, browser: Browser, tmp_path: Path) -> Iterator[Lab]:
    """JupyterLab with its standard settings; fails the test on a page error or an outside request.

    Another screen is asked for with `@pytest.mark.parametrize("lab", [{"device_scale_factor": 2}], indirect=True)`.
    """
    with visit(lab_server, browser, tmp_path, **getattr(request, "param", {})) as opened:
        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """A failed test keeps a picture of each page it had open."""
    report = yield
    if report.when == "call" and report.failed and "lab" in item.funcargs:
        for picture in item.funcargs["lab"].take_pictures():
            report.sections.append(("Picture of the page", str(picture)))
    return report
