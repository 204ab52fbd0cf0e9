"""Which registry a package comes from, and which credentials go with a request to it."""

from __future__ import annotations

import base64
import os
import re
from collections import ChainMap
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import SplitResult, urlsplit

from npm2nixlite.config import npm
from npm2nixlite.config.network import (
    PROXY_VARIABLES,
    ClientCertificate,
    TlsSettings,
    proxy_for,
    tls_settings,
)
from npm2nixlite.config.npmrc import environment_settings, npmrc_files, read_npmrc
from npm2nixlite.errors import InputError
from npm2nixlite.files import home_path
from npm2nixlite.lock.address import check_http_address
from npm2nixlite.messages import without_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["RegistryConfig", "load_registry_config", "normal_base"]

T = TypeVar("T")

_HEADER = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def normal_base(address: str, origin: str) -> str:
    """A registry base, with a slash at its end.

    Args:
        address: An http(s) address.
        origin: Where it was found, for messages.

    Raises:
        InputError: It is no http(s) address, or carries credentials, a query or a fragment.
    """
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        if parts.username is None:
            check_http_address(address)
    except (ValueError, InputError):
        good = False
    if not good or parts.query or parts.fragment or any(c in address for c in " \"'\\<>{}$`"):
        raise InputError(
            f"{without_credentials(address)!r} is no registry base",
            where=origin,
            hint="expected an http:// or https:// address, such as https://registry.example/",
        )
    if parts.username is not None:
        raise InputError(
            f"the registry base on {parts.hostname} carries credentials",
            where=origin,
            hint="give them in .npmrc: //HOST/:_authToken=…",
        )
    return address if address.endswith("/") else f"{address}/"


