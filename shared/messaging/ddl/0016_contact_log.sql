-- What was made of an effect before it left: template, its version, a keyed hash of what was rendered.

ALTER TABLE effects ADD COLUMN made jsonb;
