"""How patient a Pilot is, how many it lets wait, and how often it looks at the database."""

import attrs


@attrs.frozen(kw_only=True)
class Pace:
    """How patient a Pilot is."""

    #: Seconds a Frontgate has to say who it is.
    hello_s: float = 10.0
    #: Connections at a time, altogether and from one address, whose other end has not said who it
    #: is. Each may cost 100 KiB; that of a Frontgate is one of them for milliseconds.
    most_strangers: int = 1000
    most_of_address: int = 250
    #: Seconds between looks into the outbox while there is something to do.
    look_s: float = 0.05
    #: The same when all has been quiet: looks cost the most when nothing happens for days.
    quiet_look_s: float = 0.25
    #: The same while the database tells of messages by itself: only in case it did not.
    told_look_s: float = 2.0
    #: Seconds without a frame after which it is quiet.
    quiet_after_s: float = 10.0
    #: Seconds after which an unacknowledged frame is sent again on the same connection;
    #: agents/protocol/README.md section 1.
    resend_s: float = 30.0
    #: Seconds between looks which connections count: another Pilot may have one of them by now.
    held_look_s: float = 1.0
    #: Seconds between signs of life; after six times as long without one a Pilot is dead.
    life_s: float = 10.0

    def pause_s(self, *, quiet_s: float, is_told: bool = False) -> float:
        """Return seconds until the next look into the outbox.

        :param quiet_s: seconds since the last frame came or went.
        :param is_told: the database tells of messages by itself.
        """
        if is_told:
            return self.told_look_s
        return self.look_s if quiet_s < self.quiet_after_s else self.quiet_look_s
