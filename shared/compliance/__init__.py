"""The contact gate: dated rule packs, and one pure function that permits or refuses a contact.

    packs (YAML) --load--> Pack --compile--> Gate
    facts of one customer --Entry--> Gate.verdict(proposal, log, known_at) -> Verdict

Nothing here reads a clock, a file (but the loader of packs) or a database.
"""