@dataclass(frozen=True)
class RegistryConfig:
    """What npm is configured to, for one project.

    Attributes:
        settings: npm's settings by key, those that win first.
        project: The project's directory; npm is asked there.
        user_file: Read in the place of the user's ``.npmrc``.
        forced: The registry base given on the command line, which goes before everything.
        environment: Of the process's: what names proxies, in lower case.
    """

    settings: Mapping[str, str]
    project: Path
    user_file: Path | None = None
    forced: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def registry(self) -> str:
        """The registry base for packages without a scope of their own.

        Raises:
            InputError: Nothing names one, and npm cannot be asked; or what names it is malformed.
        """
        return self.configured or normal_base(
            npm.configured_registry(self.project, self.user_file), "npm config get registry"
        )

    @cached_property
    def configured(self) -> str | None:
        """The registry base that the command line, the environment or an ``.npmrc`` names."""
        if self.forced is not None:
            return normal_base(self.forced, "--registry")
        return self._named("registry")

    @property
    def npm_cache(self) -> Path:
        """The directory of npm's own cache."""
        return self.project.absolute() / home_path(self.settings.get("cache") or "~/.npm")

    def scope_registry(self, name: str) -> str | None:
        """The registry base of a package's scope, where one is configured for it."""
        scope, slash, _ = name.partition("/")
        return self._named(f"{scope}:registry") if slash else None

    def replacement(self, base: str) -> str:
        """The base to fetch from where a lock names ``base``.

        As npm's ``replace-registry-host`` has it: by default, only npm's own default registry
        stands for "the configured registry". With the base given on the command line, always.
        """
        if self.forced is not None:
            return self.registry
        replaced = self.settings.get("replace-registry-host", "npmjs")
        if replaced == "never" or self.configured in {None, base}:
            return base
        if replaced == "npmjs":
            default = npm.default_registry()
            replaced = (urlsplit(default).hostname or "") if default else ""
        hosts = {replaced, _hostname(replaced)} - {None, ""}
        return self.registry if replaced == "always" or urlsplit(base).hostname in hosts else base

    def authorization(self, url: str) -> str | None:
        """The ``Authorization`` header for a request, from the credentials given for its address.

        Credentials hold for the host, port and path they were given for and everything below; a
        registry's own also for the rest of its host and port, where a registry may keep tarballs.
        They go over plain http only to a host that is configured as an http registry.
        """
        return self._given_for(url, self._header)

    def tls(self, url: str) -> TlsSettings:
        """How to shake hands with an https server; client certificates hold as credentials do."""
        client = self._given_for(url, self._client_certificate)
        if client is None and _place(urlsplit(url)) in self._https_places:
            certificate, key = (
                self.settings.get(name, "").replace("\\n", "\n") for name in ("cert", "key")
            )
            if "BEGIN" in certificate and "BEGIN" in key:
                client = ClientCertificate(certificate, key, inline=True)
        return tls_settings(self.settings, self.project, client)

    def proxy(self, url: str) -> str | None:
        """The proxy for a request; see `npm2nixlite.config.network.proxy_for`."""
        if not self._has_proxies:
            return None
        return proxy_for(url, self.settings, self.environment)

    def _given_for(self, url: str, find: Callable[[str], T | None]) -> T | None:
        """What is configured for an address, or for what it is below of."""
        if not self._has_credentials:
            return None
        parts = urlsplit(url)
        place = _place(parts)
        if parts.scheme != "https" and place not in self._plain_http_places:
            return None
        # As npm's: what no key fits is asked for under the registry of the same host.
        bases = [urlsplit(base) for base in self._bases if base.startswith(f"{parts.scheme}:")]
        for path in (parts.path, *(base.path for base in bases if _place(base) == place)):
            key = f"//{place}{path}"
            while key != "//":
                found = find(key)
                if found is not None:
                    return found
                # "//host/path/" and "//host/path" are keys of their own, to npm too.
                key = key[:-1] if key.endswith("/") else key[: key.rindex("/") + 1]
        return None

    def _client_certificate(self, key: str) -> ClientCertificate | None:
        certificate = self.settings.get(f"{key}:certfile")
        private = self.settings.get(f"{key}:keyfile")
        if not certificate or not private:
            return None
        place = self.project.absolute()
        return ClientCertificate(str(place / certificate), str(place / private), inline=False)

    def _header(self, key: str) -> str | None:
        for name, scheme in (("_authToken", "Bearer"), ("_auth", "Basic")):
            secret = self.settings.get(f"{key}:{name}")
            if secret:
                if not _HEADER.fullmatch(secret):
                    raise InputError(
                        f"the setting {key}:{name} has a character that no credentials have",
                        hint="write it anew; it may have a line's end or a space too much",
                    )
                return f"{scheme} {secret}"
        username = self.settings.get(f"{key}:username")
        password = self.settings.get(f"{key}:_password")
        if not username or not password:
            return None
        try:
            secret = base64.b64decode(password).decode()
        except ValueError as error:  # no base 64, or not of UTF-8
            raise InputError(
                f"the setting {key}:_password is not base 64 of UTF-8",
                hint="encode it: printf %s PASSWORD | base64",
            ) from error
        return f"Basic {base64.b64encode(f'{username}:{secret}'.encode()).decode()}"

    @cached_property
    def _has_credentials(self) -> bool:
        return any(key.startswith("//") for key in self.settings)

    @cached_property
    def _has_proxies(self) -> bool:
        return bool(self.settings.get("https-proxy") or self.settings.get("proxy")) or any(
            self.environment.values()
        )

    @cached_property
    def _plain_http_places(self) -> frozenset[str]:
        return frozenset(
            _place(urlsplit(base)) for base in self._bases if base.startswith("http://")
        )

    @cached_property
    def _https_places(self) -> frozenset[str]:
        return frozenset(
            _place(urlsplit(base)) for base in self._bases if base.startswith("https://")
        )

    @cached_property
    def _bases(self) -> list[str]:
        return [base for base in (self.forced or "", *self._registries()) if _is_address(base)]

    def _registries(self) -> list[str]:
        return [
            value
            for key, value in self.settings.items()
            if key == "registry" or (key.startswith("@") and key.endswith(":registry"))
        ]

    def _named(self, key: str) -> str | None:
        value = self.settings.get(key)
        return normal_base(value, f"npm's setting {key}") if value else None


def load_registry_config(
    project: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user_file: Path | None = None,
    registry: str | None = None,
) -> RegistryConfig:
    """Read npm's configuration for a project.

    Args:
        project: The project's directory.
        environment: The process's own where None.
        user_file: Read in the place of the user's ``.npmrc``; must be there.
        registry: Goes before everything that is configured.

    Raises:
        InputError: A configuration file cannot be read, or ``registry`` is no registry base.
    """
    environment = os.environ if environment is None else environment
    if user_file is not None and not user_file.is_file():
        raise InputError("no such file", where=str(user_file), hint="see --npmrc")
    files = npmrc_files(project, environment, user_file)
    layers = [environment_settings(environment)]
    layers.extend(read_npmrc(file, environment) for file in files)
    return RegistryConfig(
        settings=ChainMap(*layers),
        project=project,
        user_file=user_file,
        forced=None if registry is None else normal_base(registry, "--registry"),
        environment={
            name.lower(): value
            for name, value in environment.items()
            if name.lower() in PROXY_VARIABLES
        },
    )


def _is_address(base: str) -> bool:
    """Whether a setting can be taken apart at all; if not, whoever uses it is told."""
    try:
        _place(urlsplit(base))
    except ValueError:
        return False
    return True


def _hostname(text: str) -> str | None:
    try:
        return urlsplit(text).hostname
    except ValueError:
        return None


def _place(parts: SplitResult) -> str:
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in {None, default} else f"{host}:{parts.port}"
