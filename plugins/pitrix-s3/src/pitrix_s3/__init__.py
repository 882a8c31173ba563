"""Repos in S3, and in what is compatible with it: a plugin of pitrix.

``kind`` is the contract, ``client`` is boto3 sending by the core's fetcher, ``failures`` turns its
errors into ours.
"""
