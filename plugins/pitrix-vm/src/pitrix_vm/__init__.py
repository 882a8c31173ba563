"""Application type ``vm``: clusters of machines described by ``cluster.json``.

``form`` and ``schema`` are about what the user fills in, ``template`` and ``cluster`` about what
comes of it, ``creation`` and ``deletion`` about what is done with it, ``metadata`` about what the
machines are told. Pure: no clock, no randomness, no I/O.
"""
