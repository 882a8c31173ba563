"""What can go wrong in a Frontgate, in words for the operator or for the Pilot."""


class FrontgateError(Exception):
    """The Frontgate cannot go on; the message says why and what to do next."""


class ConfigError(FrontgateError):
    """The configuration cannot be used."""


class EtcdServerError(FrontgateError):
    """No etcd fit for the purpose was found, or it does not start."""


class FrameError(Exception):
    """A frame can never be carried out; it is answered with ``failed``.

    :param code: stable, for programs.
    :param message: what is wrong, where, and the next step; never a secret.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
