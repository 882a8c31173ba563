"""What is done with packages where they are written: nothing here needs a server.

One module per verb, put together by ``group``; what several of them need stands beside them.
"""
