"""The Frontgate: keeps the metadata of one private network in etcd and dials out to the Pilot.

Belongs here: everything that runs on the Frontgate's machine. Does not: what the drones do with
the metadata (pitrix_drone), or what stands in it (the core).
"""

__version__ = "0.1.0"
