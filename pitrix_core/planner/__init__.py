"""The planner: completes what an app type plans, checks it, totals it, and prices it.

Pure: everything it needs is passed in, what it returns is data. It stores nothing and calls no
cloud.
"""
