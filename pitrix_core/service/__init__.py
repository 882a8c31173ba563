"""Uses: what a person or program can ask of pitrix, one module each.

A function here opens the transaction, calls the layers below, and returns records. Who may do what
is decided here. It knows no HTTP and no terminal; ``rest`` translates to and from them.
"""
