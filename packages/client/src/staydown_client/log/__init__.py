"""The list as a verifiable log: what a member checks before it believes anything that a hub or a cache sends.

Nothing here fetches, stores or decides: bytes and texts go in, verified values or a `LogRefusedError` come out.
"""
