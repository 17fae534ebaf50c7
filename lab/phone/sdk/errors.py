"""The SDK's documented errors; class names are Kotlin's (contract section 3.1)."""

from __future__ import annotations

from lab.model.outcome import DOCUMENTED_ERRORS, ErrorKind


class TrustPinError(Exception):
    """An error of the pinning SDK."""

    @property
    def code(self) -> str:
        """The documented error name, such as ``PinsMismatch``."""
        documented = (c.__name__ for c in type(self).__mro__ if c.__name__ in DOCUMENTED_ERRORS)
        return next(documented, type(self).__name__)

    @property
    def kind(self) -> ErrorKind:
        """What kind of error this is to the judge."""
        return DOCUMENTED_ERRORS.get(self.code, ErrorKind.UNKNOWN)


class InvalidProjectConfig(TrustPinError):
    """Credentials or addresses are missing or malformed."""


class ErrorFetchingPinningInfo(TrustPinError):
    """No source answered and no usable configuration is held."""


class ConfigurationValidationFailed(TrustPinError):
    """The configuration is not what the project's owner signed, or not valid at this time."""


class ConfigIntegrityError(TrustPinError):
    """A signed configuration was refused by the anti-rollback check."""


class DomainNotRegistered(TrustPinError):
    """Strict mode: the host is not in the configuration."""


class PinsMismatch(TrustPinError):
    """The leaf matches no live pin of the host."""


class AllPinsExpired(TrustPinError):
    """Every pin of the host is past its expiry."""


class InvalidServerCert(TrustPinError):
    """The certificate or the host name cannot be read, or the chain is empty."""


class AlreadyInitialized(TrustPinError):
    """A second setup after a successful one."""


class SetupInProgress(TrustPinError):
    """A setup is under way in another thread."""


class NotInitialized(TrustPinError):
    """A pinned request before setup completed."""


class Timeout(TrustPinError):
    """The deadline of ``fetch_certificate``, or of waiting for the configuration, passed."""


class LockTimeout(TrustPinError):
    """A lock of the SDK's own was not to be had. Of the reference client none ever fails so."""


class SSLContextSetupFailed(TrustPinError):
    """The platform's TLS cannot be set up."""


class UnsupportedDevice(TrustPinError):
    """A release build refuses emulators and images that are no manufacturer's (contract 7.2)."""
