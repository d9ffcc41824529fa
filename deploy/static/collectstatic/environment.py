"""What is particular to an environment: its static.yml, which Ansible reads as well."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from .files import SUFFIXES

INVENTORIES = Path(__file__).resolve().parents[3] / "ansible" / "inventories"
LOCAL = {"localhost", "127.0.0.1", "::1"}


class Misconfigured(Exception):
    """The environment's file says nothing that can be worked with."""


@dataclass(frozen=True)
class Environment:
    """Where the files of an environment go."""

    bucket: str
    region: str
    prefix: str
    url: str
    coding: str
    keep: int


def read(name: str, inventories: Path = INVENTORIES) -> Environment:
    """Reads group_vars/all/static.yml of the inventory of that name, or with a slash in it, in that directory."""
    inventory = Path(name) if "/" in name else inventories / name
    file = inventory / "group_vars" / "all" / "static.yml"
    try:
        values = yaml.safe_load(file.read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        if "/" in name:
            raise Misconfigured(f"there is no {file}, which says where the files of that inventory go") from error
        known = ", ".join(sorted(path.parents[2].name for path in inventories.glob("*/group_vars/all/static.yml")))
        raise Misconfigured(f"there is no environment {name} with a {file.name}; those there are: {known}") from error
    if not isinstance(values, dict):
        raise Misconfigured(f"{file} holds no variables")
    return _parse(values, file)


def _parse(values: dict[str, object], file: Path) -> Environment:
    def text(key: str) -> str:
        value = values.get(f"packtchat_static_{key}", "")
        if not isinstance(value, str) or "{{" in value:
            raise Misconfigured(f"packtchat_static_{key} in {file} needs to be plain text")
        return value

    bucket, region, url, coding = text("bucket"), text("region"), text("url"), text("coding")
    if not bucket or not region:
        raise Misconfigured(f"{file} needs packtchat_static_bucket and packtchat_static_region")
    if coding not in SUFFIXES:
        raise Misconfigured(f"packtchat_static_coding in {file} is {coding!r}; it needs to be br or gzip")
    keep = values.get("packtchat_static_keep")
    if not isinstance(keep, int) or keep < 2:
        raise Misconfigured(
            f"packtchat_static_keep in {file} is {keep!r}; it needs to be 2 or more, "
            "since pages of the last release are shown while the next one is rolled out"
        )
    address = urlsplit(url)
    if url and address.scheme not in ("http", "https"):
        raise Misconfigured(f"packtchat_static_url in {file} is {url!r}; it needs to be an http or https address")
    if coding == "br" and address.scheme == "http" and address.hostname not in LOCAL:
        raise Misconfigured(
            f"packtchat_static_url in {file} is {url!r}, and browsers take Brotli over https only: "
            "use https, or let packtchat_static_coding be gzip"
        )
    prefix = text("prefix").strip("/")
    return Environment(bucket, region, f"{prefix}/" if prefix else "", url, coding, keep)
