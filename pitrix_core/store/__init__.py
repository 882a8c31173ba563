"""The database: tables, one repository per aggregate, migrations.

Here belongs everything that speaks SQL, and nothing that decides: rules are in ``model``, ``jobs``
and ``service``. SQLAlchemy is imported nowhere else. SQLite on one machine, PostgreSQL for several;
what differs between them is in ``engine.py``.
"""

from pitrix_core.store.cipher import Cipher
from pitrix_core.store.database import Store, Transaction
from pitrix_core.store.engine import DATABASE_TROUBLE, UNFIT_FOR_DATABASE, make_engine
from pitrix_core.store.ids import new_id
from pitrix_core.store.wakeups import Topic

__all__ = [
    "DATABASE_TROUBLE",
    "UNFIT_FOR_DATABASE",
    "Cipher",
    "Store",
    "Topic",
    "Transaction",
    "make_engine",
    "new_id",
]
