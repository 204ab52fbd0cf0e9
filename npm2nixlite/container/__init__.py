"""The fallback for locks that cannot be canonical: build in a clean container, switch by hash.

`build` is the state machine, `switch` its second half; the other rooms each hold one noun.
"""
