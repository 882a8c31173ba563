"""What runs as processes of their own: a machine's init, and the one that ends a machine.

Here belongs what needs nothing but the standard library and the folder of one machine. Knows
nothing of pitrix_core, of operations or of tags.

Files in a machine's folder, by who writes them:

=============== ============ =====================================================================
``state.json``  the provider what the machine is; written once
``launch.json`` the provider how it boots; written before each boot
``user-data``   the provider mode 0600
``boot.json``   init         process, state and end of the last boot
``reaper.json`` the reaper   process, purpose and outcome of the last stop or removal
``console.log`` all          what the machine's programs print
``rootfs/``     the machine  its own files
=============== ============ =====================================================================
"""
