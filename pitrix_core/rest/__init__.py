"""The REST API: HTTP to the uses of ``service`` and back.

Here belong routing, validation, authentication, idempotency keys, problems and the OpenAPI
document; all of them read one table, ``operations.py``. Nothing is decided here: who may do what,
and what happens, is the services' business. Falcon and gunicorn are imported nowhere else.
"""
