"""The table of the API in parts, one for each kind of thing; ``operations.py`` joins them."""
