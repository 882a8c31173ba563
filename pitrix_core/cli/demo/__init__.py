"""``pitrix demo``: deploys a real three-node etcd cluster on this machine, proves that it works,
and removes every trace of it.

``command`` is the verb, ``run`` the order of its steps, ``steps`` what each does through the REST
API, ``server`` the server it starts for itself, ``cleanup`` what takes everything away again, also
after a failure or Ctrl-C at any moment (``interrupts``).
"""
