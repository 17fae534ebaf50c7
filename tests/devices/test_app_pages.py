from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest
from appium.webdriver.webdriver import WebDriver
from ruamel.yaml import YAML

from lab.apps.finding import How, Named
from lab.apps.page_script import Action
from lab.apps.trustpin_android import TrustPinAndroidApp
from lab.apps.yaml_page import YamlApp
from lab.devices.app_pages import find_page, load_page, read_page
from lab.devices.page_models import PageFile
from lab.devices.problems import SettingsError
from lab.devices.schema import schema
from lab.model.outcome import Answer, ErrorKind

NO_DRIVER: WebDriver = object()  # type: ignore[assignment]

WHOLE = """\
package: com.example.shop
activity: .MainActivity
start:
  - tap: {text: Skip}
    optional: true
  - wait: {id: home}
    seconds: 30
  - fill: {class: android.widget.EditText, index: 1}
    with: ${PASSWORD}
setup:
  - fill: {accessibility_id: configuration}
    with: "{configuration_url}"
  - back: true
  - tap: {text: Save}
setup_result:
  result: {id: state}
  accepted: [ready]
  refused: [{match: failed}]
request:
  before:
    - tap: {text: Clear}
  fill: {xpath: "//android.widget.EditText[last()]"}
  trigger: {uiautomator: 'new UiSelector().text("Go")'}
  result: {id: result}
  busy: [Loading]
  accepted: ['HTTP 2\\d\\d']
  refused:
    - match: Pins? mismatch
      kinds: [pin]
    - match: 'Error (?P<code>\\w+): (?P<message>.*)'
  seconds: 60
"""

SHORT = """\
package: com.example.shop
request:
  deep_link: "shop://fetch?u={url}"
  result: {id: result}
  accepted: [ok]
  refused: [{match: no}]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "page.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def complaint(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    """Return what is said about a file, without the path of its folder."""
    with pytest.raises(SettingsError) as raised:
        read_page(write(folder, text), environ or {})
    return str(raised.value).replace(f"{folder}/", "")


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    script = read_page(write(tmp_path, WHOLE), {"PASSWORD": "s3cret"})
    assert (script.package, script.activity) == ("com.example.shop", ".MainActivity")
    skip, wait, login = script.start
    assert (skip.action, skip.element, skip.optional) == (
        Action.TAP,
        Named(How.TEXT, "Skip"),
        True,
    )
    assert (wait.action, wait.seconds) == (Action.WAIT, 30)
    assert login.element == Named(How.CLASS, "android.widget.EditText", 1)
    assert login.text is not None
    assert login.text.fill({}, {"PASSWORD": "s3cret"}) == "s3cret"
    assert [step.action for step in script.setup] == [Action.FILL, Action.BACK, Action.TAP]
    asking = script.asking
    assert asking.trigger == Named(How.UIAUTOMATOR, 'new UiSelector().text("Go")')
    assert asking.reading.seconds == 60
    refused = asking.reading.outcome("Pin mismatch")
    assert refused is not None
    assert refused.kinds == {ErrorKind.PIN}
    assert script.setup_reading is not None
    ready = script.setup_reading.outcome("ready")
    assert ready is not None
    assert ready.answer is Answer.ACCEPTED


def test_the_shortest(tmp_path: Path) -> None:
    script = read_page(write(tmp_path, SHORT), {})
    assert (script.activity, script.start, script.setup) == ("", (), ())
    assert script.asking.fill is None
    assert script.asking.trigger is None


@pytest.mark.parametrize("text", [WHOLE, SHORT])
def test_the_schema_takes_what_the_reader_takes(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(PageFile))
    content = json.loads(json.dumps(YAML(typ="safe").load(text)))
    jsonschema.validate(content, schema(PageFile))
    content["trigger"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(PageFile))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("package: com.example.shop", "package: shop"), "1: package: must be an Android package"),
        (("package: com.example.shop", "package: 7"), "1: package: must be text, not 7"),
        (("request:", "requst:"), "2: requst: unknown key 'requst'; did you mean 'request'?"),
        (("result: {id: result}", ""), "2: request.result: is missing; add it. The element whose"),
        (("{id: result}", "{}"), "4: request.result: name the element by one of id, text"),
        (("{id: result}", "{id: a, text: b}"), "4: request.result: name the element by one of"),
        (("{id: result}", "{ids: a}"), "unknown key 'ids'; did you mean 'id'?"),
        (("{id: result}", "{clas: a}"), "unknown key 'clas'; did you mean 'class'?"),
        (("{id: result}", "{xpath: '//['}"), "is not XPath"),
        (("[ok]", "[]"), "5: request.accepted: is empty; give at least one item"),
        (("[ok]", "['(']"), "5: request.accepted[0]: '(' is not a regular expression"),
        (("match: no", "match: '(?P<why>x)'"), "unknown group 'why'; known are code, kind"),
        (("match: no", "kinds: [pin]"), "6: request.refused[0].match: is missing"),
        (("match: no", "match: no, kinds: [pins]"), "unknown error kind 'pins'; did you mean"),
        (("?u={url}", ""), "'deep_link' has no {url}"),
        (("{url}", "{uri}"), "unknown placeholder '{uri}'; did you mean '{url}'?"),
        (("{url}", "{mode}{url}"), "{mode} is not known yet in 'request'"),
        (("{url}", "{url}${TOKEN}"), "3: request.deep_link: the environment variable TOKEN is not"),
        (("  deep_link", "  fill: {id: x}\n  deep_link"), "give one of 'fill'"),
        (('deep_link: "shop://fetch?u={url}"', "fill: {id: x}"), "'trigger' is missing"),
        (("request:", "start: [{tap: {id: a}, back: true}]\nrequest:"), "does one thing"),
        (("request:", "start: [{}]\nrequest:"), "2: start[0]: a step does one thing"),
        (("request:", "start: [{fill: {id: a}}]\nrequest:"), "'fill' and 'with' go together"),
        (
            ("request:", "start: [{fill: {id: a}, with: '{url}'}]\nrequest:"),
            "{url} is not known yet in 'start'",
        ),
        (("package:", "activity: '1'\npackage:"), "activity: must be an activity such as"),
    ],
)
def test_every_mistake_is_told_with_its_line(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    told = complaint(tmp_path, SHORT.replace(*change, 1))
    assert told.startswith("page.yaml:")
    assert said in told
    assert len(told.splitlines()) <= 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "page.yaml:1: the file is empty; add 'package:' and 'request:'"),
        ("- a", "must be a mapping"),
        ("a: [", "not valid YAML"),
        ("&a [*a]", "nested too deeply"),
    ],
)
def test_what_is_no_description_at_all(tmp_path: Path, text: str, said: str) -> None:
    assert said in complaint(tmp_path, text)


def test_an_unset_variable_is_named_and_not_its_value(tmp_path: Path) -> None:
    told = complaint(tmp_path, WHOLE)
    assert told == (
        "page.yaml:9: start[2].with: the environment variable PASSWORD is not set; set it, or "
        "remove ${PASSWORD}"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of modules, which are forgotten afterwards."""
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


