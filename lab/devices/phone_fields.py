"""The kinds of value that stand in devices.yaml about phones, each with its own clear error."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field, Strict, ValidationInfo, WithJsonSchema

from lab.devices.fields import folder_of, not_a, wrong
from lab.devices.template import Template, TemplateError
from lab.model.device import Endpoint

_HOST_PORT = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>\d{1,5})\Z"
)
_VARIABLE = re.compile(r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$")


def _file(value: object, info: ValidationInfo) -> Path:
    """Read a path; a relative one starts in the folder of the file that is being read."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise wrong(not_a("a path", value))
    return folder_of(info) / Path(value).expanduser()


def _endpoint(value: object) -> Endpoint:
    if isinstance(value, Endpoint):
        return value
    match = _HOST_PORT.match(value) if isinstance(value, str) else None
    if match is None or not 0 < int(match["port"]) < 65536:
        raise wrong(not_a("host:port", value))
    return Endpoint(match["six"] or match["host"], int(match["port"]))


def _address(value: object) -> str:
    try:
        address = ipaddress.ip_address(str(value))
    except ValueError:
        raise wrong(not_a("an IP address of this machine", value)) from None
    if address.is_unspecified or address.is_multicast:
        raise wrong("must be one address of this machine: the lab is not to listen everywhere")
    return str(address)


def _secret(value: object) -> Template:
    if not isinstance(value, str) or not _VARIABLE.match(value):
        # The value itself is not repeated: it may be the secret.
        raise wrong("must be ${NAME}, an environment variable: a secret does not belong in a file")
    return Template.parse(value, frozenset())


def _url(value: object) -> Template:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise wrong(not_a("an http:// or https:// address", value))
    authority = value.partition("://")[2].partition("/")[0]
    credentials = authority.rpartition("@")[0]
    if re.sub(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|:", "", credentials):
        raise wrong("holds credentials; write ${NAME} for each, an environment variable")
    try:
        return Template.parse(value, frozenset())
    except TemplateError as error:
        raise wrong(str(error)) from None


def _as_text(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


NUMBER_AS_TEXT = BeforeValidator(_as_text)
"""For versions, which look like numbers to YAML."""
FilePath = Annotated[Path, BeforeValidator(_file), WithJsonSchema({"type": "string"})]
"""A file; whether it is there is checked when the device is used."""
HostPort = Annotated[Endpoint, BeforeValidator(_endpoint), WithJsonSchema({"type": "string"})]
IpAddress = Annotated[str, BeforeValidator(_address), WithJsonSchema({"type": "string"})]
Port = Annotated[int, Strict(), Field(ge=1, le=65535)]
SecretText = Annotated[
    Template,
    BeforeValidator(_secret),
    WithJsonSchema({"type": "string", "pattern": _VARIABLE.pattern}),
]
UrlText = Annotated[
    Template, BeforeValidator(_url), WithJsonSchema({"type": "string", "pattern": "^https?://"})
]
PackageName = Annotated[
    str, Strict(), Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$")
]


class PageSpec(NamedTuple):
    """Which page object drives an app, and the folder of the file that says so."""

    name: str
    folder: Path


IOS_PAGE_PATTERN = r"^(trustpin-ios|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$"
PAGE_PATTERN = r"^(trustpin-android|.+\.ya?ml|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$"


def _page(value: object, info: ValidationInfo) -> PageSpec:
    if isinstance(value, PageSpec):
        return value
    if not isinstance(value, str):
        raise wrong(not_a("text", value))
    if not re.match(PAGE_PATTERN, value):
        page = "'trustpin-android', package.module:Class or the path of a .yaml file"
        raise wrong(not_a(page, value))
    return PageSpec(value, folder_of(info))


PageName = Annotated[
    PageSpec, BeforeValidator(_page), WithJsonSchema({"type": "string", "pattern": PAGE_PATTERN})
]
"""A page object: the sample app's, a YAML file, or a class."""


def _ios_page(value: object, info: ValidationInfo) -> PageSpec:
    if isinstance(value, PageSpec):
        return value
    if not isinstance(value, str) or not re.match(IOS_PAGE_PATTERN, value):
        raise wrong(not_a("'trustpin-ios' or package.module:Class", value))
    return PageSpec(value, folder_of(info))


IosPageName = Annotated[
    PageSpec,
    BeforeValidator(_ios_page),
    WithJsonSchema({"type": "string", "pattern": IOS_PAGE_PATTERN}),
]
"""A page object of an iPhone's app: the sample's, or a class."""
