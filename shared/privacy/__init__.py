"""Privacy as a whole: which data there is and how each is kept, what is never let in, how long things stay, and forgetting."""
