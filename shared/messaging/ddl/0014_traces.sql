-- The thread that a case and its effects are followed by (shared/messaging/causes.py); no part of the state.

ALTER TABLE cases ADD COLUMN cause text NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN cause text NOT NULL DEFAULT '';
