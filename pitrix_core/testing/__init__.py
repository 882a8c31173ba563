"""Public test kit: a fake provider, conformance suites, a clock that is set by hand.

For the tests of plugins as well as our own; needs the ``testing`` extra. Here belongs what the
tests of somebody else's plugin can use. ``fake_provider`` alone is also a provider that can be
registered, and needs no pytest.
"""
