"""From a name in devices.yaml to the page object of an app: the sample's, a class, a YAML file."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lab.apps.page import AppPage
from lab.apps.page_script import PageScript
from lab.apps.trustpin_android import TrustPinAndroidApp
from lab.apps.yaml_page import YamlApp
from lab.devices.complaints import complaints
from lab.devices.document import read_document
from lab.devices.iphone_models import TEST_APP_PAGE
from lab.devices.page_models import PageFile
from lab.devices.phone_models import SAMPLE_PAGE
from lab.devices.problems import Problem, SettingsError, quote

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

MakePage = Callable[["WebDriver"], AppPage]
"""Makes the page object, once there is a driver."""

_METHODS = ("start", "come_back", "set_up", "request")


def load_page(
    spec: str, folder: Path, driver: WebDriver, environ: Mapping[str, str] | None = None
) -> AppPage:
    """Return the page object that ``spec`` names; see ``find_page``."""
    return find_page(spec, folder, environ)(driver)


def find_page(spec: str, folder: Path, environ: Mapping[str, str] | None = None) -> MakePage:
    """Return what makes the page object that ``spec`` names: ``trustpin-android``,
    ``package.module:Class``, or the path of a YAML file.

    Files and modules are looked for from ``folder`` on, where devices.yaml is. All that can be
    wrong without a phone is found here. Raises SettingsError; so does what is returned, where
    the class does not let itself be constructed.
    """
    if spec == SAMPLE_PAGE:
        return TrustPinAndroidApp
    if spec == TEST_APP_PAGE:
        from lab.apps.trustpin_ios import TrustPinIosApp

        return TrustPinIosApp
    if spec.endswith((".yaml", ".yml")):
        seen = os.environ if environ is None else environ
        script = read_page(folder / Path(spec).expanduser(), seen)
        return lambda driver: YamlApp(driver, script, seen)
    return _of_class(spec, folder)


def read_page(file: Path, environ: Mapping[str, str]) -> PageScript:
    """Read the description of an app's screen. Raises SettingsError, which names every mistake."""
    document = read_document(file)
    problems = list(document.problems)
    content = None
    try:
        content = PageFile.model_validate(
            document.content, context={"folder": file.absolute().parent}
        )
    except ValidationError as error:
        problems += complaints(document, error, PageFile)
    else:
        for place, text in content.texts.items():
            for name in sorted(text.variables - environ.keys()):
                said = f"the environment variable {name} is not set; set it, or remove ${{{name}}}"
                problems.append(document.at(place, said))
    if problems or content is None:
        raise SettingsError(str(file), problems)
    return content.script


def _of_class(spec: str, folder: Path) -> MakePage:
    module_name, _, class_name = spec.partition(":")
    with _importable(folder):
        try:
            module = importlib.import_module(module_name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's module may do anything
            raise _useless(spec, f"cannot import {module_name}: {_words(error)}") from None
    made = getattr(module, class_name, None)
    if not callable(made):
        raise _useless(spec, f"{module_name} has no class {quote(class_name)}")

    def make(driver: WebDriver) -> AppPage:
        try:
            page: Any = made(driver)
            package = page.package
        except Exception as error:  # noqa: BLE001 - the user's class may do anything
            raise _useless(spec, f"cannot be constructed: {_words(error)}") from None
        lacking = [name for name in _METHODS if not callable(getattr(page, name, None))]
        if lacking:
            raise _useless(spec, f"has no method {lacking[0]}(); see lab.apps.page.AppPage")
        if not isinstance(package, str):
            raise _useless(spec, f"its 'package' must be a text, not {quote(package)}")
        whole: AppPage = page
        return whole

    return make


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let modules be found in ``folder``, first of all."""
    place = str(folder.absolute())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)


def _useless(spec: str, why: str) -> SettingsError:
    return SettingsError(f"page {spec}", [Problem(0, "", why)])


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
