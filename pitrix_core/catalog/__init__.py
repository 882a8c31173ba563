"""The catalogue: reads repos, recognises packages, and finds the runtimes an app can run on.

Here belongs what is known before anything is planned. It decides nothing about clusters and makes
no change in a cloud.
"""
