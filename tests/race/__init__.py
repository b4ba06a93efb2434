"""Many writers and readers at once: is every answer right?

`plan` derives a plan from a seed, `driver` executes it on a store, `history` judges the observations,
`memory` is a store without S3, and `mutants` are wrong protocols that the checker must detect.
"""
