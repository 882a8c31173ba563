"""Application type ``vm``: clusters of machines described by ``cluster.json``.

``form`` is about what the user fills in, ``template`` and ``cluster`` about what comes of it,
``planning`` about what is done with it, ``metadata`` about what the machines are told, ``links``
about other clusters. ``spec`` puts form, template and cluster together; ``authoring`` is for those
who write packages. Pure: no clock, no randomness, no I/O.
"""