GOOD = """\
class Mine:
    package = "com.example.mine"

    def __init__(self, driver):
        self.driver = driver

    def start(self, *, fresh): ...
    def come_back(self): ...
    def set_up(self, setup): ...
    def request(self, url): ...
"""


def test_the_samples_page(tmp_path: Path) -> None:
    assert type(load_page("trustpin-android", tmp_path, NO_DRIVER)) is TrustPinAndroidApp


def test_a_described_page(tmp_path: Path) -> None:
    write(tmp_path, SHORT)
    page = load_page("page.yaml", tmp_path, NO_DRIVER)
    assert type(page) is YamlApp
    assert page.package == "com.example.shop"
    with pytest.raises(SettingsError, match=r"other\.yaml: no such file"):
        find_page("other.yaml", tmp_path)


def test_a_class_of_ones_own(folder: Path) -> None:
    (folder / "own_page_of_mine.py").write_text(GOOD)
    path = list(sys.path)
    page = load_page("own_page_of_mine:Mine", folder, NO_DRIVER)
    assert page.package == "com.example.mine"
    assert vars(page)["driver"] is NO_DRIVER
    assert sys.path == path


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("1 +", "cannot import own_page_of_mine: SyntaxError"),
        ("raise SystemExit('bye')", "cannot import own_page_of_mine: SystemExit: bye"),
        ("import nothing_like_that", "ModuleNotFoundError"),
        ("x = 1", "has no class 'Mine'"),
        ("Mine = 1", "has no class 'Mine'"),
        ("class Mine: ...", "cannot be constructed: TypeError"),
        (GOOD.replace("self.driver = driver", "1 / 0"), "ZeroDivisionError"),
        (GOOD.replace('package = "com.example.mine"', "x = 1"), "AttributeError"),
        (GOOD.replace('"com.example.mine"', "7"), "its 'package' must be a text, not 7"),
        (GOOD.replace("def request", "def ask"), "has no method request()"),
    ],
)
def test_a_class_that_will_not_do(folder: Path, module: str, said: str) -> None:
    (folder / "own_page_of_mine.py").write_text(dedent(module))
    with pytest.raises(SettingsError) as raised:
        load_page("own_page_of_mine:Mine", folder, NO_DRIVER)
    told = str(raised.value)
    assert told.startswith("page own_page_of_mine:Mine: ")
    assert said in told
    assert "\n" not in told


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot import no_such_module"):
        find_page("no_such_module:Mine", tmp_path)
